"""What hubs tell, through a real broker."""

import time
from datetime import UTC, datetime

import pytest

from marsad.config import KafkaSettings
from marsad.records import HubNews
from marsad_app.cluster.hub_news import HubNewsFollower, StreamedInbox
from producers.hubs import NewsBox

pytestmark = pytest.mark.cluster
AT = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)


def news(feed_id: str, body: bytes = b"") -> HubNews:
    return HubNews(feed_id=feed_id, kind="pushed", token="t", at=AT, body=body, content_type="text/xml")


def test_each_poller_is_told_of_its_own_feeds_in_order(kafka: KafkaSettings) -> None:
    inbox, boxes, told = StreamedInbox(kafka), [NewsBox(), NewsBox()], list[str]()
    inbox.tell(news("a", b"written before anybody followed"))
    followers = [
        HubNewsFollower(kafka, box, lambda feed_id, own=own: feed_id in own, told.append)
        for box, own in zip(boxes, ("ab", "cd"), strict=True)
    ]
    for follower in followers:
        follower.start()
        assert follower.wait_ready(30)
    sent = [
        news(feed_id, bytes([number]) * size) for number, size in enumerate((1, 100, 2_000_000)) for feed_id in "abcd"
    ]
    for one in sent:
        inbox.tell(one)
    deadline = time.monotonic() + 30
    got: dict[str, list[HubNews]] = {feed_id: [] for feed_id in "abcd"}
    while sum(map(len, got.values())) < len(sent) and time.monotonic() < deadline:
        for box in boxes:
            for feed_id in got:
                got[feed_id] += box.take(feed_id)
        time.sleep(0.05)
    for follower in followers:
        follower.close()
    inbox.close()

    assert got == {feed_id: [one for one in sent if one.feed_id == feed_id] for feed_id in "abcd"}
    assert not any(told)
