"""How well articles are tagged with countries: the part that was tuned on and the part set aside, apart."""

import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

from processors.locate import Locator

_HELD_OUT = Path(__file__).with_name("held_out_topics.txt")


def run(data: Path) -> list[dict[str, object]]:
    """Return micro precision, recall and F1 of both parts, and how often the main country stands first."""
    rows: list[dict[str, object]] = []
    for part, records in _parts(data).items():
        total, first, named = Counter[str](), 0, 0
        for record in records:
            meant, found = record["countries"], _found(record)
            total["tp"] += len(set(meant) & set(found))
            total["found"] += len(found)
            total["meant"] += len(meant)
            named += bool(meant)
            first += bool(meant and found and found[0] == meant[0])
        f1 = 2 * total["tp"] / (total["found"] + total["meant"])
        rows += [
            _row(f"countries, {part}: micro-F1", f1, 0.88, len(records)),
            _row(f"countries, {part}: precision", total["tp"] / total["found"], None, total["found"]),
            _row(f"countries, {part}: recall", total["tp"] / total["meant"], None, total["meant"]),
            _row(f"countries, {part}: main country first", first / named, None, named),
        ]
    return rows


def details(data: Path) -> list[dict[str, object]]:
    """Return precision, recall and F1 of every country in both parts."""
    rows: list[dict[str, object]] = []
    for part, records in _parts(data).items():
        counts: dict[str, Counter[str]] = {}
        for record in records:
            meant, found = set(record["countries"]), set(_found(record))
            for outcome, codes in (("tp", meant & found), ("fp", found - meant), ("fn", meant - found)):
                for code in codes:
                    counts.setdefault(code, Counter())[outcome] += 1
        for code, count in sorted(counts.items()):
            found_all, meant_all = count["tp"] + count["fp"], count["tp"] + count["fn"]
            rows.append({
                "part": part,
                "country": code,
                "precision": count["tp"] / found_all if found_all else 0.0,
                "recall": count["tp"] / meant_all if meant_all else 0.0,
                "f1": 2 * count["tp"] / (found_all + meant_all),
                **count,
            })  # fmt: skip
    return rows


@lru_cache(maxsize=1)
def _locator() -> Locator:
    return Locator()


def _found(record: dict[str, str]) -> list[str]:
    located = _locator().locate(record["title"], record["lead"] or "", record["text"] or "")
    return [country.code for country in located.countries]


def _parts(data: Path) -> dict[str, list[dict]]:
    held_out = set(_HELD_OUT.read_text("utf-8").split())
    found: dict[str, list[dict]] = {"tuned on": [], "held out": []}
    for line in (data / "topics" / "labelled.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        found["held out" if record["id"] in held_out else "tuned on"].append(record)
    return found


def _row(measure: str, value: float, target: float | None, n: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": target, "n": n}
