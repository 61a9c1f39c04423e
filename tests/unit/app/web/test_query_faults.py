import ast
from collections.abc import Iterator
from importlib.resources import files

import pytest

from marsad.errors import QueryError
from marsad.query import parse
from marsad.testing.factories import NOW
from marsad_app.web.query_faults import explain

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
