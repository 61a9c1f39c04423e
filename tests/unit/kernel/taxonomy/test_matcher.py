import gc
import tomllib
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import tokenize, tokens
from marsad.taxonomy import AnalysedText, Zone, ZoneKind, analyse
from marsad.taxonomy.matcher import Automaton, Entry, forms_of
from marsad.taxonomy.schema import Inflected

FORMS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text("utf-8"))["term"]
SURFACES = [(term, surface) for term in FORMS for surface in term["surfaces"]]


def _automaton(*texts: str, how: Inflected | None = None) -> Automaton:
    how = how or Inflected()
    return Automaton(Entry(forms_of((text,), how), number, how.proclitics) for number, text in enumerate(texts))


@pytest.mark.parametrize(("term", "surface"), SURFACES, ids=[surface for _, surface in SURFACES])
def test_a_term_is_found_in_every_form_that_news_writes(term: dict, surface: str) -> None:
    how = Inflected(definite=term.get("definite", True), pronouns=term.get("pronouns", False))
    automaton = Automaton([Entry(forms_of((term["text"], *term.get("spellings", ())), how), 0)])
    keys = tokenize(f"قال {surface} اليوم").keys
    assert (1, len(keys) - 1, 0) in automaton.scan(keys)


@pytest.mark.parametrize(
    ("term", "text"),
    [("لبنان", "لبن"), ("السودان", "سود"), ("مناورة", "مناور"), ("نفط", "نفطي"), ("قمح", "قمحي"), ("روسيا", "روسي")],
)
def test_a_term_is_not_found_inside_another_word(term: str, text: str) -> None:
    assert not _automaton(term).scan(tokenize(text).keys)


def test_words_without_proclitics_are_found_only_bare() -> None:
    automaton = _automaton("آبل", how=Inflected(proclitics=False))
    assert automaton.scan(tokenize("شركة آبل").keys) == [(1, 2, 0)]
    assert not automaton.scan(tokenize("في كابل").keys)


def test_every_length_is_reported_so_that_callers_can_choose_the_longest() -> None:
    automaton = _automaton("السودان", "جنوب السودان")
    assert automaton.scan(tokenize("إلى جنوب السودان").keys) == [(1, 3, 1), (2, 3, 0)]


def test_a_spelling_that_two_readings_share_is_one_hit() -> None:
    assert _automaton("لقاء").scan(tokenize("للقاء").keys) == [(0, 1, 0)]


def test_terms_of_two_groups_are_found_as_if_each_group_were_looked_for_alone() -> None:
    groups = [
        [Entry(forms_of((text,), Inflected(definite=definite)), number) for number, text in numbered]
        for definite, numbered in ((True, [(0, "لقاء"), (1, "لقاء وزير")]), (False, [(2, "لقاء"), (3, "وزير")]))
    ]
    keys = tokenize("للقاء وزير واللقاء مع الوزير").keys
    alone = [hit for group in groups for hit in Automaton(group).scan(keys)]
    assert sorted(Automaton(*groups).scan(keys)) == sorted(alone)


def test_nothing_is_found_by_an_empty_automaton() -> None:
    assert Automaton([]).scan(("قطر",)) == []


@given(st.lists(st.sampled_from(["تعاون", "عسكري", "وزير", "الدفاع", "قال", "في", "العسكري", "التعاون"]), max_size=30))
def test_hits_lie_inside_the_text_and_in_order(words: list[str]) -> None:
    automaton = _automaton("تعاون عسكري", "تعاون", "وزير الدفاع")
    hits = automaton.scan(words)
    assert all(0 <= first < end <= len(words) for first, end, _ in hits)
    assert [first for first, _, _ in hits] == sorted(first for first, _, _ in hits)


ARTICLE = st.lists(
    st.sampled_from(["تعاون", "عسكري", "وزير", "الدفاع", "قال", "في", "العسكري", "للتعاون", "\n", "."]), max_size=20
).map(" ".join)


@given(title=ARTICLE, lead=ARTICLE, text=ARTICLE)
def test_an_article_has_the_hits_of_its_zones_and_none_across_them(title: str, lead: str, text: str) -> None:
    automaton = _automaton("تعاون عسكري", "تعاون", "وزير الدفاع", "قال وزير الدفاع", "عسكري وزير", "في")
    analysed = analyse(title, lead, text)
    assert automaton.scan_zones(analysed) == [automaton.scan(zone.keys) for zone in analysed.zones]


def test_hits_are_the_same_where_the_title_was_split_long_before_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    automaton = _automaton("تعاون عسكري", "وزير الدفاع")
    title = tokenize("تعاون عسكري مع وزير الدفاع")
    monkeypatch.setattr(tokens, "_words", tokens._vocabulary())
    # No other test splits this one: the tokens of the last texts are remembered.
    text = tokenize("صرح سيادة وزير الدفاع")
    zones = [
        Zone(kind, "text", "", split, 0, len(split)) for kind, split in ((ZoneKind.TITLE, title), (ZoneKind.BODY, text))
    ]
    analysed = AnalysedText(title, tokenize(""), text, tuple(zones))
    assert title.numbered.words is not text.numbered.words
    assert automaton.scan_zones(analysed) == [[(0, 2, 0), (3, 5, 1)], [(2, 4, 1)]]


def test_an_automaton_that_nothing_uses_is_gone_at_once() -> None:
    automaton = _automaton("تعاون عسكري")
    assert automaton.scan_zones(analyse("تعاون عسكري", "", "")) == [[(0, 2, 0)]]
    gone = weakref.ref(automaton)
    gc.disable()
    try:
        del automaton
        assert gone() is None
    finally:
        gc.enable()
