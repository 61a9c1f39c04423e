"""How many dates in Arabic text are given their right value.

Two tables: labelled expressions written for assistants (appointments, "next Tuesday at nine"); and our own, with every
month family, calendar and turn of phrase of Arabic newsrooms. Of the labelled ones, single dates are what news needs; the rows of
periods and of times without a day have no target, since their labels are ranges that a single ISO value cannot say, or
hours as an alarm clock is told them.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from marsad.arabic.dates import FoundDate, find_dates

_OWN = Path(__file__).parents[1] / "recorded" / "dates"
_TARGET = 0.98
# Single days and times with a day. Left out: durations and repetitions.
_KINDS = frozenset({"date", "datetime"})
_SHORTEST = {"W": 7, "M": 28, "Y": 365}
_IMPOSSIBLE = "0001"
_ANY_DAY = "2016-11-07T00:00:00"  # times have none in the table
_WITHOUT_TARGET = frozenset({"labelled weeks, months and years", "labelled times of day"})
Case = tuple[str, datetime, str, frozenset[str]]


def run(data: Path) -> list[dict[str, object]]:
    """Return the share of right values on the labelled expressions, on our own table and on the seed article."""
    labelled = labelled_cases(data / "dates" / "specs.jsonl")
    tables = {
        "labelled single dates": labelled,
        "labelled weeks, months and years": labelled_periods(data / "dates" / "specs.jsonl"),
        "labelled times of day": labelled_times(data / "dates" / "specs.jsonl"),
        "own table": own_cases(),
        "seed article": _seed(data / "seed"),
    }
    rows = [_row(name, cases, target=name not in _WITHOUT_TARGET) for name, cases in tables.items()]
    spotted = sum(_spotted(case) for case in labelled)
    share = spotted / len(labelled)
    rows.append({"measure": "dates, labelled expressions found", "value": share, "target": _TARGET, "n": len(labelled)})
    return rows


def labelled_cases(path: Path) -> list[Case]:
    """Return the labelled single dates as (text, now, expression, values that are right)."""
    return [case for case in _labelled(path, _KINDS, _values) if case[3]]


def labelled_periods(path: Path) -> list[Case]:
    """Return the labelled ranges that are just one week, month or year, as our values say them."""
    return [case for case in _labelled(path, frozenset({"daterange"}), _periods) if case[3]]


def labelled_times(path: Path) -> list[Case]:
    """Return the labelled times without a day; they are of the day of publication."""
    cases = _labelled(path, frozenset({"time"}), _values)
    return [
        (text, now, expression, frozenset(f"{now.date().isoformat()}T{value}" for value in values))
        for text, now, expression, values in cases
        if values and expression
    ]


def _labelled(path: Path, kinds: frozenset[str], read: Callable[[dict[str, Any]], frozenset[str]]) -> list[Case]:
    cases: list[Case] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        spec = json.loads(line)
        for result in spec["Results"]:
            kind = str(result.get("Type") or result.get("TypeName") or "").removeprefix("datetimeV2.")
            value = result.get("Value") or result.get("Resolution") or {}
            if kind in kinds and isinstance(value, dict):
                context = spec.get("Context", {}).get("ReferenceDateTime", _ANY_DAY)
                now = datetime.fromisoformat(context[:19]).replace(tzinfo=UTC)
                cases.append((spec["Input"], now, result["Text"].strip(), read(value)))
    return cases


def _values(value: dict[str, Any]) -> frozenset[str]:
    if "values" in value:
        found = {str(each.get("value", "")) for each in value["values"]}
    else:
        resolutions = (value.get("PastResolution") or {}, value.get("FutureResolution") or {})
        found = {str(each) for resolution in resolutions for each in resolution.values()}
    return frozenset(each.replace(" ", "T") for each in found if each and not each.startswith(_IMPOSSIBLE))


def _periods(value: dict[str, Any]) -> frozenset[str]:
    timexes = [each.get("timex", "") for each in value["values"]] if "values" in value else [value.get("Timex") or ""]
    plain = {timex for timex in timexes if re.fullmatch(r"\d{4}(-\d\d|-W\d\d)?", timex)}
    if not plain:
        return frozenset()
    resolutions = value.get("values") or [value.get("PastResolution") or {}, value.get("FutureResolution") or {}]
    whole = all(_is_whole(timex, each) for timex in plain for each in resolutions)
    return frozenset(plain) if whole else frozenset()


def _is_whole(timex: str, resolution: dict[str, str]) -> bool:
    """Tell whether a label's ends are those of the week, month or year that it names, and not of a part of it."""
    begin, end = (resolution.get(key) or resolution.get(f"{key}Date") or "" for key in ("start", "end"))
    unit = "W" if "W" in timex else "M" if "-" in timex else "Y"
    return bool(begin and end) and (date.fromisoformat(end) - date.fromisoformat(begin)).days >= _SHORTEST[unit]


def own_cases() -> list[Case]:
    """Return our own table: text, expression, value and day of publication, tab-separated."""
    cases: list[Case] = []
    for path in sorted(_OWN.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                now, expression, value, text = line.split("\t")
                cases.append((text, datetime.fromisoformat(now).replace(tzinfo=UTC), expression, frozenset({value})))
    return cases


def _seed(folder: Path) -> list[Case]:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    text = (folder / "article.txt").read_text(encoding="utf-8")
    now = datetime.fromisoformat(expected["published"]).replace(tzinfo=UTC)
    return [(text, now, each["text"], frozenset({each["iso"]})) for each in expected["dates"]]


def is_right(case: Case) -> bool:
    """Tell whether a date that overlaps the expression was given one of the right values."""
    _, _, _, values = case
    return any(_same(found.iso, value) for found in overlapping(case) for value in values)


def overlapping(case: Case) -> list[FoundDate]:
    """Return the dates found where the expression stands."""
    text, now, expression, _ = case
    start = text.find(expression)
    end = start + len(expression)
    if start < 0:  # a few labels spell the expression otherwise than the text: any date of the text will do
        start, end = 0, len(text)
    return [found for found in find_dates(text, now) if found.start < end and found.end > start]


def _spotted(case: Case) -> bool:
    return bool(overlapping(case))


def _same(iso: str, value: str) -> bool:
    # The labels write seconds always and no zone.
    return iso == value or (len(iso) == len("2016-11-07T00:00") and value == iso + ":00")


def _row(name: str, cases: list[Case], *, target: bool) -> dict[str, object]:
    right = sum(map(is_right, cases))
    value = right / len(cases) if cases else None
    row: dict[str, object] = {"measure": f"dates, {name}: right values", "value": value, "n": len(cases)}
    return {**row, "target": _TARGET} if target else row
