"""A tree written as a query reads back as the same tree."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.arabic import key_form, stem, tokenize
from marsad.query import Node, format_query, parse
from marsad.query.ast import And, Keyword, MatchAll, Not, Or, Phrase, Range, Wildcard, Word
from marsad.testing.factories import NOW

SCOPES = st.sampled_from(["any", "title", "text"])
BOOSTS = st.sampled_from([1.0, 1.0, 2.0, 0.5, 12.345678, 0.01, 100.0])
LETTERS = st.sampled_from("ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآىةpqrxyz")
RAW_WORDS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=8), st.sampled_from(["AND", "OR", "NOT", "TO", "now", "الجَزائـرِ"])
)


def phrase(words: list[str], between: str, scope: str, slop: int, boost: float) -> Phrase:
    raw = between.join(words)
    keys = tokenize(raw).keys
    return Phrase(raw, keys, scope, slop if len(keys) > 1 else 0, boost)  # type: ignore[arg-type]  # drawn from the scopes


def wildcard(start: str, rest: list[tuple[str, str]], scope: str) -> Wildcard:
    raw = start + "".join(sign + letters for sign, letters in rest)
    raw = f"م{raw}" if key_form(raw).startswith("ال") else raw
    while "**" in raw:
        raw = raw.replace("**", "*")
    return Wildcard(raw, key_form(raw), scope)  # type: ignore[arg-type]  # drawn from the scopes


def ranges(field: str, bounds: st.SearchStrategy[datetime | float]) -> st.SearchStrategy[Range]:
    def make(low: datetime | float | None, high: datetime | float | None, *, with_low: bool, with_high: bool) -> Range:
        if low is not None and high is not None and low > high:  # type: ignore[operator]  # both of one kind
            low, high = high, low
        return Range(field, low, high, with_low or low is None, with_high or high is None)  # type: ignore[arg-type]

    either = st.none() | bounds
    return st.builds(make, either, either, with_low=st.booleans(), with_high=st.booleans())


WORD = st.builds(lambda raw, scope, boost: Word(raw, stem(key_form(raw)), scope, boost), RAW_WORDS, SCOPES, BOOSTS)
PHRASE = st.builds(
    phrase,
    st.lists(RAW_WORDS, min_size=1, max_size=4),
    st.sampled_from([" ", ", ", " «", '"', "\\", '\\"', "_", " - ", "(", ":"]),
    SCOPES,
    st.integers(0, 50),
    BOOSTS,
)
WILDCARD = st.builds(
    wildcard,
    st.text(LETTERS, min_size=2, max_size=4),
    st.lists(st.tuples(st.sampled_from("*?"), st.text(LETTERS, max_size=3)), min_size=1, max_size=4),
    SCOPES,
)
KEYWORD = st.one_of(
    st.builds(Keyword, st.just("country"), st.sampled_from(["DZ", "SA", "XK"])),
    st.builds(Keyword, st.sampled_from(["topic", "lang"]), st.sampled_from(["sanctions", "ar", "defense-cooperation"])),
    st.builds(
        Keyword,
        st.sampled_from(["place", "entity", "outlet", "feed", "story"]),
        st.sampled_from(
            ["قناة الشرق", "*", "AND", 'a "b" c', "a\\b", "x:y", "(z", "و.أ", "Q42", "-", "a*", "https://x.example/a?b"]
        ),
    ),
).filter(lambda node: node.value != "-")
SECONDS = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC))  # given apart
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))
LEAVES = st.one_of(
    st.just(MatchAll()), WORD, PHRASE, WILDCARD, KEYWORD, ranges("published", SECONDS), ranges("score", NUMBERS)
)


def joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """The tree as ``parse`` gives it: no operation directly in one of its kind."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return kind(tuple(flat))


TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda node: node.part if isinstance(node, Not) else Not(node)),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: joined(And, parts)),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: joined(Or, parts)),
    ),
    max_leaves=12,
)


@given(TREES)
@settings(max_examples=500, deadline=None)
def test_what_is_written_reads_back_as_the_same_tree(node: Node) -> None:
    assert parse(format_query(node), now=NOW) == node


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("روسيا -مصر", "روسيا AND NOT مصر"),
        ("a b OR c", "a AND (b OR c)"),
        ("بلد:الجزائر", "country:DZ"),
        ("«التعاون العسكري»~2^3", '"التعاون العسكري"~2^3'),
        ("published:2026-01-01", "published:[2026-01-01T00:00:00Z TO 2026-01-02T00:00:00Z}"),
        ("score:>1.50", "score:{1.5 TO *]"),
        (r"\AND", r"\AND"),
        ("عبد الله", '"عبدالله" OR "عبد الله"'),
        ("عبدالله مصر", '("عبدالله" OR "عبد الله") AND مصر'),
    ],
)
def test_a_query_is_written_plainly(text: str, written: str) -> None:
    assert format_query(parse(text, now=NOW)) == written


@pytest.mark.parametrize(
    "text", ["عبد الله", "-عبدالله", "مصر عبد الله", "مصر OR عبدالله", 'title:"أبو ظبي"^2', "(عبدالله)"]
)
def test_a_name_in_both_spellings_reads_back_as_it_was(text: str) -> None:
    node = parse(text, now=NOW)

    assert parse(format_query(node), now=NOW) == node
