"""What dashboards are told of feeds."""

from marsad.records import FeedState, encode
from marsad.streams import Message
from marsad.testing.factories import NOW, a_feed
from sinks.index.boards import feed_reader


def test_a_login_in_a_feeds_address_is_not_told() -> None:
    feed = a_feed(id="a", url="https://desk:s3cret@news.example/rss")
    message = Message(stream="feed-states.v1", key="a", value=encode(FeedState(feed_id="a")), offset=1, at=NOW)

    told = repr(feed_reader(lambda _: feed)([message]).changes)

    assert "https://news.example/rss" in told
    assert "s3cret" not in told
