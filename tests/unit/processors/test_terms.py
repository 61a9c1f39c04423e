"""The tables of ``tests/recorded/terms``: forms in which terms are written, and words that only look like them."""

from functools import lru_cache
from pathlib import Path

from marsad.arabic import tokenize
from marsad.taxonomy import CompiledTopics, load_taxonomy
from processors.tag import Tagger

TABLES = Path(__file__).parents[2] / "recorded" / "terms"


@lru_cache(maxsize=1)
def _topics() -> CompiledTopics:
    return CompiledTopics(load_taxonomy())


def _rows(name: str) -> list[list[str]]:
    lines = (TABLES / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def _found(text: str) -> set[tuple[str, str]]:
    topics = _topics()
    hits = topics.term_hits(tokenize(text).keys)
    return {(topics.topics[topics.terms[at].topic].id, topics.terms[at].text) for *_, at in hits}


def test_every_written_form_of_a_term_is_found() -> None:
    rows = _rows("forms.tsv")
    assert len({form for _, _, form in rows}) >= 500
    assert [row for row in rows if (row[0], row[1]) not in _found(f"قال إن {row[2]} أمس")] == []


def test_words_of_combinations_are_found_and_are_no_terms() -> None:
    topics = _topics()
    for word in topics.words:
        keys = tokenize(word.text).keys
        beyond = set(topics.automaton.scan(keys)) - set(topics.term_hits(keys))
        assert word.group in {topics.words[at - len(topics.terms)].group for *_, at in beyond}


def test_words_that_only_look_like_a_topic_do_not_give_it() -> None:
    tagger = Tagger(load_taxonomy(learned=True))
    rows = _rows("look-alikes.tsv")
    assert len({text for _, text in rows}) >= 500
    wrong = [
        (topic, text)
        for topic, text in rows
        for title, body in ((text, ""), ("خبر اليوم", text))
        if topic in {tag.id for tag in tagger.tag(title, "", body)}
    ]
    assert wrong == []
