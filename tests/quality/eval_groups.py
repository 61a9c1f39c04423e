"""Copies and stories against labelled pairs and windows, and how fast they are found.

The whole corpus goes through one ``Grouper`` in order of time, as it would in service; then each labelled window alone,
which shows whether the figures hold in thinner news.
"""

import gzip
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from datasketch import MinHash, MinHashLSH

from marsad.arabic import tokenize
from marsad.records import Article
from processors.group import Grouper
from processors.locate import Locator, locate

_OWN = Path(__file__).with_name("group_pairs.txt")
_OWN_WINDOWS = Path(__file__).with_name("story_windows.txt")
_SECTIONS = ("internationalNews", "middleEast")
Groups = tuple[dict[str, str], dict[str, str]]
_PERMUTATIONS = 128
Labels = list[tuple[str, str]]


def run(data: Path) -> list[dict[str, object]]:
    """Return the figures of copies, events and windows, and the speed."""
    articles = corpus(data / "ant-2018-h1.jsonl.gz")
    began = time.process_time()
    stories, roots = grouped(articles)
    speed = len(articles) / (time.process_time() - began)
    pairs = _lines(data / "pairs" / "pairs.jsonl")
    rows = [*_pair_rows(pairs, stories, roots), *_own_rows(stories), *_baseline_rows(pairs, articles)]
    windows: dict[str, Labels] = defaultdict(list)
    for label in _lines(data / "pairs" / "stories.jsonl"):
        windows[label["window"]].append((label["id"], label["story"]))
    for name, labels in (*sorted(windows.items()), *_own_windows(articles)):
        members = {identity for identity, _ in labels}
        alone, _ = grouped(article for article in articles if article.article_id in members)
        for kind, found in (("in the stream", stories), ("alone", alone)):
            rows.append(_row(f"window {name} {kind}, pairwise F1", _pairwise(labels, found), 0.85, len(labels)))
            rows.append(_row(f"window {name} {kind}, BCubed F1", _bcubed(labels, found), 0.95, len(labels)))
    rows.append(_row("articles grouped a second", round(speed), 500, len(articles)))
    return rows


def corpus(path: Path) -> list[Article]:
    """The articles in order of time, with their countries, places and entities."""
    locator = Locator()
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        articles = [locate(_article(json.loads(line)), locator) for line in lines]
    return sorted(articles, key=lambda article: (article.published_at, article.article_id))


def _article(document: dict[str, str]) -> Article:
    at = parsedate_to_datetime(document["time"])
    return Article(
        article_id=document["id"],
        title=document["title"],
        text=document["text"],
        outlet=document["source"],
        published_at=at,
        first_seen_at=at,
    )


def grouped(articles: Iterable[Article]) -> Groups:
    """The story in which every article is at the end, and its original."""
    grouper = Grouper()
    stories: dict[str, str] = {}
    roots: dict[str, str] = {}
    ended: dict[str, str] = {}
    for article in articles:
        grouping = grouper.assign(article)
        stories[article.article_id] = grouping.story_id
        ended.update({story.story_id: story.merged_into for story in (grouping.story, *grouping.also)})
        roots[article.article_id] = grouping.duplicate_of or article.article_id
    return {identity: ended.get(story) or story for identity, story in stories.items()}, roots


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _own_windows(articles: Iterable[Article]) -> Iterator[tuple[str, Labels]]:
    """Further windows, labelled after everything but one sign was tuned."""
    placed = [each for each in articles if each.article_id.split("-")[1] in _SECTIONS]
    for part in _OWN_WINDOWS.read_text("utf-8").split("\n= ")[1:]:
        day, *lines = part.splitlines()
        story_of = {identity: story for story, *members in map(str.split, lines) for identity in members}
        begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
        inside = (each for each in placed if begin <= each.published_at < begin + timedelta(hours=48))
        yield day, [(each.article_id, story_of.get(each.article_id, each.article_id)) for each in inside]


def _own_rows(stories: dict[str, str]) -> Iterable[dict[str, object]]:
    """The same on pairs that were not there when anything was tuned."""
    pairs = [line.split() for line in _OWN.read_text("utf-8").splitlines() if not line.startswith("#")]
    clear = [pair for pair in pairs if "doubt" not in pair]
    for name, some, target in (("100 further pairs", pairs, 0.93), ("further pairs without close calls", clear, None)):
        truth = [pair[2] == "same-story" for pair in some]
        yield from _scores(
            f"same event, {name}", truth, [stories[pair[0]] == stories[pair[1]] for pair in some], target
        )


