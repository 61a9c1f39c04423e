import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import expand, key_words, tokenize
from marsad.errors import PoisonError
from marsad.records import Article
from marsad.taxonomy import Adjusted, AnalysedText, Taxonomy, analyse, load_taxonomy, read_topic
from processors.locate import Locator
from processors.pipe_tag import pipe_tag
from processors.tag import Tagger, tag

RECORDED = sorted(path for path in (Path(__file__).parents[2] / "recorded" / "tag").iterdir() if path.is_dir())
WORDS = [
    "تعاون", "عسكري", "التعاون", "العسكري", "وزير", "الدفاع", "زار", "موسكو", "عقوبات", "النفط", "في", "قطر", "مالي",
    "انتخابات", "مباراة", "هدنة", "،", ".", "ـ", "\n", "SSV-512", "إس-400", "المغرب", "الدولار", "الأميركي",
]  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join)

HEAD = """id = "water"
names = { ar = "المياه", en = "Water", fr = "Eau" }
definition = "Rivers."
threshold = 6.0
"""


@lru_cache(maxsize=1)
def _tagger() -> Tagger:
    return Tagger(load_taxonomy())


def _of(rules: str) -> Tagger:
    return Tagger(Taxonomy((read_topic((HEAD + rules).encode(), "water.toml"),), "test"))


def _ids(tagger: Tagger, title: str = "", lead: str = "", text: str = "") -> list[str]:
    return [found.id for found in tagger.tag(title, lead, text)]


TERM = '[[term]]\nweight = 2.0\nany = ["سد", "نهر"]\n'


def test_a_word_in_the_title_weighs_more_than_in_the_body() -> None:
    tagger = _of(TERM)
    assert _ids(tagger, title="نهر جديد") == ["water"]
    assert _ids(tagger, title="خبر", lead="قال", text="قال إن نهر جديد") == []


def test_a_lead_that_the_body_repeats_counts_once() -> None:
    tagger = _of(TERM)
    lead = "قال مسؤول إن نهر المدينة فاض اليوم"
    assert tagger.scores(analyse("", lead, lead)) == tagger.scores(analyse("", lead, ""))


def test_the_first_paragraph_stands_for_a_missing_lead() -> None:
    tagger = _of(TERM)
    assert tagger.scores(analyse("", "نهر", "خبر")) == tagger.scores(analyse("", "", "نهر\nخبر"))


def test_a_later_half_weighs_less() -> None:
    tagger = _of(TERM)
    filler = "كلام " * 200
    early = tagger.scores(analyse("", "خبر", f"نهر {filler}"))["water"]
    late = tagger.scores(analyse("", "خبر", f"{filler} نهر"))["water"]
    assert early > late > 0


def test_a_requirement_that_is_missing_leaves_nothing() -> None:
    tagger = _of(TERM + '[[require]]\nany = ["مياه"]\n')
    assert _ids(tagger, title="نهر المدينة") == []
    assert _ids(tagger, title="مياه نهر المدينة") == ["water"]


def test_a_veto_cancels_the_words_inside_it() -> None:
    tagger = _of(TERM + '[[veto]]\nany = ["نهر من الكلام"]\n')
    assert _ids(tagger, title="نهر من الكلام") == []
    assert _ids(tagger, title="نهر من الكلام عند نهر جديد") == ["water"]


def test_a_weighty_veto_takes_from_the_score() -> None:
    tagger = _of(TERM + '[[veto]]\nweight = 3.0\nany = ["مباراة"]\n')
    assert _ids(tagger, title="مباراة قرب نهر") == []


def test_a_combination_needs_all_groups_within_reach() -> None:
    tagger = _of('[[near]]\nweight = 3.0\nwithin = 4\nwords = [["زار"], ["سد", "نهر"]]\n')
    assert _ids(tagger, title="زار الوزير سد المدينة") == ["water"]
    assert _ids(tagger, title="سد المدينة زار الوزير") == ["water"]
    assert _ids(tagger, title="زار الوزير أمس مدينة فيها سد") == []
    assert _ids(tagger, title="زار الوزير") == []


def test_an_ordered_combination_needs_its_order() -> None:
    tagger = _of('[[near]]\nweight = 3.0\nwithin = 5\nordered = true\nwords = [["زار"], ["سد"]]\n')
    assert _ids(tagger, title="زار الوزير سد المدينة") == ["water"]
    assert _ids(tagger, title="سد المدينة زار الوزير") == []


