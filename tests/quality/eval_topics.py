"""How well articles are tagged with topics: the part that was tuned on and the part set aside, apart."""

import json
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from marsad.taxonomy import load_taxonomy
from processors.tag import Tagger

_HELD_OUT = Path(__file__).with_name("held_out_topics.txt")
_MOST_WANTED = "defense-cooperation"


def run(data: Path) -> list[dict[str, object]]:
    """Return micro- and macro-F1 of both parts, and precision and recall of defence cooperation."""
    rows: list[dict[str, object]] = []
    for part, records in parts(data).items():
        counts = _counts(records)
        total = Counter[str]()
        for topic in counts.values():
            total.update(topic)
        macro = sum(scores(topic)[2] for topic in counts.values()) / len(counts)
        wanted = counts.get(_MOST_WANTED, Counter())
        rows += [
            _row(f"topics, {part}: micro-F1", scores(total)[2], 0.88, len(records)),
            _row(f"topics, {part}: macro-F1", macro, 0.82, len(records)),
            _row(f"topics, {part}: {_MOST_WANTED} precision", scores(wanted)[0], 0.9, wanted["tp"] + wanted["fp"]),
            _row(f"topics, {part}: {_MOST_WANTED} recall", scores(wanted)[1], 0.9, wanted["tp"] + wanted["fn"]),
        ]
    return rows


def details(data: Path) -> list[dict[str, object]]:
    """Return precision, recall and F1 of every topic in both parts."""
    rows: list[dict[str, object]] = []
    for part, records in parts(data).items():
        for topic, count in sorted(_counts(records).items()):
            precision, recall, f1 = scores(count)
            rows.append({"part": part, "topic": topic, "precision": precision, "recall": recall, "f1": f1, **count})
    return rows


def parts(data: Path) -> dict[str, list[dict[str, object]]]:
    """Return the labelled articles that were tuned on, and those set aside."""
    held_out = set(_HELD_OUT.read_text("utf-8").split())
    found: dict[str, list[dict[str, object]]] = {"tuned on": [], "held out": []}
    for line in (data / "topics" / "labelled.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        found["held out" if record["id"] in held_out else "tuned on"].append(record)
    return found


def scores(count: Counter[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of true and false positives and false negatives."""
    found, meant = count["tp"] + count["fp"], count["tp"] + count["fn"]
    return (
        count["tp"] / found if found else 0.0,
        count["tp"] / meant if meant else 0.0,
        2 * count["tp"] / (found + meant) if found + meant else 0.0,
    )


@lru_cache(maxsize=1)
def _tagger() -> Tagger:
    return Tagger(load_taxonomy())


def _counts(records: Iterable[dict[str, object]]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for record in records:
        tags = _tagger().tag(str(record["title"]), str(record["lead"] or ""), str(record["text"] or ""))
        count(counts, set(record["topics"]), {tag.id for tag in tags})  # type: ignore[call-overload]
    return counts


def count(counts: dict[str, Counter[str]], meant: set[str], found: set[str]) -> None:
    """Add one article to the counts of every label."""
    for outcome, labels in (("tp", meant & found), ("fp", found - meant), ("fn", meant - found)):
        for label in labels:
            counts.setdefault(label, Counter())[outcome] += 1


def _row(measure: str, value: float, target: float, n: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": target, "n": n}
