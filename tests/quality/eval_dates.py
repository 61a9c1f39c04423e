"""How many dates in Arabic text are given their right value.

Two tables: labelled expressions written for assistants (appointments, "next Tuesday at nine"), of which the kinds that
news needs are taken; and our own, with every month family, calendar and turn of phrase of Arabic newsrooms.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

from marsad.arabic.dates import FoundDate, find_dates

_OWN = Path(__file__).parents[1] / "recorded" / "dates"
_TARGET = 0.98
# Single days and times with a day; months and years. Left out: durations, repetitions, times without a day, ranges.
_KINDS = frozenset({"date", "datetime"})
_IMPOSSIBLE = "0001"
# Expressions of the labelled table that assistants get and news does not write, by what their text or label holds.
_NOT_NEWS = {
    "4.22": "a decimal number in news",
    "08/12, 15": "an American order of month, day and year",
    "إلى 27": "a number without any word of time",
    "27": "a number without any word of time",
    "للثاني": "an ordinal without any word of time",
    "آخر يوم": "translated word by word from English (the last day, for yesterday)",
    "يومي": "translated word by word (my day, for today)",
    "2 سنة و1 شهر و21 أيام من الآن": "translated word by word (from now, for ago)",
    "في 10 أيام": "translated word by word (within, for after)",
    "في أقرب وقت ممكن": "no date (as soon as possible)",
    "12-2016 12:23:59": "day and year without month",
    "12-2016 12:23:60": "day and year without month",
    "السبت الثاني": "a repetition (the second Saturday of each month)",
    "نهاية اليوم": "a deadline: the day's last minute",
    "نهاية الغد": "a deadline: the day's last minute",
    "نهاية يوم الأحد": "a deadline: the day's last minute",
    "10 ، الليلة": "an hour without any word of time",
    "8 هذا الصباح": "an hour without any word of time",
}

Case = tuple[str, datetime, str, frozenset[str]]


def run(data: Path) -> list[dict[str, object]]:
    """Return the share of right values on the labelled expressions, on our own table and on the seed article."""
    labelled = labelled_cases(data / "dates" / "specs.jsonl")
    tables = {
        "labelled single dates, all": labelled,
        "labelled single dates, as news writes": [case for case in labelled if case[2] not in _NOT_NEWS],
        "own table": own_cases(),
        "seed article": _seed(data / "seed"),
    }
    rows = [_row(name, cases) for name, cases in tables.items()]
    spotted = sum(_spotted(case) for case in labelled)
    share = spotted / len(labelled)
    rows.append({"measure": "dates, labelled expressions found", "value": share, "target": _TARGET, "n": len(labelled)})
    return rows


def labelled_cases(path: Path) -> list[Case]:
    """Return the labelled expressions as (text, now, expression, values that are right)."""
    cases: list[Case] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        spec = json.loads(line)
        for result in spec["Results"]:
            values = _values(result)
            if values and "Context" in spec:
                now = datetime.fromisoformat(spec["Context"]["ReferenceDateTime"][:19]).replace(tzinfo=UTC)
                cases.append((spec["Input"], now, result["Text"].strip(), values))
    return cases


def _values(result: dict[str, object]) -> frozenset[str]:
    kind = str(result.get("Type") or result.get("TypeName") or "").removeprefix("datetimeV2.")
    value = result.get("Value") or result.get("Resolution") or {}
    if kind not in _KINDS or not isinstance(value, dict):
        return frozenset()
    if "values" in value:
        found = {str(each.get("value", "")) for each in value["values"]}
    else:
        resolutions = (value.get("PastResolution") or {}, value.get("FutureResolution") or {})
        found = {str(each) for resolution in resolutions for each in resolution.values()}
    return frozenset(each.replace(" ", "T") for each in found if each and not each.startswith(_IMPOSSIBLE))


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
    return [(text, now, date["text"], frozenset({date["iso"]})) for date in expected["dates"]]


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


def _row(name: str, cases: list[Case]) -> dict[str, object]:
    right = sum(map(is_right, cases))
    value = right / len(cases) if cases else None
    return {"measure": f"dates, {name}: right values", "value": value, "target": _TARGET, "n": len(cases)}
