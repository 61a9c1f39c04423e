"""Thousands of feeds on loopback for the polling bench: a server so bare that the client is what is measured.

Run as a process of its own: ``python -m marsad_app.bench.feed_server PORT ITEMS``.
"""

import asyncio
import html
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

__all__ = ["ETAG", "KINDS", "SITES", "Kind", "address", "document", "kind_of"]

Kind = Literal["changed", "not-modified", "same-bytes"]

SITES: Final = 400
ETAG: Final = '"one"'
# Of twenty feeds one has news, fourteen answer 304, and five send the same bytes since they know no validators.
_UNCHANGED: Final[tuple[Kind, ...]] = (*("not-modified",) * 14, *("same-bytes",) * 5)
KINDS: Final[tuple[Kind, ...]] = ("changed", *_UNCHANGED)
_BASES: Final = 20
_WINDOW: Final = 30


def kind_of(number: int) -> Kind:
    """How the feed of that number answers. Neighbours on one site are of different kinds."""
    return KINDS[(number + number // len(KINDS)) % len(KINDS)]


def address(number: int, port: int) -> str:
    """The feed's address; each of the sites is an address of its own."""
    site = number % SITES
    return f"http://127.0.{1 + site // 200}.{1 + site % 200}:{port}/{number}"


def document(items: Sequence[str], number: int, edition: int = 0) -> bytes:
    """A feed of thirty items; a later edition has one new item on top."""
    base = number % _BASES
    window = [items[(base * _WINDOW + n) % len(items)] for n in range(_WINDOW)]
    if edition:
        news = f"<item><guid>new-{edition}</guid><link>http://news.invalid/new/{edition}</link><title>خبر عاجل {edition}</title></item>"
        window = [news, *window[:-1]]
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>أخبار</title>'
    return f"{head}<link>http://news.invalid/</link>{''.join(window)}</channel></rss>".encode()


def item(number: int, title: str, text: str, date: str) -> str:
    """One item as XML."""
    address = f"http://news.invalid/{number}"
    body = f"<title>{html.escape(title)}</title><description>{html.escape(text)}</description>"
    return f"<item><guid>{number}</guid><link>{address}</link>{body}<pubDate>{date}</pubDate></item>"


class _Connection(asyncio.Protocol):
    """Answers GETs on one connection; requests have no body."""

    editions = itertools.count(1)
    items: Sequence[str] = ()
    bases: tuple[bytes, ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            self._transport.write(self._answer(head))

    def _answer(self, head: bytes) -> bytes:
        number = int(head.split(b" ", 2)[1][1:])
        kind = kind_of(number)
        if kind == "changed":
            return _ok(document(self.items, number, next(self.editions)))
        if kind == "same-bytes":
            return _ok(self.bases[number % _BASES])
        if b"if-none-match" in head.lower():
            return f"HTTP/1.1 304 Not Modified\r\nETag: {ETAG}\r\n\r\n".encode()
        return _ok(self.bases[number % _BASES], f"ETag: {ETAG}\r\n")


def _ok(body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(port: int, items: Sequence[str]) -> None:
    """Serve on all addresses of the bench until the process is ended."""
    _Connection.items = items
    _Connection.bases = tuple(document(items, base) for base in range(_BASES))
    hosts = [address(site, port).split("/")[2].split(":")[0] for site in range(SITES)]
    server = await asyncio.get_running_loop().create_server(_Connection, hosts, port, backlog=1_024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[str])))
