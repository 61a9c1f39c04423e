"""Every recorded document reads as its expectation says."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from producers.parse import parse, parse_again

CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "recorded" / "feeds").glob("*/meta.json"))


def covers(expected: dict[str, Any], actual: dict[str, Any]) -> dict[str, Any]:
    """The fields of ``actual`` that are expected to be something."""
    return {key: actual[key] for key in expected}


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_recorded_document_reads_as_expected(case: Path) -> None:
    meta = json.loads((case / "meta.json").read_text(encoding="utf-8"))
    expected = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    body = next(case.glob("feed.*")).read_bytes()

    actual = json.loads(msgspec.json.encode(parse(body, content_type=meta["content_type"], url=meta["url"])))

    assert actual["problems"] == expected["problems"]
    assert len(actual["entries"]) == len(expected["entries"])
    assert covers(expected.get("feed", {}), actual) == expected.get("feed", {})
    for one, other in zip(expected["entries"], actual["entries"], strict=True):
        assert covers(one, other) == one


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_recorded_document_reads_the_same_where_its_entries_are_known(case: Path) -> None:
    meta = json.loads((case / "meta.json").read_text(encoding="utf-8"))
    body = next(case.glob("feed.*")).read_bytes()

    whole, readings = parse_again(body, {}, content_type=meta["content_type"], url=meta["url"])

    assert parse_again(body, readings, content_type=meta["content_type"], url=meta["url"]) == (whole, readings)


def test_there_are_recorded_cases() -> None:
    assert len(CASES) >= 20
