"""``marsad run`` as a process with a feed and its hub on loopback: subscribed, pushed to, killed, pushed to again, unsubscribed."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from producers.fakehub import FakeHub
from producers.loopback import Asked, reply, serving

pytestmark = pytest.mark.timeout(180)
WORDS = "أعلنت الوزارة في بيان لها اليوم عن خطة جديدة لتطوير الموانئ والطرق خلال السنوات المقبلة"


class HubbedFeed:
    """A feed that names its hub, both served from a thread of their own."""

    def __init__(self) -> None:
        self.hub = FakeHub()
        self.numbers = [1, 2]
        self.asked = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.stack = AsyncExitStack()
        self.wait(self.serve())

    async def serve(self) -> None:
        self.hub_url = await self.stack.enter_async_context(serving(self.hub.handle))
        self.url = await self.stack.enter_async_context(serving(self.answer)) + "/feed.xml"

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.asked += asked.path == "/feed.xml"
        found = asked.path == "/feed.xml"
        writer.write(reply(body=self.document(), Content_Type="application/rss+xml") if found else reply("404 No"))

    def document(self) -> bytes:
        items = "".join(
            f"<item><guid>{n}</guid><title>خبر رقم {n} عن ميناء المدينة {n}</title>"
            f"<description>{f'{WORDS} {n}. ' * 12}</description></item>"
            for n in reversed(self.numbers)
        )
        links = (
            f"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='{self.hub_url}/'/>"
            f"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self' href='{self.url}'/>"
        )
        return f"<rss version='2.0'><channel><title>نشرة</title>{links}{items}</channel></rss>".encode()

    def wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def publish(self, *numbers: int) -> list[int]:
        """Push the document with more articles; the statuses of the answers."""
        self.numbers += numbers
        return [answer.status for answer in self.wait(self.hub.publish(self.url, self.document()))]

    def close(self) -> None:
        self.wait(self.stack.aclose())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)
        self.loop.close()


@pytest.fixture
def hubbed() -> Iterator[HubbedFeed]:
    made = HubbedFeed()
    yield made
    made.close()


def test_news_come_by_push_through_a_kill_until_the_feed_is_removed(marsad: Any, hubbed: HubbedFeed) -> None:
    settings = {
        "MARSAD_WEBSUB__CALLBACK": f"http://127.0.0.1:{marsad.port}",
        "MARSAD_WEBSUB__SPACING": "0.1",
        "MARSAD_POLL__MIN_INTERVAL": "3600",
        "MARSAD_POLL__MAX_INTERVAL": "7200",
    }
    feeds = marsad.folder / "hubbed.opml"
    feeds.write_text(f'<opml><body><outline xmlUrl="{hubbed.url}"/></body></opml>', encoding="utf-8")
    marsad.start("run", "--feeds", str(feeds), **settings)
    marsad.until(marsad.answers, "the page")
    marsad.until(lambda: bool(hubbed.hub.subscriptions), "the subscription")
    marsad.until(lambda: marsad.count() == 2, "what the poll brought")

    assert hubbed.publish(3) == [202]
    marsad.until(lambda: marsad.count() == 3, "what the push brought")
    (form,) = hubbed.hub.subscriptions.values()
    forged = hubbed.document().replace(b"<channel>", b"<channel><item><guid>x</guid><title>x</title></item>")
    assert hubbed.wait(hubbed.hub.push(form, forged, "application/rss+xml", "sha256=00")).status == 202
    marsad.process.kill()
    marsad.process.wait(30)

    marsad.start("run", "--feeds", str(feeds), **settings)
    marsad.until(marsad.answers, "the page after the kill")
    assert hubbed.publish(4, 5) == [202]
    marsad.until(lambda: marsad.count() == 5, "what was pushed after the kill")
    assert len(hubbed.hub.requests) == 1
    assert hubbed.asked == 1

    listed = marsad.json("/api/v1/feeds")
    feed = (listed["feeds"] if isinstance(listed, dict) else listed)[0]["id"]
    assert marsad.command("feeds", "remove", feed, **settings).status == 0
    marsad.until(lambda: not hubbed.hub.subscriptions, "the end of the subscription")
    assert marsad.terminate() == 0
    assert hubbed.hub.unconfirmed == []
    assert form["hub.secret"] not in marsad.text()
