"""``marsad feeds add-many``: a list of addresses, each tried for itself, with a report."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.config import PollSettings, load_settings
from marsad.errors import ConfigError, MarsadError
from marsad.ports import FeedRegistry
from marsad.records import Feed
from marsad.records.ids import feed_id
from marsad_app.cli.feed_adding import as_feed, country_code, refusal, require_web_address, silence
from marsad_app.cli.feed_check import SeenFeed, look_at
from marsad_app.cli.opening import made_store, read_bounded
from marsad_app.cli.output import JsonOption, cell, json_line

__all__ = ["Outcome", "add_many", "read_addresses"]

# ruff: noqa: PLC0415 - the network and feed libraries take half a second to import

_LARGEST: Final = 10_000_000
_LONGEST_LINE: Final = 2_000
_SHOWN: Final = 200
_BATCH: Final = 50
_STDIN: Final = Path("-")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one address."""

    line: int
    url: str
    result: Literal["added", "known", "page", "refused"]
    why: str = ""
    offers: tuple[str, ...] = ()
    """The feeds that a page names."""
    id: str = ""
    title: str = ""


_Tried = tuple[Outcome, Feed | None]
"""What became of an address, with the feed to be registered where it is one."""


def read_addresses(data: bytes) -> list[tuple[int, str]]:
    """The addresses with their lines, counted from 1; empty lines and those that begin with ``#`` are none."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    stripped = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def add_many(
    file: Annotated[
        Path, typer.Argument(metavar="[FILE]", help="One address a line; by default, or for -, standard input.")
    ] = _STDIN,
    country: Annotated[str, typer.Option(help="The outlets' country (ISO 3166-1 alpha-2).")] = "",
    *,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not ask the addresses first.")] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Watch many feeds. Each address is asked first; what is no feed is told, and stops none of the others.

    The exit status is 1 where any address was neither added nor known.
    """
    code = country_code(country)
    data = sys.stdin.buffer.read(_LARGEST + 1) if file == _STDIN else read_bounded(file, _LARGEST)
    if len(data) > _LARGEST:
        raise ConfigError(f"standard input: larger than {_LARGEST // 1_000_000} MB")
    addresses = read_addresses(data)
    if not addresses:
        raise ConfigError(f"{'standard input' if file == _STDIN else file}: holds no address; one a line is expected")
    with made_store() as store:
        counts = asyncio.run(_run(addresses, store.feeds, code, no_check=no_check, as_json=as_json))
    if not as_json:
        words = {"added": "added", "known": "known already", "page": "pages", "refused": "refused"}
        typer.echo(", ".join(f"{counts[result]} {word}" for result, word in words.items()))
    if counts["page"] or counts["refused"]:
        raise typer.Exit(1)


async def _run(
    addresses: Sequence[tuple[int, str]], registry: FeedRegistry, country: str, *, no_check: bool, as_json: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    waiting: list[tuple[Feed, Outcome]] = []

    async def store() -> None:
        """Register what waits, and only then say so."""
        if waiting:
            await asyncio.to_thread(registry.put_feeds, [feed for feed, _ in waiting])
        for _, outcome in waiting:
            _report(outcome, as_json=as_json)
        waiting.clear()

    known = {feed.id for feed in await asyncio.to_thread(registry.feeds)}
    async for outcome, feed in _outcomes(addresses, known, load_settings().poll, country, no_check=no_check):
        counts[outcome.result] += 1
        if feed is not None:
            waiting.append((feed, outcome))
        else:
            _report(outcome, as_json=as_json)
        if len(waiting) >= _BATCH:
            await store()
        _progress(counts.total(), len(addresses))
    await store()
    _progress(0, 0)
    return counts


async def _outcomes(
    addresses: Sequence[tuple[int, str]], known: set[str], settings: PollSettings, country: str, *, no_check: bool
) -> AsyncIterator[_Tried]:
    """Each address's outcome as it comes."""
    from producers.fetch import CurlFetcher
    from producers.politeness import HostGate

    clock = SystemClock()
    gate = HostGate(settings, clock)
    running: set[asyncio.Task[_Tried]] = set()
    async with CurlFetcher(settings, clock) as fetcher:

        async def look(url: str) -> SeenFeed | None:
            if no_check:
                return None
            async with gate.slot(url):
                return await look_at(url, fetcher, settings)

        for number, url, plain in _sorted_out(addresses, known):
            if plain is not None:
                yield plain, None
                continue
            running.add(asyncio.create_task(_try(number, url, look, clock.now(), country)))
            if len(running) >= settings.concurrency:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
        for finished in asyncio.as_completed(running):
            yield await finished


async def _try(
    number: int, url: str, look: Callable[[str], Awaitable[SeenFeed | None]], now: datetime, country: str
) -> _Tried:
    try:
        seen = await look(url)
        return _judged(number, url, seen, as_feed(url, seen, now, country=country))
    except MarsadError as error:
        why = str(error)
    except Exception as error:  # noqa: BLE001 - one bad address never stops the others
        why = f"{type(error).__name__}: {error}"
    return Outcome(line=number, url=url, result="refused", why=why), None


def _sorted_out(addresses: Sequence[tuple[int, str]], known: set[str]) -> Iterator[tuple[int, str, Outcome | None]]:
    """The addresses; with their outcomes where that is plain without asking."""
    lines: dict[str, int] = {}
    for number, url in addresses:
        if len(url) > _LONGEST_LINE:
            why = f"is longer than {_LONGEST_LINE} characters"
            yield number, url, Outcome(line=number, url=url[:_SHOWN], result="refused", why=why)
            continue
        try:
            require_web_address(url)
            identity = feed_id(url)
        except (ConfigError, ValueError) as error:
            yield number, url, Outcome(line=number, url=url, result="refused", why=str(error))
            continue
        if identity in known:
            yield number, url, Outcome(line=number, url=url, result="known", why="is watched already", id=identity)
        elif identity in lines:
            why = f"is the same as line {lines[identity]}"
            yield number, url, Outcome(line=number, url=url, result="known", why=why, id=identity)
        else:
            lines[identity] = number
            yield number, url, None


def _judged(number: int, url: str, seen: SeenFeed | None, feed: Feed) -> _Tried:
    if seen is not None and seen.is_something_else:
        result: Literal["page", "refused"] = "page" if seen.offered else "refused"
        return Outcome(line=number, url=url, result=result, why=refusal(seen), offers=seen.offered), None
    if seen is not None and seen.state == "blocked":
        return Outcome(line=number, url=url, result="refused", why=refusal(seen)), None
    why = silence(seen)
    return Outcome(line=number, url=url, result="added", why=why, id=feed.id, title=feed.title), feed


def _report(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        json_line(outcome)
        return
    said = f"{outcome.result}: {cell(outcome.title)}" if outcome.title else outcome.result
    why = f" ({cell(outcome.why)})" if outcome.why else ""
    typer.echo(f"line {outcome.line}: {cell(outcome.url)}: {said}{why}")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} addresses" if total else "\r\x1b[K")
