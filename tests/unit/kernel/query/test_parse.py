"""The one query language: what is read, what is refused, and what the refusal says."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marsad.errors import QueryError
from marsad.query import Node, format_query, parse
from marsad.query.ast import And, Keyword, MatchAll, Not, Or, Phrase, Range, Wildcard, Word
from marsad.testing.factories import NOW


def read(text: str) -> Node:
    return parse(text, now=NOW)


def word(raw: str, stem: str | None = None, **more: object) -> Word:
    return Word(raw, stem or raw, **more)  # type: ignore[arg-type]  # the fields of the test's own making


def at(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year to second


@pytest.mark.parametrize("text", ["", "   ", "*", "*:*", "\u200f"])
def test_nothing_and_a_star_mean_every_article(text: str) -> None:
    assert read(text) == MatchAll()


def test_words_stand_for_all_of_them() -> None:
    assert read("روسيا والجزائر") == And((word("روسيا", "روسيا"), word("والجزائر", "جزائر")))


def test_or_binds_stronger_than_a_space_and_weaker_than_and() -> None:
    a, b, c = word("a"), word("b"), word("c")

    assert read("a b OR c") == And((a, Or((b, c))))
    assert read("a AND b OR c") == Or((And((a, b)), c))
    assert read("(a b) OR c") == Or((And((a, b)), c))


@pytest.mark.parametrize("text", ["NOT a", "-a", "!a", "NOT (a)", "-(a)", "NOT NOT NOT a", "---a"])
def test_there_are_several_ways_to_forbid(text: str) -> None:
    assert read(text) == Not(word("a"))


@pytest.mark.parametrize(
    "text", ["a b", "+a +b", "a AND b", "a && b", "a - b", "a -- b", "a / b", "(a) (b)", "a ، b", "a ! b"]
)
def test_dashes_and_commas_between_spaces_are_punctuation(text: str) -> None:
    assert read(text) == And((word("a"), word("b")))


@pytest.mark.parametrize(
    "text",
    [
        '"التعاون العسكري"',
        "«التعاون العسكري»",
        "“التعاون العسكري”",
        "„التعاون العسكري“",
        "”التعاون العسكري”",
        '\u200f"التعاون\u200f العسكري"',
    ],
)
def test_quotation_marks_of_every_alphabet_make_a_phrase(text: str) -> None:
    assert read(text) == Phrase("التعاون العسكري", ("التعاون", "العسكري"))


def test_a_quotation_inside_a_phrase_is_only_punctuation() -> None:
    assert read('"قال «كذا» ثم"') == Phrase("قال «كذا» ثم", ("قال", "كذا", "ثم"))
    assert read('«قال "كذا" ثم»') == Phrase("قال  كذا  ثم", ("قال", "كذا", "ثم"))


def test_a_quotation_may_follow_a_letter_as_outlets_write_it() -> None:
    assert read('بـ"ذا فويس"') == And((word("بـ", "ب"), Phrase("ذا فويس", ("ذا", "فويس"))))


def test_phrases_keep_key_forms_and_slop() -> None:
    assert read('"الجَزائـر أمّةٌ"~3') == Phrase("الجَزائـر أمّةٌ", ("الجزائر", "امه"), slop=3)
    assert read('"روسيا"~3') == Phrase("روسيا", ("روسيا",))


@pytest.mark.parametrize(
    ("text", "keys"),
    [("F-16", ("f", "16")), ("#الولايات_المتحدة", ("الولايات", "المتحده")), ("أكتوبر/تشرين", ("اكتوبر", "تشرين"))],
)
def test_a_word_of_several_tokens_is_a_phrase(text: str, keys: tuple[str, ...]) -> None:
    assert read(text) == Phrase(text, keys)


def test_fields_may_be_named_in_arabic_and_with_the_article() -> None:
    for name in ("topic", "TOPIC", "موضوع", "الموضوع", "مَوضوع"):
        assert read(f"{name}:sanctions") == Keyword("topic", "sanctions")
    assert read("عنوان:روسيا") == word("روسيا", scope="title")
    assert read("نص: روسيا") == word("روسيا", scope="text")
    assert read("مصدر:«قناة الشرق»") == Keyword("outlet", "قناة الشرق")


def test_a_group_after_a_field_belongs_to_the_field() -> None:
    assert read("country:(SA OR ru)") == Or((Keyword("country", "SA"), Keyword("country", "RU")))
    assert read('title:(روسيا -"a b" +c)') == And(
        (word("روسيا", scope="title"), Not(Phrase("a b", ("a", "b"), "title")), word("c", scope="title"))
    )


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("dz", "DZ"), ("UK", "GB"), ("الجزائر", "DZ"), ("جزائر", "DZ"), ('"السعودية"', "SA"), ("Algeria", "DZ"), ("Algérie", "DZ"),
        ('"المملكة المتحدة"', "GB"), ("روسيا", "RU"), ("XK", "XK"), ("لبنان", "LB"),
    ],
)  # fmt: skip
def test_countries_are_known_by_code_and_by_name_in_three_languages(written: str, code: str) -> None:
    assert read(f"country:{written}") == Keyword("country", code)


def test_names_are_resolved_by_whoever_knows_them() -> None:
    def resolve(field: str, value: str) -> str | None:
        return {("topic", "عقوبات"): "sanctions", ("country", "بلاد الرافدين"): "IQ"}.get((field, value))

    assert parse("topic:عقوبات", now=NOW, resolve=resolve) == Keyword("topic", "sanctions")
    assert parse('country:"بلاد  الرافدين"', now=NOW, resolve=resolve) == Keyword("country", "IQ")
    assert parse("country:DZ", now=NOW, resolve=resolve) == Keyword("country", "DZ")
    with pytest.raises(QueryError, match='no topic "weather"'):
        parse("topic:weather", now=NOW, resolve=resolve)


def test_a_star_alone_asks_whether_a_keyword_field_has_a_value() -> None:
    assert read("entity:*") == Keyword("entity", "*")


def test_wildcards_are_patterns_over_keys() -> None:
    assert read("الجزائـر*") == Wildcard("الجزائـر*", "الجزائر*")
    assert read("title:إي?ان") == Wildcard("إي?ان", "اي?ان", "title")
    assert read("ab**c") == Wildcard("ab*c", "ab*c")
    assert read(r"ab\*") == word("ab")


def test_boosts_reach_the_words_of_a_group() -> None:
    assert read('a^2 (b "c d"^3)^1.5') == And(
        (word("a", boost=2.0), word("b", boost=1.5), Phrase("c d", ("c", "d"), boost=4.5))
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[2026-01-01 TO 2026-01-31]", Range("published", at(2026, 1, 1), at(2026, 2, 1), include_high=False)),
        ("{2026-01-01 TO 2026-01-31}", Range("published", at(2026, 1, 2), at(2026, 1, 31), include_high=False)),
        ("2026-01", Range("published", at(2026, 1, 1), at(2026, 2, 1), include_high=False)),
        ("2025", Range("published", at(2025, 1, 1), at(2026, 1, 1), include_high=False)),
        (">2026-01-01", Range("published", at(2026, 1, 2), None)),
        (">=2026-01-01", Range("published", at(2026, 1, 1), None)),
        ("<2026-01-01", Range("published", None, at(2026, 1, 1), include_high=False)),
        ("<=2026-01-01", Range("published", None, at(2026, 1, 2), include_high=False)),
        (">now-7d", Range("published", NOW - timedelta(days=7), None, include_low=False)),
        ("[now-12h TO now]", Range("published", NOW - timedelta(hours=12), NOW)),
        (">=now-1M", Range("published", at(2026, 6, 14, 9, 30), None)),
        ("today", Range("published", at(2026, 7, 14), at(2026, 7, 15), include_high=False)),
        ("أمس", Range("published", at(2026, 7, 13), at(2026, 7, 14), include_high=False)),
        ("٢٠٢٦-٠١-٠١", Range("published", at(2026, 1, 1), at(2026, 1, 2), include_high=False)),
        ("2026-01-01T10:00:00Z", Range("published", at(2026, 1, 1, 10), at(2026, 1, 1, 10))),
        ('"2026-01-01T10:00:00+03:00"', Range("published", at(2026, 1, 1, 7), at(2026, 1, 1, 7))),
        ("2026-01-01T10:00", Range("published", at(2026, 1, 1, 10), at(2026, 1, 1, 10, 1), include_high=False)),
        ("*", Range("published", None, None)),
    ],
)  # fmt: skip
def test_dates_are_periods_and_moments(text: str, expected: Range) -> None:
    assert read(f"published:{text}") == expected


def test_days_begin_where_the_reader_is() -> None:
    riyadh = timezone(timedelta(hours=3))

    assert parse("published:today", now=at(2026, 7, 14, 22), zone=riyadh) == Range(
        "published", at(2026, 7, 14, 21), at(2026, 7, 15, 21), include_high=False
    )


def test_scores_are_numbers() -> None:
    assert read("score:>1.5") == Range("score", 1.5, None, include_low=False)
    assert read("درجة:[-1 TO ١٫٥}") == Range("score", -1.0, 1.5, include_high=False)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("(a", 0, 'expected "\\)"'),
        ("a)", 1, 'expected "\\("'),
        ("a «b", 2, "expected » for the quotation mark"),
        ("a AND", 5, 'ends too early.*"AND"'),
        ("AND a", 0, 'found "AND"'),
        ("a OR OR b", 5, 'found "OR"'),
        ("title:", 6, "ends too early"),
        ("()", 1, 'found "\\)"'),
        ('""', 0, "expected words between"),
        ("topik:x", 0, 'did you mean "topic"'),
        ("a موضع:x", 2, 'did you mean "موضوع"'),
        ("zzz:x", 0, 'put "quotes"'),
        ("topic:(a title:b)", 9, "within it"),
        ("country:XX", 8, "ISO 3166-1"),
        ("country:(SA OR UX)", 15, "ISO 3166-1"),
        ("a*", 0, "at least 2 letters"),
        ("*a", 0, "at least 2 letters"),
        ("ال*", 0, "expected a letter after it"),
        ("title:*", 6, "at least 2 letters"),
        ("ab*c*d*e*f*g*h*i*j*k", 0, "at most 8 wildcards"),
        ("ab-c*", 0, "within one word"),
        ("topic:def*", 6, "whole values"),
        ("a~2", 0, 'follows a "phrase"'),
        ('"a b"~99', 6, "at most 50"),
        ("a^", 1, "expected a number after"),
        ("a^1.2.3", 1, "expected a number after"),
        ("a^0", 2, "boost between"),
        ("/a.*/", 0, "regular expressions"),
        ("[a TO b]", 0, '"published" and "score"'),
        ("published:yesterdy", 10, "expected a date such as"),
        ("published:2026-13-01", 10, "expected a date such as"),
        ("published:[now TO 2020]", 10, "smaller bound first"),
        ("published:[2026-01-01 2026-02-01]", 22, "expected a range such as"),
        ("score:high", 6, "expected one such as 1.5"),
        (" ، ؛ ", 0, "nothing but punctuation"),
        ("...", 0, "nothing but punctuation"),
        ("!!!", 0, "nothing but punctuation"),
        ("a" * 2001, 2000, "longer than 2000"),
        ("(" * 51 + "a" + ")" * 51, 50, "50 parentheses"),
        ("a OR " * 200 + "a", 1000, "at most 200 words"),
        ("NOT " * 200 + "a", 520, "levels"),
    ],
)
def test_a_fault_is_named_with_its_place_and_what_was_expected(text: str, position: int, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        read(text)

    assert caught.value.position == position


def test_a_place_is_counted_in_the_query_as_it_was_written() -> None:
    with pytest.raises(QueryError) as caught:
        read('\u200f«روسيا» ب"a" \u202bcountry:XX')

    assert caught.value.position == '\u200f«روسيا» ب"a" \u202bcountry:XX'.index("XX")


@given(st.text(max_size=60))
@example("¼\\\x1b")
@settings(max_examples=300)
def test_any_text_is_read_or_refused_in_a_sentence(text: str) -> None:
    _read_or_refuse(text)


PIECES = st.sampled_from(
    ["روسيا", "a", '"', "«", "»", "(", ")", " ", " ", "AND", " OR ", "NOT ", "-", "+", ":", "title:", "topic:", "published:", "[", "]",
     "{", " TO ", "now", "2026", "*", "?", "~", "~2", "^", "^2", "\\", "/", "!", "&&", "||", "<", ">=", "score:", "'", "،", "\u200f", "F-16", ".", "1"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join))
@example("F-16\\\u200f")
@settings(max_examples=1_500, deadline=None)
def test_any_sequence_of_signs_is_read_or_refused_in_a_sentence(text: str) -> None:
    _read_or_refuse(text)


def _read_or_refuse(text: str) -> None:
    """Read; what is read can be written and read again, what is refused is refused at a place of the text."""
    try:
        node = read(text)
    except QueryError as error:
        node, place = None, error.position
    else:
        place = 0
    assert 0 <= place <= len(text)
    assert node is None or read(format_query(node)) == node
