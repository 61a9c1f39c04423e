"""Mutated feeds through the parser and the decision about them: no exception, no hang, no memory that grows.

    python tests/quality/fuzz_feeds.py [--count 100000] [--seed 1] [--first 0] [--only NUMBER]

Case N of a seed is always the same. What fails is kept in out/fuzz; a case that taught something becomes a folder
under tests/recorded/feeds.
"""

import argparse
import ctypes
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
from rich.console import Console

from marsad.config import PollSettings
from marsad.records import FeedState, FetchRequest, FetchResponse
from marsad.testing.factories import a_feed
from producers.identity import kept
from producers.parse import ParsedFeed, Readings, parse_again
from producers.poll import PollResult, decide, request_for
from producers.testing import START

_ROOT: Final = Path(__file__).parents[2]
_OUT: Final = _ROOT / "out" / "fuzz"
_SETTINGS: Final = PollSettings()
_FEED: Final = a_feed()
_SLOW_S: Final = 2.0
# Beside others on one core the same document took 1.2 and 2.3 s of processor time: what is slow is slow each time.
_TRIES: Final = 3
_HANG_S: Final = 60
_EVERY: Final = 1_000
_GROWN_MB: Final = 20
_LONGEST: Final = 400_000
_TYPES: Final = ("", "text/xml", "application/rss+xml; charset=utf-8", "text/xml; charset=windows-1256", "application/json",
                 "text/xml; charset=utf-16", "text/html; charset=iso-8859-6", "text/xml; charset=no-such", "x; charset=\x00")  # fmt: skip
