from functools import lru_cache
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from numpy import array, float32, float64
from numpy.random import default_rng

from marsad.arabic import key_words
from marsad.records import Evidence, TopicTag
from marsad.taxonomy import AnalysedText, LearnedLayer, Taxonomy, analyse, load_learned, load_taxonomy, read_topic
from marsad.taxonomy.hidden import HiddenUnits, packed, with_rules
from marsad.taxonomy.learned import Learned, LearnedTopic
from processors.tag import Tagger

RIVER = """id = "water"
names = { ar = "المياه", en = "Water", fr = "Eau" }
definition = "Rivers."
threshold = 6.0

[[term]]
weight = 2.0
any = ["نهر"]
"""
OTHER_WORDS = "شرح شاهد مدينه قطار صباح مساء طريق جسر شجر حجر بيت باب"
LEARNED = Learned(
    made="a test",
    rules="",
    lone=0.0,
    rarity=dict.fromkeys((*OTHER_WORDS.split(), "سد", "مهرج"), 2.0),
    topics={"water": LearnedTopic(-1.0, {"water": 2.0}, {"سد": 9.0, "مهرج": -9.0})},
)
WATER = Taxonomy((read_topic(RIVER.encode(), "water.toml"),), "test")
TAGGER = Tagger(WATER, LearnedLayer(LEARNED, frozenset({"water"})))


@lru_cache(maxsize=1)
def _shipped() -> Tagger:
    return Tagger(load_taxonomy(learned=True))


def _ids(found: tuple[TopicTag, ...]) -> list[str]:
    return [tag.id for tag in found]


def test_learned_words_lift_a_topic_that_the_rules_alone_would_not_give() -> None:
    assert Tagger(WATER).tag("", "", OTHER_WORDS + " سد") == ()
    (found,) = TAGGER.tag("", "", OTHER_WORDS + " والسد")
    assert found.score > 1
    assert found.evidence == (Evidence("والسد", "text", 55, 60, found.evidence[0].weight),)


TOGETHER = msgspec.structs.replace(
    LEARNED,
    topics={"water": LearnedTopic(-1.0, {"water": 2.0}, {})},
    # One unit that either word brings to nought and only both bring above it.
    hidden=HiddenUnits(
        start=packed(array([-30.0])),
        rules={"water": packed(array([0.0]))},
        words={"سد": packed(array([100]), words=True), "مهرج": packed(array([100]), words=True)},
        topics={"water": packed(array([0.25]))},
    ),
)


def test_words_may_speak_for_a_topic_only_together_and_are_its_evidence_then() -> None:
    tagger = Tagger(WATER, LearnedLayer(TOGETHER, frozenset({"water"})))
    assert tagger.tag("", "", OTHER_WORDS + " سد") == tagger.tag("", "", OTHER_WORDS + " مهرج") == ()
    (found,) = tagger.tag("", "", OTHER_WORDS + " سد والمهرج")
    assert [hit.term for hit in found.evidence] == ["سد", "والمهرج"]


def test_learned_words_take_away_a_topic_that_the_rules_alone_would_give() -> None:
    assert _ids(Tagger(WATER).tag("نهر", "", OTHER_WORDS)) == ["water"]
    assert TAGGER.tag("نهر", "", OTHER_WORDS + " مهرج مهرج مهرج") == ()


def test_evidence_of_a_topic_that_the_rules_gave_is_theirs() -> None:
    (found,) = TAGGER.tag("نهر", "", OTHER_WORDS + " سد")
    assert [hit.term for hit in found.evidence] == ["نهر"]


def test_a_few_words_are_left_to_the_rules() -> None:
    assert TAGGER.tag("سد", "", "") == ()
    assert TAGGER.tag("نهر", "", "مهرج") == Tagger(WATER).tag("نهر", "", "مهرج")


def test_topics_that_were_not_learned_are_decided_by_their_rules_alone() -> None:
    layer = LearnedLayer(LEARNED, frozenset())
    text = OTHER_WORDS + " مهرج"
    assert Tagger(WATER, layer).tag("نهر", "", text) == Tagger(WATER).tag("نهر", "", text)


def test_a_users_topic_is_tagged_as_without_the_layer(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(RIVER, "utf-8")
    (tmp_path / "sport.toml").write_text(RIVER.replace('"water"', '"sport"'), "utf-8")
    with_layer, without = (Tagger(load_taxonomy(tmp_path, learned=learned)) for learned in (True, False))
    article = ("نهر النيل يفيض", "", OTHER_WORDS)
    own = {"water", "sport"}
    assert [tag for tag in with_layer.tag(*article) if tag.id in own] == [
        tag for tag in without.tag(*article) if tag.id in own
    ]


def test_the_shipped_layer_knows_exactly_the_shipped_topics() -> None:
    assert set(load_learned().topics) == {topic.id for topic in load_taxonomy().topics}


def test_the_shipped_layer_keeps_single_words_only() -> None:
    assert not [word for word in load_learned().rarity if len(word.split()) != 1]


WORDS = [*OTHER_WORDS.split(), *list(load_learned().rarity)[::7], "في", "،", "\n"]
texts = st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join)


@given(title=texts, lead=texts, text=texts)
def test_learned_tags_are_deterministic_best_first_and_point_at_their_words(title: str, lead: str, text: str) -> None:
    fields = {"title": title, "lead": lead, "text": text}
    found = _shipped().tag(title, lead, text)
    assert found == _shipped().tag(title, lead, text)
    assert [tag.score for tag in found] == sorted((tag.score for tag in found), reverse=True)
    for tag in found:
        assert tag.score >= 1
        for hit in tag.evidence:
            assert key_words(fields[hit.field][hit.start : hit.end])


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_is_tagged_without_error(title: str, text: str) -> None:
    _shipped().tag(title, "", text)


def test_scores_say_how_the_layer_decides() -> None:
    analysed: AnalysedText = analyse("", "", OTHER_WORDS + " سد")
    assert TAGGER.scores(analysed) == {}
    assert TAGGER.final_scores(analysed)["water"] > 1


@given(scores=st.lists(st.floats(0, 1), max_size=12), seed=st.integers(0, 999), half=st.booleans())
def test_weights_of_rules_are_added_one_after_the_other_and_rounded_so(
    scores: list[float], seed: int, *, half: bool
) -> None:
    kind = float32 if half else float64
    chance = default_rng(seed)
    weights, sums = (chance.normal(size=size).astype(kind) for size in ((12, 40), 40))
    expected = sums.copy()
    for column, score in enumerate(scores):
        expected = expected + score * weights[column]
    assert with_rules(sums, weights, dict(enumerate(scores))).tolist() == expected.tolist()
