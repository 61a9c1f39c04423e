"""Parsing takes any bytes, and loses no entry that is there."""

import base64
import io
import json
import tracemalloc

import feedparser
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.discover import feed_links
from producers.parse import TooFreshError, looks_like_bot_wall, parse, parse_again
from producers.parse.dates import instant
from producers.parse.htmltext import first_image, plain_text, title_text
from producers.parse.mend import is_well_formed, mend
from producers.parse.model import ParsedFeed
from producers.parse.walls import looks_like_login
from producers.pipe import pipe_parse
from producers.readings import KeptReadings

HEAD = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>ت</title><link>https://news.example/</link>'
TAIL = "</channel></rss>"


def item(number: int, title: str = "خبر") -> str:
    return (
        f"<item><title>{title} {number}</title><link>https://news.example/{number}</link><guid>g{number}</guid></item>"
    )


def document(count: int) -> str:
    return HEAD + "".join(item(number) for number in range(count)) + TAIL


FRAGMENTS = st.sampled_from(
    ["<rss>", "<rss version='2.0'>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "<entry>", "</entry>",
     "<feed xmlns='http://www.w3.org/2005/Atom'>", "<![CDATA[", "]]>", "&", "&amp;", "&nbsp;", "&#0;", "&#x110000;", "&#xD800;",
     "<!DOCTYPE rss [", "<!ENTITY a '&a;'>", "]>", "<?xml version='1.0' encoding='utf-16'?>", "<!--", "-->", "<", ">", '"', "'",
     "<a:b>", "xmlns:a='u'", "<guid isPermaLink='true'>", "http://[", "https://e.example/%zz", "<pubDate>", "32 Foo 99999", "{",
     "}", "[", '"items":', "null", "1e999", "<urlset>", "<url>", "<loc>", "<html>", "<base href=':'>", "\x00", "\ud7ff", "خبر", "\u202e",
     "<content type='xhtml'>", "<div>", "<enclosure url='x' length='-1e9'/>", "<skipHours>", "<hour>99</hour>", "</skipHours>"]
)  # fmt: skip


@given(st.binary(max_size=300))
def test_any_bytes_are_read(body: bytes) -> None:
    assert parse(body, url="https://news.example/feed").problems is not None


@settings(max_examples=400)
@given(
    st.lists(FRAGMENTS, max_size=30).map("".join),
    st.sampled_from(["", "text/xml", "text/xml; charset=utf-16", "x; charset=\x00"]),
)
def test_any_arrangement_of_markup_is_read(text: str, content_type: str) -> None:
    body = text.encode("utf-8", "surrogatepass")

    found = parse(body, content_type=content_type, url="https://news.example/feed")

    assert (found.kind is None) == ("not-a-feed" in found.problems)
    assert found.kind or not found.entries


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_feed_keeps_what_feedparser_alone_finds_and_more(data: st.DataObject) -> None:
    text = document(6)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(len(HEAD), len(text)))
        text = (
            text[:at]
            + data.draw(st.sampled_from(["&", "<", "<br>", "&nbsp;", "\x01", "</b>", "<b>", " & "]))
            + text[at:]
        )
    text = text[: data.draw(st.integers(len(HEAD), len(text)))]

    alone = feedparser.parse(io.BytesIO(text.encode()), sanitize_html=False, resolve_relative_uris=False)
    found = parse(text.encode(), content_type="text/xml", url="https://news.example/feed")

    assert len(found.entries) >= len(alone.entries)


@given(st.dictionaries(st.sampled_from(["items", "version", "title", "hubs", "feed_url"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "url", "title", "authors", "attachments", "tags"]), inner, max_size=3),
)))  # fmt: skip
def test_any_json_is_read(data: dict[str, object]) -> None:
    parse(json.dumps(data).encode(), url="https://news.example/feed")


def test_more_entries_than_the_limit_are_cut_and_said() -> None:
    found = parse(document(10_000).encode(), max_entries=200)

    assert len(found.entries) == 200
    assert found.problems == ("entries-cut",)
    assert found.entries[-1].title == "خبر 199"


