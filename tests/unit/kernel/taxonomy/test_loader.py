from pathlib import Path

import msgspec
import pytest

from marsad.errors import TopicFileError
from marsad.taxonomy import load_taxonomy, read_topic
from marsad.taxonomy.schema import rules_digest

GOOD = """id = "water"
names = { ar = "المياه", en = "Water", fr = "Eau" }
definition = "Rivers and dams."
threshold = 3.0

[[term]]
weight = 2.0
any = ["سد النهضة"]

[[term]]
weight = 1.0
text = "نهر"
spellings = ["أنهار"]
"""

FAULTS = [
    ("an unknown key", GOOD.replace("threshold", "treshold"), 4),
    ("a weight below zero", GOOD.replace("weight = 1.0", "weight = -1.0"), 11),
    ("a wrong type", GOOD.replace('any = ["سد النهضة"]', "any = 3"), 8),
    ("an unknown key in a table", GOOD.replace('spellings = ["أنهار"]', 'plurals = ["أنهار"]'), 13),
    ("broken syntax", GOOD.replace("names = {", "names = {{"), 2),
    ("a term with neither text nor any", GOOD.replace('any = ["سد النهضة"]', ""), 6),
    ("another id than the file's name", GOOD.replace('"water"', '"wine"'), 1),
    ("a bad IPTC code", GOOD.replace("threshold", 'iptc = ["16000000"]\nthreshold'), 4),
    ("no terms at all", GOOD.split("[[term]]", maxsplit=1)[0], 0),
    ("a missing name", GOOD.replace(', fr = "Eau"', ""), 2),
]


def test_a_good_file_is_read() -> None:
    topic = read_topic(GOOD.encode(), "water.toml")
    assert (topic.id, topic.threshold, topic.term[1].spellings) == ("water", 3.0, ("أنهار",))


@pytest.mark.parametrize(("content", "line"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_named_with_its_line(content: str, line: int) -> None:
    with pytest.raises(TopicFileError) as error:
        read_topic(content.encode(), "water.toml")
    assert (error.value.path, error.value.line) == (Path("water.toml"), line)
    assert str(error.value).startswith(f"water.toml:{line}: " if line else "water.toml: no ")


def test_a_file_that_is_not_utf8_is_named_with_its_line() -> None:
    with pytest.raises(TopicFileError) as error:
        read_topic(GOOD.encode("cp1256"), "water.toml")
    assert error.value.line == 2


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(TopicFileError):
        read_topic(b"#" * 2_000_000, "water.toml")


def test_a_users_folder_adds_and_overrides(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(GOOD, "utf-8")
    (tmp_path / "sport.toml").write_text(GOOD.replace('"water"', '"sport"'), "utf-8")
    shipped, extended = load_taxonomy(), load_taxonomy(tmp_path)
    assert len(extended.topics) == len(shipped.topics) + 1
    assert extended.name("water", "fr") == "Eau"
    assert extended.name("sport", "en") == "Water"
    assert extended.version != shipped.version


def test_the_version_is_the_content() -> None:
    assert load_taxonomy().version == load_taxonomy().version


def test_the_learned_layer_is_part_of_the_version() -> None:
    assert load_taxonomy(learned=True).version != load_taxonomy().version
    assert load_taxonomy(learned=True).version == load_taxonomy(learned=True).version


def test_topics_that_a_user_adds_or_replaces_are_his_own(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text(GOOD, "utf-8")
    (tmp_path / "sport.toml").write_text(GOOD.replace('"water"', '"sport"'), "utf-8")
    assert load_taxonomy(tmp_path, learned=True).own == {"sport", "water"}
    assert load_taxonomy(learned=True).own == frozenset()


def test_what_decides_scores_is_told_from_what_does_not() -> None:
    topics = load_taxonomy().topics
    first, others = topics[0], topics[1:]
    renamed = msgspec.structs.replace(first, definition="Other words.", positive=(), negative=())
    stricter = msgspec.structs.replace(first, threshold=first.threshold + 1)
    assert rules_digest((renamed, *others)) == rules_digest(topics)
    assert rules_digest((*others, first)) == rules_digest(topics)
    assert rules_digest((stricter, *others)) != rules_digest(topics)


def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(TopicFileError, match="no such folder"):
        load_taxonomy(tmp_path / "none")


def test_an_unknown_parent_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "water.toml").write_text('parent = "rain"\n' + GOOD, "utf-8")
    with pytest.raises(TopicFileError, match="rain"):
        load_taxonomy(tmp_path)


def test_an_unknown_topic_is_shown_by_its_id() -> None:
    assert load_taxonomy().name("nothing-of-the-kind") == "nothing-of-the-kind"
