"""How well articles are tagged with topics: the part that was tuned on and the part set aside, apart and together.

The rules are judged as they are. The learned layer was trained on the same articles, so its figures are five times a fifth:
each article is tagged by a layer that was fitted without it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import train_topics as training

from marsad.taxonomy import LearnedLayer, load_taxonomy
from marsad_app.topic_quality import count as add
from marsad_app.topic_quality import ratios as scores
from processors.tag import Tagger

_HELD_OUT = Path(__file__).with_name("held_out_topics.txt")
_MOST_WANTED = "defense-cooperation"
Record = dict[str, Any]


def run(data: Path) -> list[dict[str, object]]:
    """Return micro- and macro-F1 of both parts, and precision and recall of defence cooperation."""
    rows: list[dict[str, object]] = []
    for name, part, counts in _judged(data):
        total = Counter[str]()
        for topic in counts.values():
            total.update(topic)
        macro = sum(scores(topic)[2] for topic in counts.values()) / len(counts)
        wanted = counts.get(_MOST_WANTED, Counter())
        rows += [
            _row(f"topics, {name}: micro-F1", scores(total)[2], 0.88, len(part)),
            _row(f"topics, {name}: macro-F1", macro, 0.82, len(part)),
            _row(f"topics, {name}: {_MOST_WANTED} precision", scores(wanted)[0], 0.9, wanted["tp"] + wanted["fp"]),
            _row(f"topics, {name}: {_MOST_WANTED} recall", scores(wanted)[1], 0.9, wanted["tp"] + wanted["fn"]),
        ]
    return rows


def details(data: Path) -> list[dict[str, object]]:
    """Return precision, recall and F1 of every topic in both parts."""
    rows: list[dict[str, object]] = []
    for name, _, counts in _judged(data):
        for topic, count in sorted(counts.items()):
            precision, recall, f1 = scores(count)
            rows.append({"part": name, "topic": topic, "precision": precision, "recall": recall, "f1": f1, **count})
    return rows


def _judged(data: Path) -> list[tuple[str, list[Record], dict[str, Counter[str]]]]:
    """Return each part with its counts: by the rules alone, and with a layer that never saw the article."""
    known = parts(data)
    rules, layered = Tagger(load_taxonomy()), layers(data)
    everything = {**known, "all": [record for part in known.values() for record in part]}
    judged = [
        (f"rules alone, {name}", part, _counts((rules, record) for record in part)) for name, part in known.items()
    ]
    return judged + [
        (f"5-fold, {name}", part, _counts((layered[training.fold_of(str(record["id"]))], record) for record in part))
        for name, part in everything.items()
    ]


@lru_cache(maxsize=1)
def layers(data: Path) -> Mapping[int, Tagger]:
    """Return for each fifth of the labelled articles a tagger whose layer was fitted without it."""
    labels, more = training.labelled(data), training.more_labelled()
    space, counted = training.read(data, labels, more)
    taggers = {}
    for fold in range(training.FOLDS):
        used = {key: topics for key, topics in labels.items() if training.fold_of(key) != fold}
        learned = training.learned(space, counted, used, more)
        taggers[fold] = Tagger(load_taxonomy(), LearnedLayer(learned, frozenset(training.TOPICS)))
    return taggers


def parts(data: Path) -> dict[str, list[Record]]:
    """Return the labelled articles that were tuned on, and those set aside."""
    held_out = set(_HELD_OUT.read_text("utf-8").split())
    found: dict[str, list[Record]] = {"tuned on": [], "held out": []}
    for line in (data / "topics" / "labelled.jsonl").read_text("utf-8").splitlines():
        record = json.loads(line)
        found["held out" if record["id"] in held_out else "tuned on"].append(record)
    return found


def _counts(articles: Iterable[tuple[Tagger, Record]]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for tagger, record in articles:
        tags = tagger.tag(str(record["title"]), str(record["lead"] or ""), str(record["text"] or ""))
        add(counts, set(record["topics"]), {tag.id for tag in tags})
    return counts


def _row(measure: str, value: float, target: float, n: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": target, "n": n}