def test_spellings_are_shown_under_their_term() -> None:
    tagger = _of('[[term]]\nweight = 2.0\ntext = "نهر"\nspellings = ["أنهار"]\n')
    (found,) = tagger.tag("الأنهار", "", "")
    assert [(hit.term, hit.start, hit.end) for hit in found.evidence] == [("نهر", 0, 7)]


def test_a_learned_layer_may_change_the_scores() -> None:
    class Doubt:
        topics = frozenset({"water"})

        def adjust(self, scores: Mapping[str, float], analysed: AnalysedText) -> Adjusted:
            return Adjusted({topic: score / 10 for topic, score in scores.items()}, lambda _: ())

    taxonomy = Taxonomy((read_topic((HEAD + TERM).encode(), "water.toml"),), "test")
    assert Tagger(taxonomy).tag("نهر", "", "")
    assert not Tagger(taxonomy, Doubt()).tag("نهر", "", "")


def test_nothing_is_tagged_without_words() -> None:
    assert _tagger().tag("", "", "") == ()
    assert _tagger().tag("…", "!", "\n") == ()


@given(title=texts, lead=texts, text=texts)
def test_evidence_points_at_a_form_of_its_term(title: str, lead: str, text: str) -> None:
    fields = {"title": title, "lead": lead, "text": text}
    for found in _tagger().tag(title, lead, text):
        assert found.score >= 1
        assert found.evidence
        for hit in found.evidence:
            surface = fields[hit.field][hit.start : hit.end]
            forms = {
                form for construct in (True, False) for form in expand(hit.term, construct=construct, pronouns=True)
            }
            assert key_words(surface) in forms


@given(title=texts, text=texts)
def test_scores_are_best_first_and_tags_are_deterministic(title: str, text: str) -> None:
    found = _tagger().tag(title, "", text)
    assert [topic.score for topic in found] == sorted((topic.score for topic in found), reverse=True)
    assert found == _tagger().tag(title, "", text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_tagged_without_error(title: str, text: str) -> None:
    _tagger().tag(title, "", text)


@given(lead=texts, text=texts)
def test_no_token_is_in_two_zones(lead: str, text: str) -> None:
    analysed = analyse("", lead, text)
    for field in ("lead", "text"):
        tokens = [at for zone in analysed.zones if zone.field == field for at in range(zone.first, zone.end)]
        assert len(tokens) == len(set(tokens))
    assert len(analysed.text) == len(tokenize(text))


def test_an_article_gets_topics_and_the_taxonomys_version() -> None:
    now = datetime(2023, 9, 14, tzinfo=UTC)
    article = Article(article_id="a", title="فرض عقوبات جديدة", published_at=now, first_seen_at=now)
    tagged = tag(article, _tagger())
    assert [topic.id for topic in tagged.topics] == ["sanctions"]
    assert tagged.taxonomy_version == load_taxonomy().version


@pytest.mark.parametrize("case", RECORDED, ids=[path.name for path in RECORDED])
def test_a_recorded_article_is_tagged_as_expected(case: Path) -> None:
    article = json.loads((case / "article.json").read_text("utf-8"))
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    topics = [found.id for found in _tagger().tag(article["title"], article["lead"], article["text"])]
    located = Locator().locate(article["title"], article["lead"], article["text"])
    assert topics[: len(expected["topics_first"])] == expected["topics_first"]
    assert not set(topics) & set(expected["topics_not"])
    assert [country.code for country in located.countries][: len(expected["countries"])] == expected["countries"]
    assert {entity.name_en for entity in located.entities} >= set(expected["entities"])


def test_the_filter_answers_with_tags_that_json_can_carry() -> None:
    answer = pipe_tag(
        {"id": "1", "title": "وزير الدفاع الجزائري يبحث في موسكو التعاون العسكري", "text": "مع نظيره الروسي"}
    )
    again = json.loads(json.dumps(answer))
    assert again["id"] == "1"
    assert again["topics"][0]["id"] == "defense-cooperation"
    assert set(again["topics"][0]["evidence"][0]) == {"term", "field", "start", "end", "weight"}
    assert {country["code"] for country in again["countries"]} == {"DZ", "RU"}
    assert again["places"][0]["country"] == "RU"


@pytest.mark.parametrize("record", [{}, {"id": 1, "title": 3}, {"id": [], "title": "خبر"}, {"title": "", "text": "…"}])
def test_the_filter_refuses_what_is_no_article(record: dict) -> None:
    with pytest.raises(PoisonError):
        pipe_tag(record)
