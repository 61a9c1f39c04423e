"""The pure parts of the web: pieces of text, criteria, the chart, the wording."""

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from string import Formatter
from urllib.parse import parse_qs, urlsplit

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from marsad.query import compile_predicate, parse
from marsad.query.document import MatchDoc
from marsad.records import Facet, Health, Highlight
from marsad.testing.factories import NOW, an_article
from marsad_app.web.chart import HEIGHT, day_chart
from marsad_app.web.criteria import Criteria, read_criteria
from marsad_app.web.marks import Mark, cut, paragraphs, snippet
from marsad_app.web.pages.quarantine import readable
from marsad_app.web.texts import Texts, zone_named

marks = st.lists(st.builds(Mark, st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(["a", "b"])), max_size=8)


@given(st.text(max_size=50), marks)
def test_pieces_together_are_the_text(text: str, given_marks: list[Mark]) -> None:
    assert "".join(piece.text for piece in cut(text, given_marks)) == text


@given(st.text(max_size=50), marks)
def test_a_character_is_marked_where_a_mark_covers_it(text: str, given_marks: list[Mark]) -> None:
    at = 0
    for piece in cut(text, given_marks):
        for place in range(at, at + len(piece.text)):
            assert set(piece.kinds) == {mark.kind for mark in given_marks if mark.start <= place < mark.end}
        at += len(piece.text)


@given(st.text(st.sampled_from("ab \n"), max_size=40), marks)
def test_paragraphs_lose_nothing_but_space(text: str, given_marks: list[Mark]) -> None:
    shown = "".join(piece.text for paragraph in paragraphs(text, given_marks) for piece in paragraph)

    assert shown.split() == text.split() or "".join(shown.split()) == "".join(text.split())


@given(st.text(max_size=2_000), st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 30)), max_size=10))
def test_a_snippet_is_short_whatever_the_text(text: str, places: list[tuple[int, int]]) -> None:
    article = an_article(text=text, lead="")
    found = snippet(article, [Highlight("text", start, start + size) for start, size in places])

    assert len("".join(piece.text for piece in found)) <= 260 + 4


def test_a_snippet_shows_the_place_where_most_matched() -> None:
    text = "كلمة " * 300 + "الهدف الهدف الهدف " + "كلمة " * 300
    at = text.index("الهدف")
    found = snippet(
        an_article(text=text),
        [Highlight("text", 0, 4), *(Highlight("text", at + 6 * n, at + 6 * n + 5) for n in range(3))],
    )

    assert [piece.text for piece in found if piece.kinds] == ["الهدف"] * 3
    assert found[0].text == "… "
    assert found[-1].text == "\u00a0…"


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).map(str.strip).filter(bool)
criteria = st.builds(
    Criteria,
    q=words | st.just(""),
    topic=st.lists(words, max_size=3, unique=True).map(tuple),
    country=st.lists(words, max_size=3, unique=True).map(tuple),
    outlet=st.lists(words, max_size=3, unique=True).map(tuple),
    since=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    until=st.none() | st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    sort=st.sampled_from([None, "relevance", "date", "story"]),
    collapse=st.booleans(),
    page=st.integers(1, 500),
)


@given(criteria)
def test_a_search_reads_back_from_its_address(search: Criteria) -> None:
    params = parse_qs(urlsplit(search.address()).query, keep_blank_values=True)

    assert read_criteria(lambda name: params.get(name, [])) == search


@given(criteria, st.sampled_from(["topic", "country", "outlet"]), words)
def test_picking_twice_changes_nothing(search: Criteria, name: str, value: str) -> None:
    search = search.but(page=1)
    twice = search.toggled(name, value).toggled(name, value)  # type: ignore[arg-type]  # one of the three

    assert sorted(getattr(twice, name)) == sorted(getattr(search, name))


@given(st.sampled_from(["", "روسيا", "روسيا OR مصر", '"عبارة ما"', "published:>now-7d"]), st.booleans(), st.booleans())
def test_what_a_subscription_asks_for_is_what_was_searched(query: str, one: bool, two: bool) -> None:
    search = Criteria(
        q=query,
        topic=("energy",) if one else (),
        outlet=('وكالة: "الأفق"', "b\\c") if two else (),
    )
    parsed = parse(search.standing(), now=NOW)
    docs = [
        MatchDoc.of(an_article(title=title, outlet=outlet, text="", published_at=NOW - timedelta(days=age)))
        for title in ("روسيا", "مصر", "عبارة ما", "آخر")
        for outlet in ('وكالة: "الأفق"', "b\\c", "د")
        for age in (1, 30)
    ]
    expected = compile_predicate(search.node(lambda text: parse(text, now=NOW)))
    found = compile_predicate(parsed)
    assert [found(doc) for doc in docs] == [expected(doc) for doc in docs]