def test_exactly_as_many_entries_as_the_limit_are_not_cut() -> None:
    text = document(5).replace("<item>", "<image><url>https://news.example/i.png</url></image><item>", 1)

    found = parse(text.encode(), max_entries=5)

    assert (len(found.entries), found.problems) == (5, ())


def test_a_document_that_nests_without_end_is_no_feed() -> None:
    assert "too-deep" in parse((HEAD + "<a>" * 50_000).encode()).problems


def test_entries_that_are_never_closed_are_all_read() -> None:
    text = document(400).replace("</item>", "")

    assert len(parse(text.encode()).entries) == 400


def test_prefixes_without_number_are_not_all_declared() -> None:
    text = HEAD + "".join(f"<p{number}:a/>" for number in range(20_000)) + item(1) + TAIL

    assert len(parse(text.encode()).entries) == 1


def test_json_items_beyond_the_limit_are_cut_and_said() -> None:
    body = json.dumps({"version": "1", "items": [{"id": str(n)} for n in range(9)]}).encode()

    assert parse(body, max_entries=4).problems == ("entries-cut",)


def test_deeply_nested_json_is_no_feed() -> None:
    assert parse(b'{"items":' * 5_000).kind is None


@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_a_base_without_end_is_not_given_to_each_link(quote: str) -> None:
    base = f"xml:base={quote}https://news.example/{'a' * 100_000}/{quote}"
    text = HEAD + item(1) + f"<item {base}>" + "<link rel='x' href='y'/>" * 5_000 + "</item>" + TAIL

    found, peak = read_and_weighed(text)

    assert found.entries[0].title == "خبر 1"
    assert peak < 100_000_000


def test_bases_in_each_other_do_not_grow_with_each_element() -> None:
    _, peak = read_and_weighed(
        HEAD
        + item(1)
        + "<item xml:base='https://news.example/'>"
        + f"<b base='{'b' * 400}/'>" * 200
        + "<link href='y'/>" * 5_000
    )

    assert peak < 40_000_000


def read_and_weighed(text: str) -> tuple[ParsedFeed, int]:
    """The reading and the most bytes that it took."""
    tracemalloc.start()
    try:
        return parse(text.encode()), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_honest_base_counts() -> None:
    entry = '<entry xml:base="ar/"><id>1</id><title>خبر</title><link href="1.html"/></entry>'
    body = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://base.example/">{entry}</feed>'

    assert parse(body.encode(), url="https://news.example/feed").entries[0].url == "https://base.example/ar/1.html"


def test_an_entity_bomb_does_not_grow() -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(20))
    text = f'<!DOCTYPE rss [<!ENTITY e0 "lol">{entities}]>' + HEAD.partition("?>")[2] + item(1, "&e20;") + TAIL

    found = parse(text.encode())

    assert "entities-refused" in found.problems
    assert found.entries[0].title == "&e20; 1"


def test_a_long_entity_used_often_does_not_grow() -> None:
    text = f'<!DOCTYPE rss [<!ENTITY e "{"x" * 100_000}">]>' + HEAD.partition("?>")[2] + item(1, "&e;" * 1_000) + TAIL

    assert len(parse(text.encode()).entries[0].title) < 10_000


def test_a_well_formed_document_is_left_as_it_is() -> None:
    text = document(3).partition("?>")[2]

    assert mend(text, {}).text is text


@given(
    st.lists(st.sampled_from(["<a>", "</a>", "&", "<", "text", "<![CDATA[", "]]>", "&lt;"]), max_size=12).map("".join)
)
def test_mending_says_truly_whether_the_result_is_well_formed(text: str) -> None:
    mended = mend(f"<rss>{text}", {})

    assert mended.well_formed == is_well_formed(mended.text)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("a &amp;amp; b", "a & b"),
        ("أ&nbsp;ب", "أ ب"),
        ("<b>عاجل</b>: خبر", "عاجل: خبر"),
        ("&lt;strong&gt;عاجل&lt;/strong&gt;", "عاجل"),
        ("5 < 7 > 3", "5 < 7 > 3"),
        ("سطر<br/>سطر", "سطر سطر"),
        ("  \n كلمة \t", "كلمة"),
        ("&notanentity;", "&notanentity;"),
    ],
)
def test_titles_become_text(markup: str, text: str) -> None:
    assert title_text(markup) == text


