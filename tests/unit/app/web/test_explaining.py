import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from elastic_transport import ApiResponseMeta, ConnectionTimeout, HttpHeaders, NodeConfig
from elastic_transport import ConnectionError as NoConnection
from elasticsearch import ApiError

from marsad.config import ElasticsearchSettings
from marsad.errors import QueryError, StoreError, TopicFileError
from marsad.query import parse
from marsad.taxonomy.loader import read_topic
from marsad.testing.factories import NOW
from marsad_app.embedded.database import Database
from marsad_app.web.explaining import explain
from sinks.index.client import explained

NODE = NodeConfig("http", "127.0.0.1", 9200)
ENGLISH = re.compile(r"\b(?:expected|got|is|the|found|cannot|invalid|unclosed|object|at)\b", re.IGNORECASE)

QUERIES = [
    "،،",
    "(" * 60 + "a" + ")" * 60,
    "a OR " * 250 + "b",
    "titel:x",
    "zzzzqqq:x",
    "title:(topic:x)",
    "روسيا^1000",
    "روسيا~2",
    "[a TO b]",
    'topic:"a b"~2',
    "outlet:وكا*",
    '"a b"~90',
    '""',
    '"' + "ا ب " * 150 + '"',
    "x" * 2_001,
    "(روسيا",
    '"روسيا',
    "روسيا)",
    "/x/",
    '"a b"~1.5',
    'country:""',
    "country:أطلنطا",
    "topic:لاشيء",
    "ا*",
    "ال*",
    "ab*c*d*e*f*g*h*i*j*k*",
    "published:[2026-02-01 TO 2026-01-01]",
    "published:غدا",
    "score:>x",
    "score:>" + "9" * 400,
    "روسيا AND",
    "published:[2026-01-01",
    "AND روسيا",
]


def _reason(query: str) -> str:
    with pytest.raises(QueryError) as caught:
        parse(query, now=NOW, resolve=lambda field, value: None)
    return caught.value.reason


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_fault_is_told_in_arabic_to_arabic_readers(query: str) -> None:
    reason = _reason(query)
    told, language = explain(reason, "ar")

    assert language == "ar", reason
    assert "{}" not in told
    assert explain(reason, "en") == (reason, "en")


def test_what_the_fault_quotes_stays_in_it() -> None:
    told, _ = explain('there is no topic "<b>{}": expected its id, such as sanctions, or its name', "ar")

    assert "«<b>{}»" in told


TOPICS = [
    "x = ",
    "x = yes",
    'x = "',
    "x = [1",
    "[x",
    "[[x]",
    "x = 1\nx = 2",
    "x y = 1",
    'x = "\\q"',
    'x = "\\uD800"',
    "= 1",
    "[a]\n[a]",
    "a = {b = 1}\n[a.c]\nd = 1",
    "id = 1\nnames = {}\nthreshold = 1.0",
    'id = "t"\nnames = {ar = "", en = ""}\nthreshold = 1.0',
    'id = "t"\nthreshold = 0.0',
    'id = "t"\nthreshold = 9999.0',
    'id = "T!"\nthreshold = 1.0',
    'id = "t"',
    'id = "t"\ncolour = "red"',
]


@pytest.mark.parametrize("content", TOPICS, ids=range(len(TOPICS)))
def test_what_is_wrong_with_a_topic_file_is_told_in_arabic(content: str) -> None:
    with pytest.raises(TopicFileError) as caught:
        read_topic(content.encode(), "t.toml")
    told, language = explain(caught.value.reason.partition(" - at ")[0], "ar")

    assert language == "ar", caught.value.reason
    assert not ENGLISH.search(told), (caught.value.reason, told)


def _raised(module: str, *kinds: str) -> Iterator[str]:
    """The sentences with which a module raises an error of these kinds, what they quote replaced by x."""
    for node in ast.walk(
        ast.parse((files(module.rpartition(".")[0]) / f"{module.rpartition('.')[2]}.py").read_text("utf-8"))
    ):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in kinds
            and isinstance(node.args[-1], ast.Constant | ast.JoinedStr)
        ):
            parts = node.args[-1].values if isinstance(node.args[-1], ast.JoinedStr) else [node.args[-1]]
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in parts)


MODULES = (
    ("marsad.taxonomy.loader", "TopicFileError"),
    ("marsad_app.topic_files", "ConfigError"),
    ("sinks.alerts.webhook", "ConfigError"),
    ("sinks.alerts.mail", "ConfigError"),
    ("sinks.alerts.outlets", "ConfigError"),
)


@pytest.mark.parametrize(
    "sentence",
    sorted({sentence for module, kind in MODULES for sentence in _raised(module, kind)}),
)
def test_what_a_form_can_have_wrong_is_told_in_arabic(sentence: str) -> None:
    if "cannot be read" in sentence or sentence == "no such folder of topic files":
        pytest.skip("a fault of the machine, not of the form")

    assert explain(sentence, "ar")[1] == "ar"


@pytest.mark.parametrize(
    "error",
    [
        ApiError("x", ApiResponseMeta(status, "1.1", HttpHeaders(), 0.1, NODE), body)
        for status, body in (
            (401, ""), (403, {}), (429, "busy"), (500, "x"), (503, {"error": {"type": "t", "reason": "r"}}),
            (400, {"error": {"type": "too_many_clauses", "reason": "r"}}),
            (400, {"error": {"type": "t", "reason": "No mapping found for [search.order]"}}),
        )
    ] + [NoConnection("refused"), ConnectionTimeout("timed out")],
)  # fmt: skip
def test_a_backend_that_fails_is_told_in_arabic(error: Exception) -> None:
    with pytest.raises(StoreError) as caught, explained(ElasticsearchSettings()):
        raise error
    told, language = explain(str(caught.value), "ar")

    assert language == "ar"
    assert "elasticsearch.url (http://" in told
    assert not ENGLISH.search(told.partition("(")[0] + told.rpartition(")")[2]), told


def test_a_search_that_took_too_long_is_told_in_arabic(tmp_path: Path) -> None:
    database = Database(tmp_path / "marsad.db")
    with pytest.raises(StoreError) as caught, database.read(within_s=0.0) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        ).fetchall()
    database.close()

    assert "طال البحث فأُوقف" in explain(str(caught.value), "ar")[0]


def test_no_translation_has_more_places_than_its_sentence_quotes() -> None:
    for name in ("queries", "faults"):
        text = (files("marsad_app.web") / "wording" / f"{name}.toml").read_text("utf-8")
        for fault in tomllib.loads(text)["fault"]:
            quoted = len(re.findall(r"\{\w*\}", fault["en"]))
            assert fault["ar"].count("{}") <= quoted
            assert all(int(number) < quoted for number in re.findall(r"\{(\d)\}", fault["ar"]))


def test_a_sentence_that_is_not_known_is_left_as_it_is() -> None:
    assert explain("something new", "ar") == ("something new", "en")


def _sentences() -> Iterator[str]:
    """Every sentence that the query reader gives a fault, what it quotes replaced by x."""
    for module in ("parse", "scan", "values"):
        source = (files("marsad.query") / f"{module}.py").read_text("utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
                "QueryError", "ValueError", "fail",
            }:  # fmt: skip
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value
                elif isinstance(first, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in first.values)


@pytest.mark.parametrize("sentence", sorted(set(_sentences())))
def test_each_sentence_of_the_query_reader_has_a_translation(sentence: str) -> None:
    if sentence.endswith((": x", "expected x")):
        pytest.skip("its end is another sentence, which the queries above give")

    assert explain(sentence, "ar")[1] == "ar"