_CHARSETS: Final = (
    "cp1256",
    "iso8859-6",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "utf-8-sig",
    "latin-1",
    "utf-7",
    "shift-jis",
    "koi8-r",
)
_LABELS: Final = (
    "utf-8",
    "windows-1256",
    "utf-16",
    "iso-8859-6",
    "ascii",
    "utf-7",
    "cp037",
    "base64",
    "idna",
    "x" * 300,
)
_NUMBERS: Final = (b"0", b"-1", b"1e999", b"9" * 400, b"18446744073709551616", b"0x7fffffff", b"NaN", "٩".encode() * 50, b"1.7976931348623157e308")  # fmt: skip
_TOKENS: Final = (
    b"<item>", b"</item>", b"<entry>", b"</channel>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<!DOCTYPE rss [", b"<!ENTITY a '&a;&a;'>", b"&a;",
    b"&", b"<", b">", b"&#0;", b"&#x110000;", b"&#xD800;", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"xml:base='http://['", b"<?xml version='1.0'?>",
    b"<content type='xhtml'>", b"<div>", b"<link href='//[::1'/>", b"<pubDate>Mon, 99 Foo 99999 99:99:99 +9999</pubDate>", b"<guid>",
    b"<ttl>9999999999999999999</ttl>", b"<skipHours><hour>-1</hour></skipHours>", b"<updated>0000-00-00T00:00:00Z</updated>", b"<x:y z:w=''>",
    b'{"items":[', b"]}", b"null", b"<urlset>", b"<sitemap>", b"<html>", b"<a:b xmlns:a=''>", b"xmlns:a='a'", b"<author>a@b (", "خبر".encode(),
    "\u202e\u200f".encode(), b"\xd8", b"<itunes:image href='x'/>", b"<media:group>", b"<script>", b"<textarea>", b"<plaintext>", b"<base href='x:'>",
)  # fmt: skip

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def _flip(body: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    changed = bytearray(body)
    for _number in range(rng.choice((1, 1, 3, 20, 200))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(body: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((rng.randrange(len(body)), rng.randrange(len(body))))
    return rng.choice((body[:start], body[end:], body[:start] + body[end:]))


def _splice(body: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, end = sorted((rng.randrange(len(other)), rng.randrange(len(other))))
    at = rng.randrange(len(body))
    return body[:at] + other[start:end] + body[at if rng.random() < 0.5 else end :]


def _insert(body: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    for _number in range(rng.choice((1, 2, 5, 30))):
        at = rng.randrange(len(body))
        body = body[:at] + rng.choice(_TOKENS) + body[at:]
    return body


def _nest(body: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """One thing again and again: a token, a piece of the document, the document in itself."""
    at = rng.randrange(len(body))
    end = min(len(body), at + rng.randrange(1, 400))
    piece = rng.choice((rng.choice(_TOKENS), body[at:end], rng.choice(others)))
    times = rng.choice((2, 50, 400, 400, 20_000) if rng.random() < 0.2 else (2, 5, 40))
    return body[:at] + piece * max(1, min(times, _LONGEST // max(1, len(piece)))) + body[at:]


def _number(body: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    digits = [at for at, byte in enumerate(body) if 48 <= byte <= 57] or [0]
    at = rng.choice(digits)
    return body[:at] + rng.choice(_NUMBERS) + body[at + 1 :]


def _charset(body: bytes, rng: random.Random, _: Sequence[bytes]) -> bytes:
    """Written in one charset, labelled as another; or decoded wrongly and written again."""
    text = body.decode("utf-8", "replace")
    if rng.random() < 0.5:
        label = rng.choice(_LABELS)
        text = text.replace('encoding="utf-8"', f'encoding="{label}"')
    if rng.random() < 0.3:
        return body.decode(rng.choice(("cp1252", "cp1256", "latin-1")), "replace").encode()
    return text.encode(rng.choice(_CHARSETS), rng.choice(("ignore", "replace")))


_MUTATIONS: Final[tuple[Mutation, ...]] = (_flip, _cut, _splice, _insert, _nest, _number, _charset)


def case(number: int, seed: int, bodies: Sequence[bytes]) -> tuple[bytes, str]:
    """The case of that number: a document and its Content-Type."""
    rng = random.Random(f"{seed}:{number}")
    body = rng.choice(bodies)
    for _number in range(rng.choice((1, 1, 2, 3))):
        body = rng.choice(_MUTATIONS)(body or b"<", rng, bodies)[:_LONGEST]
    return body, rng.choice(_TYPES)


def read(body: bytes, content_type: str) -> tuple[float, PollResult]:
    """What the poller does with an answer, but for the network and the store; and the processor time that this takes."""
    began = time.process_time()
    url = _FEED.url
    request = request_for(_FEED, None, START, _SETTINGS)
    answer = FetchResponse(
        url=url, final_url=url, status=200, headers={"content-type": content_type}, body=body, elapsed=0.1
    )
    parsed, readings = parse_again(body, {}, content_type=content_type, url=url)
    result = decide(_FEED, None, request, answer, parsed, now=START, settings=_SETTINGS, rng=random.Random(1))
    seconds = time.process_time() - began
    _check_again(request, answer, parsed, readings, result.state)
    msgspec.json.decode(msgspec.json.encode((result.state, result.entries)))
    return seconds, result


def _check_again(
    request: FetchRequest, answer: FetchResponse, parsed: ParsedFeed, readings: Readings, again: FeedState
) -> None:
    """Have the same document read where its entries are known, as a whole and by what is kept of them."""
    body, content_type, url = answer.body, answer.headers["content-type"], answer.url
    if readings and parse_again(body, readings, content_type=content_type, url=url)[0] != parsed:
        raise AssertionError("a document reads differently where its entries are known")
    second = decide(_FEED, again, request, answer, parsed, now=START, settings=_SETTINGS, rng=random.Random(2))
    thin = parse_again(body, {key: kept(entry) for key, entry in readings.items()}, content_type=content_type, url=url)[
        0
    ]
    third = decide(_FEED, again, request, answer, thin, now=START, settings=_SETTINGS, rng=random.Random(2))
    if third != second and not third.lacks_text:
        raise AssertionError("a document means something else where its entries are known by what was kept of them")


class _HangError(BaseException):
    """One document takes far too long; no handler of exceptions on the way may take it for its own."""


def _hang(_: int, frame: FrameType | None) -> None:
    raise _HangError


def _resident_mb() -> float:
    """Megabytes in use. What the C library keeps of what was freed is given back before: of 121 MB it was 48."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_048_576


class Run:
    """Goes through cases and keeps figures.

    Args:
        seed: of all cases.
        bodies: the documents that are mutated.
    """

    def __init__(self, seed: int, bodies: Sequence[bytes]) -> None:
        self._seed = seed
        self._bodies = bodies
        self.feeds = self.entries = 0
        self.slowest: list[tuple[float, int]] = []
        self.failed: list[str] = []
        self.memory: list[float] = []

    def take(self, number: int) -> None:
        """One case; processor time decides what is slow, since the machine may be busy."""
        body, content_type = case(number, self._seed, self._bodies)
        seconds, result = self._read(number, body, content_type)
        if result is not None:
            self.entries += len(result.entries)
            self.feeds += bool(result.entries)
        for _ in range(1, _TRIES):
            if result is not None and seconds > _SLOW_S:
                seconds = min(seconds, self._read(number, body, content_type)[0])
        self.slowest = sorted([*self.slowest, (seconds, number)], reverse=True)[:5]
        if seconds > _SLOW_S:
            self._keep(number, body, f"{seconds:.1f} s for {len(body):,} bytes")
        if number % _EVERY == 0 or not self.memory:
            self.memory.append(_resident_mb())

    def _read(self, number: int, body: bytes, content_type: str) -> tuple[float, PollResult | None]:
        """Seconds of processor time that a case takes, and what it leads to: None where it fails, or takes a minute and more."""
        signal.setitimer(signal.ITIMER_PROF, _HANG_S)
        try:
            return read(body, content_type)
        except (Exception, _HangError) as error:  # noqa: BLE001 - any exception is what this looks for
            self._keep(number, body, f"{type(error).__name__}: {error}")
            return 0.0, None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _keep(self, number: int, body: bytes, why: str) -> None:
        self.failed.append(f"case {number}: {why[:300]}")
        _OUT.mkdir(parents=True, exist_ok=True)
        (_OUT / f"{self._seed}-{number}.feed").write_bytes(body)

    def grown_mb(self) -> float:
        """How much larger the last tenth of the run is than the second tenth, at its most."""
        tenth = len(self.memory) // 10
        if not tenth:
            return 0.0
        return max(self.memory[-tenth:]) - max(self.memory[tenth : 2 * tenth])


def seeds() -> list[bytes]:
    """The recorded feeds."""
    return [path.read_bytes() for path in sorted((_ROOT / "tests" / "recorded" / "feeds").glob("*/feed.*"))]


def main() -> int:
    """1 where a case fails or memory grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="begin with this case")
    parser.add_argument("--only", type=int, help="run this case alone and let its exception through")
    arguments = parser.parse_args()
    bodies = seeds()
    if arguments.only is not None:
        read(*case(arguments.only, arguments.seed, bodies))
        return 0
    signal.signal(signal.SIGPROF, _hang)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    run, began = Run(arguments.seed, bodies), time.monotonic()
    for number in range(arguments.first, arguments.first + arguments.count):
        run.take(number)
        if number > arguments.first and number % (10 * _EVERY) == 0:
            console.print(
                f"{number} cases, {time.monotonic() - began:.0f} s, {len(run.failed)} failed, {run.memory[-1]:.0f} MB"
            )
    for line in run.failed:
        console.print(f"FAULT {line}")
    slowest = ", ".join(f"{seconds:.2f} s (case {number})" for seconds, number in run.slowest)
    console.print(
        f"{arguments.count} cases of seed {arguments.seed}, the first {arguments.first}, from {len(bodies)} documents in {time.monotonic() - began:.0f} s"
    )
    console.print(f"{run.feeds} still had entries, {run.entries} in all; slowest: {slowest}")
    console.print(f"memory {run.memory[0]:.0f} MB to {run.memory[-1]:.0f} MB, grown {run.grown_mb():+.1f} MB")
    console.print(f"{len(run.failed)} faults")
    return int(bool(run.failed) or run.grown_mb() > _GROWN_MB)


if __name__ == "__main__":
    sys.exit(main())