@given(st.dictionaries(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(1, 1_000), min_size=1, max_size=80))
def test_bars_never_overlap_and_count_every_day_they_show(days: dict[date, int]) -> None:
    chart = day_chart([Facet(day.isoformat(), days[day]) for day in sorted(days)])

    assert chart is not None
    assert 1 <= len(chart.bars) <= 60
    for bar, following in zip(chart.bars, chart.bars[1:], strict=False):
        assert following.first - bar.last == timedelta(days=1)
    for bar in chart.bars:
        assert bar.count == sum(count for day, count in days.items() if bar.first <= day <= bar.last)
        assert 0 <= bar.height <= HEIGHT
    assert chart.bars[-1].last == max(days)


def test_no_days_make_no_chart() -> None:
    assert day_chart([]) is None


@given(st.binary(max_size=300))
def test_any_payload_becomes_text_without_controls(payload: bytes) -> None:
    shown = readable(payload)

    assert all(char.isprintable() or char in "\n\t" for char in shown.text)
    assert shown.size == len(payload)


def test_a_deeply_nested_payload_is_shown_as_it_is() -> None:
    assert readable(b"[" * 100_000).cut


CATALOGUE = {
    f"{section}.{name}": text
    for file in ("pages", "feeds")
    for section, entries in tomllib.loads(
        (files("marsad_app.web") / "wording" / f"{file}.toml").read_text("utf-8")
    ).items()
    for name, text in entries.items()
}


@pytest.mark.parametrize("key", CATALOGUE)
def test_each_text_is_there_in_both_languages_with_the_same_values(key: str) -> None:
    text = CATALOGUE[key]
    assert set(text) == {"ar", "en"}
    values = []
    for language, written in text.items():
        if isinstance(written, str):
            values.append({name for _, name, _, _ in Formatter().parse(written) if name})
            continue
        assert "other" in written
        assert set(written) <= set(Locale(language).plural_form.tags) | {"other"}
        if language == "ar":
            assert set(written) == {"zero", "one", "two", "few", "many", "other"}
        assert all({name for _, name, _, _ in Formatter().parse(form) if name} <= {"n"} for form in written.values())
    assert all(each == values[0] for each in values)


def test_every_text_that_templates_name_is_there() -> None:
    folder = files("marsad_app.web") / "templates"
    named = {
        key
        for template in folder.iterdir()
        for key in re.findall(r"""\bt(?:\.rich)?\(["']([a-z-]+\.[a-z0-9-]+)["'][,)]""", template.read_text("utf-8"))
    }

    assert named
    assert named <= set(CATALOGUE)


@pytest.mark.parametrize("health", Health)
def test_each_health_state_has_a_name_and_advice(health: Health) -> None:
    assert f"health.{health.value}" in CATALOGUE
    assert f"advice.{health.value}" in CATALOGUE


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "لا أخبار"), (1, "خبر واحد"), (2, "خبران"), (3, "3 أخبار"), (11, "11 خبرا"), (100, "100 خبر")],
)
def test_arabic_numbers_take_their_six_forms(number: int, text: str) -> None:
    assert Texts("ar", NOW)("search.articles", n=number) == text


@given(st.text(max_size=80))
def test_any_zone_name_is_a_zone_or_utc(name: str) -> None:
    assert zone_named(name).utcoffset(datetime(2026, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "UTC\x00", "a" * 5_000, "", None])
def test_hostile_zone_names_mean_utc(name: str | None) -> None:
    assert zone_named(name).key == "UTC"


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, by the formula of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


_STYLE = (files("marsad_app.web") / "static" / "marsad.css").read_text("utf-8")
_LIGHT = _colours(_STYLE.partition("@media")[0])
_TEXT_ON_GROUND = [
    *((text, ground) for text in ("ink", "quiet", "accent", "warn", "bad", "good") for ground in ("ground", "surface")),
    *((text, f"{text}-soft") for text in ("accent", "warn", "bad", "good")),
    *(
        ("ink", ground)
        for ground in ("accent-soft", "warn-soft", "bad-soft", "hit", "line", *(f"c{n}" for n in range(6)))
    ),
    ("quiet", "accent-soft"),
    ("quiet", "warn-soft"),
    ("accent-ink", "accent"),
    ("surface", "bad"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), _TEXT_ON_GROUND)
def test_text_stands_out_from_its_ground(scheme: str, text: str, ground: str) -> None:
    dark = _colours(_STYLE.partition("prefers-color-scheme: dark")[2].partition("@media")[0])
    colours = _LIGHT if scheme == "light" else _LIGHT | dark

    assert _contrast(colours[text], colours[ground]) >= 4.5
