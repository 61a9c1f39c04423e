"""The articles of the corpus as matching sees them, and two hundred subscriptions such as people make."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from marsad.arabic import tokenize
from marsad.clock import FrozenClock
from marsad.errors import PoisonError
from marsad.records import Article, QuietHours, Story, Subscription, Trigger
from marsad.taxonomy import load_taxonomy
from marsad_app.bench.corpus import documents, entry_of, feed_of
from processors.article_stream import News
from processors.group import Grouper
from processors.pipeline import Pipeline

__all__ = ["BEGIN", "STEP", "came_at", "move", "subscriptions", "world"]

BEGIN: Final = datetime(2026, 3, 10, tzinfo=UTC)
"""Nineteen days before clocks change in Beirut and Paris."""
STEP: Final = timedelta(seconds=97)
_REVISED_EACH: Final = 40
_REVISED_AFTER: Final = 15

_decode = msgspec.msgpack.Decoder(tuple[Article, Story, Article | None]).decode
_encode = msgspec.msgpack.Encoder().encode


def world(folder: Path, cache: Path, limit: int) -> list[News]:
    """The articles in the order in which they come, each with its story then; one in forty comes again, corrected.

    Args:
        folder: holds the corpus.
        cache: a file that keeps them, since making them takes minutes; made if missing.
        limit: articles of the corpus.
    """
    if not cache.is_file():
        cache.parent.mkdir(parents=True, exist_ok=True)
        part = cache.with_suffix(".part")
        with part.open("wb") as out:
            for news in _made(folder, limit):
                line = _encode((news.article, news.story, news.previous))
                out.write(len(line).to_bytes(4) + line)
        part.rename(cache)
    return list(_read(cache))


def came_at(news: News) -> datetime:
    """When an article, or its correction, came."""
    return news.article.updated_at or news.article.first_seen_at


def move(clock: FrozenClock, to: datetime) -> None:
    """Move the clock on to an instant; never back."""
    clock.advance(max(0.0, (to - clock.now()).total_seconds()))


def _read(cache: Path) -> Iterator[News]:
    with cache.open("rb") as lines:
        while size := lines.read(4):
            yield News(*_decode(lines.read(int.from_bytes(size))))


def _made(folder: Path, limit: int) -> Iterator[News]:
    pipeline, grouper = Pipeline.build(load_taxonomy(None)), Grouper(days=7)
    waiting: list[tuple[int, Article]] = []
    for number, document in enumerate(documents(folder, limit)):
        seen = BEGIN + number * STEP
        entry = msgspec.structs.replace(
            entry_of(document, number, page=False),
            published_raw=seen.isoformat(),
            first_seen_at=seen,
            fetched_at=seen,
        )
        try:
            article = pipeline.stateless(entry, feed_of(document))
        except PoisonError:
            continue
        placed = _placed(grouper, article)
        yield News(*placed, None)
        if number % _REVISED_EACH == 0:
            waiting.append((number + _REVISED_AFTER, placed[0]))
        if waiting and waiting[0][0] <= number:
            yield _corrected(pipeline, grouper, waiting.pop(0)[1], seen)


def _placed(grouper: Grouper, article: Article) -> tuple[Article, Story]:
    grouping = grouper.assign(article)
    placed = msgspec.structs.replace(article, story_id=grouping.story_id, duplicate_of=grouping.duplicate_of)
    return placed, grouping.story


def _corrected(pipeline: Pipeline, grouper: Grouper, before: Article, at: datetime) -> News:
    """The article once more: every third loses its first paragraphs, so that it may match no longer or only now."""
    text = before.text[len(before.text) // 2 :] if int(before.article_id[:2], 16) % 3 == 0 else f"{before.text}\nتصحيح."
    article = pipeline.enrich(msgspec.structs.replace(before, text=text, revision=2, updated_at=at))
    placed, story = _placed(grouper, article)
    return News(placed, story, before)


def subscriptions(news: Sequence[News], count: int = 200, seed: int = 5) -> list[Subscription]:
    """Queries for topics, countries, names, phrases and words of headlines; every trigger, cadence, pace and zone.

    Limits and rest change when an alert arrives and in which message, not whether.
    """
    random = Random(seed)  # noqa: S311 - a repeatable choice
    topics = sorted({topic.id for one in news[:4_000] for topic in one.article.topics})
    countries = sorted({country.code for one in news[:2_000] for country in one.article.countries})[:60]
    outlets = sorted({one.article.outlet for one in news[:4_000]})
    made = []
    for number in range(count):
        words = _words(random.choice(news).article.title, random)
        topic, country = random.choice(topics), random.choice(countries)
        query = random.choice(
            (
                f"topic:{topic} country:{country}",
                f"topic:{topic} AND ({words[0]} OR {words[-1]})",
                f'"{" ".join(words[:2])}"',
                " ".join(words[:2]),
                f"title:{words[0]}",
                f"country:{country} -topic:sport {words[-1]}",
                f"outlet:{random.choice(outlets)} topic:{topic}",
                f"{words[0][:3]}* country:{country}",
                f'"{words[0]} {words[-1]}"~4 OR (topic:{topic} country:{country} title:{words[0]})',
            )
        )
        made.append(_subscription(number, query, random))
    return made


def _subscription(number: int, query: str, random: Random) -> Subscription:
    zone = random.choice(("UTC", "Africa/Cairo", "Asia/Beirut", "Europe/Paris", "Africa/Casablanca", "Asia/Tehran"))
    quiet = QuietHours(time(22), time(6, 30), zone) if random.random() < 0.3 else None
    triggers = random.choice(
        (
            (Trigger.NEW_STORY,),
            (Trigger.NEW_STORY,),
            (Trigger.NEW_ARTICLE,),
            (Trigger.STORY_OUTLETS,),
            (Trigger.NEW_STORY, Trigger.CORRECTION),
            (Trigger.SPIKE,),
            (Trigger.NEW_STORY, Trigger.SPIKE),
            (Trigger.NEW_ARTICLE, Trigger.STORY_OUTLETS, Trigger.STORY_COUNTRIES, Trigger.CORRECTION),
        )
    )
    return Subscription(
        id=f"s{number}",
        name=f"اشتراك {number}",
        query=query,
        triggers=triggers,
        story_outlets=random.choice((2, 3)),
        story_countries=random.choice((2, 3, 4)),
        spike_hours=random.choice((1, 3, 6)),
        cadence=random.choice(("instant", "instant", "every", "hourly", "daily", "weekly")),
        every=random.choice((5, 20, 45)),
        at=time(random.randrange(24), random.choice((0, 30))),
        weekday=random.randrange(7),
        zone=zone,
        quiet=quiet,
        cooldown=random.choice((0, 0, 0, 30)),
        cap=random.choice((0, 0, 0, 5)),
        outlets=tuple(f"sim:{number}-{way}" for way in range(1 + (number % 4 == 0))),
        created_at=BEGIN,
        secret=f"{number:032x}",
    )


def _words(title: str, random: Random) -> list[str]:
    tokens = tokenize(title)
    words = [title[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True) if end - start > 3]
    words = [word for word in words if word.isalpha()] or ["روسيا"]
    first = random.randrange(max(1, len(words) - 1))
    return words[first : first + 2]