@given(st.text())
def test_a_title_that_is_text_already_stays(markup: str) -> None:
    once = title_text(markup.replace("&", "").replace("<", ""))

    assert title_text(once) == once


def test_plain_text_and_pictures_of_html() -> None:
    assert plain_text("<p>أ&amp;ب</p> <i>ج") == "أ&ب ج"
    assert first_image("<p><img class=x src='/a.jpg?x=1&amp;y=2'>") == "/a.jpg?x=1&y=2"
    assert first_image("نص") == ""


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("Sun, 05 Jul 2026 08:15:00 +0100", "2026-07-05T07:15:00+00:00"),
        ("2026-07-05T08:15:00+03:00", "2026-07-05T05:15:00+00:00"),
        ("2026-07-05", "2026-07-05T00:00:00+00:00"),
        ("٢٠٢٦-٠١-٠٥T٠٨:١٥:٠٠Z", "2026-01-05T08:15:00+00:00"),
        ("Sun, 05 Jul 2026 08:15:00", "2026-07-05T08:15:00+00:00"),
    ],
)
def test_standard_dates_are_instants(raw: str, iso: str) -> None:
    moment = instant(raw)

    assert moment is not None
    assert moment.isoformat() == iso


@given(st.text() | st.from_regex(r"\d{1,5}-\d{1,3}-\d{1,3}T\d{1,3}:\d{1,3}[+-]\d{1,4}", fullmatch=True))
def test_any_other_date_is_none_or_an_aware_instant(raw: str) -> None:
    moment = instant(raw)

    assert moment is None or moment.utcoffset() is not None


def test_a_captcha_in_the_comment_form_of_an_article_is_no_wall() -> None:
    page = '<!doctype html><title>قمة</title><article>نص</article><script src="https://www.google.com/recaptcha"></script><div class="g-recaptcha"></div>'

    assert not looks_like_bot_wall(page)
    assert looks_like_bot_wall(page.replace("<article>نص</article>", ""))
    assert looks_like_bot_wall(
        "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
    )
    assert not looks_like_bot_wall(document(3))


def test_a_page_that_wants_a_password_is_a_login() -> None:
    assert looks_like_login('<title>تسجيل الدخول</title><form><input name="p" type="password"></form>')
    assert not looks_like_login('<title>قمة</title><input type="password">')


def test_autodiscovery_follows_the_base_and_passes_over_site_data() -> None:
    page = (
        '<base href="https://cdn.example/x/"><link rel="alternate" type="application/json" href="/wp-json/1">'
        "<link rel=alternate type=application/rss+xml href=feed.xml><a href='mailto:rss@x.example'>"
    )

    assert feed_links(page, "https://news.example/") == ("https://cdn.example/x/feed.xml",)


@given(st.text())
def test_autodiscovery_takes_any_text(page: str) -> None:
    assert feed_links(page, "https://news.example/") is not None


def test_the_filter_keeps_the_id_and_gives_plain_fields() -> None:
    record = {
        "id": 7,
        "url": "https://news.example/feed",
        "content_type": "text/xml",
        "body_base64": base64.b64encode(document(2).encode()).decode(),
    }

    answer = pipe_parse(record)

    assert answer["id"] == 7
    assert answer["problems"] == []
    assert answer["feed"]["kind"] == "rss"
    assert [entry["guid"] for entry in answer["entries"]] == ["g0", "g1"]
    assert set(answer["entries"][0]) == {
        "guid",
        "url",
        "title",
        "summary",
        "content",
        "published",
        "updated",
        "authors",
    }
    json.dumps(answer)


@pytest.mark.parametrize("body", [None, 5, "***", "é"])
def test_the_filter_names_a_body_that_is_no_base64(body: object) -> None:
    answer = pipe_parse({"id": "x", "body_base64": body})

    assert answer["id"] == "x"
    assert "base64" in answer["error"]


