import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from marsad.taxonomy import Topic, load_taxonomy
from marsad.taxonomy.schema import Example
from processors.tag import Tagger

TAXONOMY = load_taxonomy()
EXAMPLES = [
    (topic.id, wanted, example)
    for topic in TAXONOMY.topics
    for wanted, examples in ((True, topic.positive), (False, topic.negative))
    for example in examples
]
REPORTS = tomllib.loads(Path(__file__).with_name("reports.toml").read_text("utf-8"))["report"]
OBLIGATORY = (
    "defense-cooperation", "military-exercise", "arms-trade", "armed-conflict", "sanctions", "diplomacy", "energy",
    "elections", "sport",
)  # fmt: skip


@lru_cache(maxsize=1)
def _tagger() -> Tagger:
    return Tagger(TAXONOMY)


@pytest.mark.parametrize(
    ("topic", "wanted", "example"), EXAMPLES, ids=[f"{topic}: {example.title}" for topic, _, example in EXAMPLES]
)
def test_a_topic_is_tagged_as_its_file_says(topic: str, wanted: bool, example: Example) -> None:
    tags = _tagger().tag(example.title, example.lead, example.text)
    assert (topic in {tag.id for tag in tags}) is wanted


@pytest.mark.parametrize("report", REPORTS, ids=[report["title"] for report in REPORTS])
def test_a_report_is_tagged_with_what_it_is_about_and_not_with_what_it_sounds_like(report: dict[str, Any]) -> None:
    found = {tag.id for tag in _tagger().tag(report["title"], report["lead"], report["text"])}
    assert found >= set(report["topics"])
    assert not found & set(report["others"])


@pytest.mark.parametrize("topic", OBLIGATORY)
def test_the_reports_try_every_obligatory_topic_both_ways(topic: str) -> None:
    assert sum(topic in report["topics"] for report in REPORTS) >= 3
    assert sum(topic in report["others"] for report in REPORTS) >= 3


@pytest.mark.parametrize("topic", TAXONOMY.topics, ids=[topic.id for topic in TAXONOMY.topics])
def test_a_topic_file_brings_its_examples(topic: Topic) -> None:
    assert len(topic.positive) >= 6
    assert len(topic.negative) >= 6


def test_all_topics_are_there() -> None:
    assert len(TAXONOMY.topics) == 38
    assert {topic.id for topic in TAXONOMY.topics} >= set(OBLIGATORY)
