"""Small servers on loopback that answer exactly what a test says, byte for byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import msgspec

__all__ = ["Asked", "Handler", "always", "reply", "routes", "serving"]

_MOST_BODY: Final = 10_000_000


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""


Handler = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def reply(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """An answer as it goes over the wire; header names with ``_`` for ``-``."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def always(answer: bytes) -> Handler:
    """The same bytes to everybody."""

    async def handle(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return handle


def routes(answers: Mapping[str, bytes]) -> Handler:
    """Bytes by path; 404 for all others."""

    async def handle(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get(asked.path, reply("404 Not Found")))

    return handle


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, *_ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    length = min(int(headers.get("content-length", "0")), _MOST_BODY)
    return Asked(method, path, headers, await reader.readexactly(length) if length else b"")


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[str]:
    """A server that hands each request to ``handle``, one for each connection; gives its address."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(await _read(reader), writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