@settings(max_examples=200)
@given(
    st.lists(FRAGMENTS, max_size=12).map("".join),
    st.lists(FRAGMENTS, max_size=6).map("".join),
    st.sets(st.integers(0, 9)),
)
def test_a_document_reads_the_same_whatever_is_known_of_it(inside: str, around: str, which: set[int]) -> None:
    text = (
        HEAD + around + item(1) + f"<item><title>{inside}</title></item>" + item(2) + around + item(3) + item(2) + TAIL
    )
    body = text.encode("utf-8", "surrogatepass")
    whole, readings = parse_again(body, {}, url="https://news.example/feed")
    some = {digest: entry for n, (digest, entry) in enumerate(readings.items()) if n in which}

    assert parse_again(body, readings, url="https://news.example/feed") == (whole, readings)
    assert parse_again(body, some, url="https://news.example/feed") == (whole, readings)


def test_what_was_read_before_is_taken_from_the_readings() -> None:
    _, readings = parse_again(document(3).encode(), {})
    marked = {digest: msgspec.structs.replace(entry, title="مقروء") for digest, entry in readings.items()}

    found, _ = parse_again(document(4).encode(), marked)

    assert [entry.title for entry in found.entries] == ["مقروء"] * 3 + ["خبر 3"]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}<!-- {item(1)} -->{item(2)}{TAIL}",
        f"{HEAD}<description><![CDATA[{item(1)}]]></description>{item(2)}{TAIL}",
        f"{HEAD}<item><title><![CDATA[</item><item>]]></title></item>{item(2)}{TAIL}",
        item(1),
        f"{HEAD}<item><title>خبر</title><feed xmlns='http://www.w3.org/2005/Atom' xml:lang='ar'><title>x</title></feed></item>{TAIL}",
    ],
    ids=["in a comment", "in CDATA", "an end in CDATA", "no feed around it", "a feed inside"],
)
def test_what_only_looks_like_an_entry_is_not_taken_from_the_readings(text: str) -> None:
    _, readings = parse_again(document(3).encode(), {})
    _, own = parse_again(text.encode(), readings)

    assert parse_again(text.encode(), {**readings, **own})[0] == parse(text.encode())


@pytest.mark.parametrize(
    "change", [("https://news.example/", "https://other.example/"), ('"2.0"', '"2.0" xml:lang="fr"')]
)
def test_an_entry_in_other_surroundings_is_read_anew(change: tuple[str, str]) -> None:
    text = document(2)
    _, readings = parse_again(text.encode(), {}, url="https://news.example/")
    url = "https://news.example/".replace(*change)

    _, again = parse_again(text.replace(*change).encode(), readings, url=url)

    assert not readings.keys() & again.keys()


def test_readings_are_kept_up_to_a_bound_and_the_latest_stay() -> None:
    _, readings = parse_again(document(3).encode(), {})
    kept = KeptReadings(most=1_000)

    for number in range(50):
        kept.keep(f"f{number}", readings)

    assert kept.of("f49").keys() == readings.keys()
    assert kept.of("f0") == {}
    assert len(kept) < 10
    kept.keep("f49", {})
    assert kept.of("f49") == {}


@pytest.mark.parametrize(("new", "most"), [(0, 0), (2, 2), (2, 5)])
def test_a_document_with_no_more_news_than_may_be_read_is_read(new: int, most: int) -> None:
    body = _numbered(range(10))
    _, known = parse_again(body, {})
    later = _numbered(range(new, 10 + new))

    parsed, _ = parse_again(later, known, most_fresh=most)

    assert [entry.guid for entry in parsed.entries] == [str(n) for n in range(new, 10 + new)]


@pytest.mark.parametrize("later", [range(3, 13), range(10, 20), range(12)], ids=["some", "all", "more"])
def test_more_news_than_may_be_read_is_told_before_it_is_read(later: range) -> None:
    _, known = parse_again(_numbered(range(10)), {})

    with pytest.raises(TooFreshError):
        parse_again(_numbered(later), known, most_fresh=1)


def _numbered(numbers: range) -> bytes:
    items = "".join(f"<item><guid>{n}</guid><title>خبر {n}</title></item>" for n in numbers)
    return f"<rss version='2.0'><channel><title>نشرة</title>{items}</channel></rss>".encode()
