"""``marsad topics``."""

import json
from pathlib import Path
from typing import Any

import pytest

TOPIC = """id = "bees"
definition = "News of bees."
threshold = 2.0
[names]
ar = "النحل"
en = "Bees"
fr = "Abeilles"
[[term]]
text = "نحل"
weight = 2.0
[[positive]]
title = "موسم جديد لتربية النحل"
[[negative]]
title = "انطلاق بطولة كرة القدم"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "topics"
    made.mkdir()
    (made / "bees.toml").write_text(TOPIC, encoding="utf-8")
    return made


def test_topics_in_force_are_the_shipped_ones_and_ones_own(marsad: Any, folder: Path) -> None:
    shipped = {record["id"] for record in marsad("topics", "list", "--json").records}
    assert {"defense-cooperation", "sanctions", "sport"} <= shipped
    marsad.env["MARSAD_PROCESS__TOPICS_DIR"] = str(folder)
    assert {record["id"] for record in marsad("topics", "list", "--json").records} == shipped | {"bees"}


def test_a_topic_is_shown_with_its_words(marsad: Any, folder: Path) -> None:
    marsad.env["MARSAD_PROCESS__TOPICS_DIR"] = str(folder)
    assert "2\tنحل" in marsad("topics", "show", "bees").out
    assert marsad("topics", "show", "bees", "--json").records[0]["names"]["fr"] == "Abeilles"
    assert "no topic 'wasps'" in marsad("topics", "show", "wasps", status=1).complaint


def test_a_check_passes_where_all_examples_are_tagged_as_said(marsad: Any, folder: Path) -> None:
    report = marsad("topics", "check", str(folder), "--json").records[0]
    assert report["failures"] == []


def test_a_check_names_the_example_that_comes_out_wrong(marsad: Any, folder: Path) -> None:
    (folder / "bees.toml").write_text(TOPIC.replace("تربية النحل", "تربية النمل"), encoding="utf-8")
    answer = marsad("topics", "check", str(folder), status=1)
    assert "bees: a positive example is not tagged" in answer.out
    assert "1 examples" in answer.complaint


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (TOPIC.replace("threshold = 2.0", "threshold = -1"), 3, "threshold"),
        (TOPIC.replace("weight", "wieght"), 10, "wieght"),
        ("id = ", 1, "TOML"),
        (TOPIC.replace('"bees"', '"wasps"'), 1, "file's name"),
    ],
)
def test_a_bad_topic_file_is_one_sentence_with_file_and_line(
    marsad: Any, folder: Path, content: str, line: int, said: str
) -> None:
    (folder / "bees.toml").write_text(content, encoding="utf-8")
    sentence = marsad("topics", "check", str(folder), status=1).complaint
    assert f"bees.toml:{line}: " in sentence
    assert said in sentence


def test_a_folder_that_is_not_there_is_one_sentence(marsad: Any, tmp_path: Path) -> None:
    assert "no such folder" in marsad("topics", "check", str(tmp_path / "none"), status=1).complaint


def test_a_text_is_explained_by_the_words_that_tag_it(marsad: Any, tmp_path: Path) -> None:
    file = tmp_path / "article.txt"
    file.write_text("روسيا والجزائر توقعان اتفاقا للتعاون العسكري\nتدريبات مشتركة.", encoding="utf-8")
    for answer in (
        marsad("topics", "explain", str(file), "--json"),
        marsad("topics", "explain", "-", "--json", stdin=file.read_bytes()),
    ):
        best = answer.records[0]["topics"][0]
        assert (best["id"], best["tagged"]) == ("defense-cooperation", True)
        assert "للتعاون العسكري" in best["words"]
    assert "defense-cooperation" in marsad("topics", "explain", str(file)).out


def test_a_stored_article_is_explained_by_its_id(marsad: Any, filled: Any) -> None:
    article = next(iter(filled.search.export()))
    assert marsad("topics", "explain", article.article_id[:10], "--json").records[0]["title"] == article.title
    assert "no article" in marsad("topics", "explain", "ffffffff", status=1).complaint


@pytest.mark.parametrize(("content", "said"), [(b"", "nothing in it"), (b"\xc7\xe1", "not UTF-8")])
def test_a_text_that_cannot_be_read_is_one_sentence(marsad: Any, content: bytes, said: str) -> None:
    assert said in marsad("topics", "explain", "-", stdin=content, status=1).complaint


def test_a_name_that_is_neither_file_nor_id_is_one_sentence(marsad: Any) -> None:
    assert "no such file" in marsad("topics", "explain", "nothing.txt", status=1).complaint


def test_a_dry_run_tells_what_would_change_and_changes_nothing(marsad: Any, filled: Any, folder: Path) -> None:
    (folder / "bees.toml").write_text(TOPIC.replace("نحل", "بطولة"), encoding="utf-8")
    result = marsad("topics", "dry-run", "bees", "--dir", str(folder), "--json").records[0]
    assert (result["articles"], result["gained_count"], result["lost_count"]) == (3, 1, 0)
    assert result["gained"][0]["title"] == "انطلاق بطولة كرة القدم"
    assert all("bees" not in [tag.id for tag in article.topics] for article in filled.search.export())
    limited = marsad("topics", "dry-run", "bees", "--dir", str(folder), "--query", "روسيا").out
    assert "1 articles: 0 get bees: 0 keep bees, 0 gain it, 0 lose it; 0 nearly get it" in limited
    since = marsad("topics", "dry-run", "bees", "--dir", str(folder), "--since", "2099-01-01", "--json").records[0]
    assert since["articles"] == 0


LABELLED = [
    {"id": "1", "title": "موسم النحل يبدأ", "text": "خلايا عسل كثيرة.", "topics": ["bees"]},
    {"id": "2", "title": "سباق الخيل", "text": "فاز الحصان.", "topics": ["bees", "sport"]},
    {"id": "3", "title": "طنين النحل في الحقول", "text": "خلايا عسل.", "topics": []},
    *({"id": f"b{n}", "title": f"خلايا عسل رقم {n}", "text": "", "topics": ["bees"]} for n in range(5)),
    *({"id": f"o{n}", "title": f"سوق المدينة رقم {n}", "text": "", "topics": []} for n in range(9)),
]


@pytest.fixture
def labelled(tmp_path: Path) -> str:
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in LABELLED), "utf-8")
    return str(path)


@pytest.fixture
def bees(marsad: Any, folder: Path) -> Any:
    marsad.env["MARSAD_PROCESS__TOPICS_DIR"] = str(folder)
    return marsad


def test_a_file_of_articles_is_tried_without_a_store(bees: Any, labelled: str) -> None:
    result = bees("topics", "dry-run", "bees", "--file", labelled, "--json").records[0]
    assert (result["articles"], result["given"], result["kept_count"], result["gained_count"]) == (17, 2, 1, 1)
    assert result["gained"][0]["title"] == "طنين النحل في الحقول"
    assert result["kept"][0]["words"] == ["نحل"]
    assert result["lost_count"] == 6


def test_a_near_miss_is_shown_with_its_score(bees: Any, labelled: str, folder: Path) -> None:
    (folder / "bees.toml").write_text(TOPIC.replace("threshold = 2.0", "threshold = 8.0"), "utf-8")
    result = bees("topics", "dry-run", "bees", "--file", labelled, "--json").records[0]
    assert result["given"] == 0
    assert [near["score"] for near in result["near"]] == [0.75, 0.75]


def test_topics_are_judged_on_labelled_articles(bees: Any, labelled: str) -> None:
    result = bees("topics", "eval", labelled, "--topic", "bees", "--json").records[0]
    bee = result["topics"]["bees"]
    assert (bee["tp"], bee["fp"], bee["fn"]) == (1, 1, 6)
    assert bee["precision"] == 0.5
    assert {(fault["article_id"], fault["kind"]) for fault in result["faults"]} >= {("3", "given"), ("2", "missed")}
    table = bees("topics", "eval", labelled).out
    assert "bees\t0.50\t0.14\t0.22\t1\t1\t6" in table
    assert "17 articles: micro-F1" in table


def test_terms_are_suggested_that_the_topic_does_not_know(bees: Any, labelled: str) -> None:
    found = bees("topics", "suggest", "bees", "--file", labelled, "--json").records
    assert "خلايا عسل" in {record["term"] for record in found}
    assert not any("نحل" in record["term"] for record in found)
    assert not any("سوق" in record["term"] for record in found)


@pytest.mark.parametrize(
    ("line", "said"),
    [("{", "no article"), ("[]", "expected a JSON object"), ('{"title": "خبر", "topics": 3}', "topics")],
)
def test_a_line_that_is_no_article_is_named(bees: Any, tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "wrong.jsonl"
    path.write_text('{"title": "خبر", "topics": ["bees"]}\n' + line + "\n", "utf-8")
    complaint = bees("topics", "eval", str(path), status=1).complaint
    assert "wrong.jsonl:2: no article" in complaint
    assert said in complaint


def test_articles_without_topics_cannot_be_judged(bees: Any, tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    path.write_text('{"title": "خبر"}\n', "utf-8")
    assert "no article there has a topic" in bees("topics", "eval", str(path), status=1).complaint


def test_a_stored_article_is_explained_by_its_address(marsad: Any, filled: Any) -> None:
    article = next(iter(filled.search.export()))
    assert marsad("topics", "explain", article.url, "--json").records[0]["title"] == article.title
    unknown = marsad("topics", "explain", "https://news.example/unknown", status=1).complaint
    assert "no article of that address is stored" in unknown


def test_what_is_not_given_is_explained_too(bees: Any, folder: Path, tmp_path: Path) -> None:
    (folder / "bees.toml").write_text(TOPIC.replace("threshold = 2.0", "threshold = 8.0"), "utf-8")
    path = tmp_path / "article.txt"
    path.write_text("موسم النحل\n", "utf-8")
    topics = bees("topics", "explain", str(path), "--json").records[0]["topics"]
    found = next(topic for topic in topics if topic["id"] == "bees")
    assert (found["id"], found["tagged"], found["words"]) == ("bees", False, ["النحل"])
