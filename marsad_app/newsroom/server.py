"""Serves the sample newsroom over HTTP on loopback: feeds with validators, pages, robots.txt and the truth."""

import asyncio
import hashlib
import signal
from collections import Counter
from datetime import datetime, timedelta

from aiohttp import web

from marsad.clock import Clock, SystemClock
from marsad_app.newsroom.content import Newsroom, Outlet, load
from marsad_app.newsroom.feeds import WINDOW, Item, feed, opml, page

__all__ = ["NewsroomServer", "serve"]

_BUSY_EVERY = 4


class NewsroomServer:
    """A running newsroom.

    Args:
        content: what it publishes.
        clock: the time.
        duration: seconds from its start until the last article has appeared.
        host: a loopback address.
        port: 0 takes a free one.
        window: entries in a feed document; older ones are on the pages that ``?paged=2`` and so on ask for.
    """

    def __init__(
        self,
        content: Newsroom,
        clock: Clock,
        duration: float,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        window: int = WINDOW,
    ) -> None:
        self._content = content
        self._clock = clock
        self._duration = duration
        self._host = host
        self._port = port
        self._window = window
        self._started = clock.now()
        self._answers: Counter[str] = Counter()
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def start(self) -> None:
        """Listen, and let time begin."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/opml", self._opml),
                web.get("/truth", self._truth),
                web.get("/robots.txt", self._robots),
                web.get("/feeds/{outlet}", self._feed),
                web.get("/articles/{outlet}/{name}.html", self._page),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://{self._host}:{port}"
        self._started = self._clock.now()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def opml(self) -> bytes:
        """The list of its feeds."""
        return opml(self._content.outlets, self.base_url)

    def _at(self, share: float) -> datetime:
        return self._started + timedelta(seconds=share * self._duration)

    def _share(self) -> float:
        return (self._clock.now() - self._started).total_seconds() / self._duration

    def _items(self, outlet: Outlet) -> list[Item]:
        first = {sample.id: sample.at for sample in reversed(self._content.articles)}
        samples = [sample for sample in self._content.visible(self._share()) if sample.outlet == outlet.id]
        return [Item(sample, self._at(first[sample.id]), self._at(sample.at)) for sample in samples]

    def _outlet(self, request: web.Request) -> Outlet:
        for outlet in self._content.outlets:
            if outlet.id == request.match_info["outlet"]:
                return outlet
        raise web.HTTPNotFound

    async def _feed(self, request: web.Request) -> web.Response:
        outlet = self._outlet(request)
        self._answers[outlet.id] += 1
        if "busy" in outlet.habits and self._answers[outlet.id] % _BUSY_EVERY == 0:
            return web.Response(status=503, text="busy")
        items = self._items(outlet)
        number = _page_number(request)
        if number > 1 and len(items) <= (number - 1) * self._window:
            raise web.HTTPNotFound
        body, content_type = feed(outlet, items, self.base_url, number=number, window=self._window)
        etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        headers = {"Content-Type": content_type, "ETag": etag}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        response = web.Response(body=body, headers=headers)
        response.enable_compression()
        return response

    async def _page(self, request: web.Request) -> web.Response:
        outlet = self._outlet(request)
        items = self._items(outlet)
        for item in items:
            if item.sample.id == request.match_info["name"]:
                others = [other for other in items if other is not item]
                return web.Response(
                    body=page(outlet, item, others, self.base_url), content_type="text/html", charset="utf-8"
                )
        raise web.HTTPNotFound

    async def _truth(self, request: web.Request) -> web.Response:
        visible = self._content.visible(self._share())
        articles = {
            sample.id: {
                "guids": [sample.guid],
                "outlet": sample.outlet,
                "title": sample.title,
                "version": sample.version,
                "topics": sample.topics,
                "countries": sample.countries,
                "copy_of": sample.copy_of,
                "event": self._content.event_of(sample.id),
            }
            for sample in visible
        }
        total = len(self._content.distinct())
        done = self._share() >= 1
        alerts = sorted([name, event] for name, event in self._content.expected_alerts())
        return web.json_response(
            {"published": len(articles), "total": total, "done": done, "articles": articles, "expected_alerts": alerts}
        )

    async def _robots(self, request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /truth\n")

    async def _opml(self, request: web.Request) -> web.Response:
        return web.Response(body=self.opml(), content_type="text/x-opml", charset="utf-8")

    async def _index(self, request: web.Request) -> web.Response:
        rows = "".join(f'<li><a href="/feeds/{outlet.id}">{outlet.name}</a></li>' for outlet in self._content.outlets)
        return web.Response(
            text=f'<!doctype html><html lang="ar" dir="rtl"><title>مرصد</title><ul>{rows}</ul></html>',
            content_type="text/html",
        )


def _page_number(request: web.Request) -> int:
    asked = request.query.get("paged", "")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1  # noqa: PLR2004 - 9,999 pages


def serve(host: str, port: int, duration: float) -> int:
    """Serve the shipped newsroom until SIGTERM or SIGINT; the exit status."""
    asyncio.run(_serve(host, port, duration))
    return 0


async def _serve(host: str, port: int, duration: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = NewsroomServer(load(), SystemClock(), duration, host, port)
    await server.start()
    print(f"Sample newsroom at {server.base_url}; its feeds: {server.base_url}/opml")  # noqa: T201 - a command's answer
    await stop.wait()
    await server.stop()