def _baseline_rows(pairs: list[dict[str, str]], articles: Iterable[Article]) -> Iterable[dict[str, object]]:
    """What simple measures reach on the same pairs: those that the labels bear, and MinHash LSH."""
    copy = [pair["label"] == "duplicate" for pair in pairs]
    event = [pair["label"] in {"duplicate", "same-story"} for pair in pairs]
    jaccard, contained, cosine = ([float(pair[name]) for pair in pairs] for name in ("j4", "containment", "cosine"))
    yield from _scores("baseline: copies by Jaccard >= .3", copy, [each >= 0.3 for each in jaccard], None)
    both = [one >= 0.6 and other >= 0.4 for one, other in zip(contained, cosine, strict=True)]
    yield from _scores("baseline: copies by containment >= .6 and cosine >= .4", copy, both, None)
    yield from _scores("baseline: same event by cosine >= .2", event, [each >= 0.2 for each in cosine], None)
    wanted = {pair[side] for pair in pairs for side in ("a", "b")}
    sketches = {each.article_id: _sketch(each) for each in articles if each.article_id in wanted}
    for threshold in (0.3, 0.5):
        index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
        for identity, sketch in sketches.items():
            index.insert(identity, sketch)
        met = [pair["b"] in index.query(sketches[pair["a"]]) for pair in pairs]
        yield from _scores(f"baseline: copies by MinHash LSH at {threshold}", copy, met, None)


def _sketch(article: Article) -> MinHash:
    """A MinHash of the words' 4-grams."""
    keys = tokenize(article.text).keys
    sketch = MinHash(num_perm=_PERMUTATIONS)
    sketch.update_batch([" ".join(keys[place : place + 4]).encode() for place in range(max(1, len(keys) - 3))])
    return sketch


def _pair_rows(
    pairs: list[dict[str, str]], stories: dict[str, str], roots: dict[str, str]
) -> Iterable[dict[str, object]]:
    clear = [pair for pair in pairs if not pair["note"].startswith("doubt")]
    for name, some, target in (("copies", pairs, 0.95), ("copies without close calls", clear, 0.98)):
        truth = [pair["label"] == "duplicate" for pair in some]
        guess = [roots[pair["a"]] == roots[pair["b"]] for pair in some]
        yield from _scores(name, truth, guess, target)
    across = [pair for pair in pairs if pair["a"][:2] != pair["b"][:2]]
    within = [pair for pair in pairs if pair["a"][:2] == pair["b"][:2]]
    for name, some in (
        ("same event", pairs),
        ("same event across outlets", across),
        ("same event in an outlet", within),
    ):
        truth = [pair["label"] in {"duplicate", "same-story"} for pair in some]
        guess = [stories[pair["a"]] == stories[pair["b"]] for pair in some]
        yield from _scores(name, truth, guess, 0.93)


def _scores(name: str, truth: list[bool], guess: list[bool], target: float | None) -> Iterable[dict[str, object]]:
    both = sum(a and b for a, b in zip(truth, guess, strict=True))
    precision, recall = both / max(1, sum(guess)), both / max(1, sum(truth))
    yield _row(f"{name}, precision", precision, None, len(truth))
    yield _row(f"{name}, recall", recall, None, len(truth))
    yield _row(f"{name}, F1", 2 * precision * recall / max(1e-9, precision + recall), target, len(truth))


def _pairwise(labels: Labels, stories: dict[str, str]) -> float:
    hit = extra = missed = 0
    for place, (one, story) in enumerate(labels):
        for other, other_story in labels[:place]:
            same, together = story == other_story, stories[one] == stories[other]
            hit += same and together
            extra += together and not same
            missed += same and not together
    return 2 * hit / max(1, 2 * hit + extra + missed)


def _bcubed(labels: Labels, stories: dict[str, str]) -> float:
    precision = recall = 0.0
    for one, story in labels:
        together = [label for other, label in labels if stories[other] == stories[one]]
        right = together.count(story)
        precision += right / len(together)
        recall += right / sum(label == story for _, label in labels)
    precision, recall = precision / len(labels), recall / len(labels)
    return 2 * precision * recall / (precision + recall)


def _row(measure: str, value: float, target: float | None, n: int) -> dict[str, object]:
    return {"measure": measure, "value": value, "target": target, "n": n}
