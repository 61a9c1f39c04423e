"""A feed polled again and again without network, clock or store: for tests and simulations of polling."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.records import Entry, Feed, FeedState, FetchResponse
from marsad.testing.factories import a_feed
from producers.parse import ParsedEntry, ParsedFeed
from producers.poll import PollResult, decide, needs_parse, request_for

__all__ = ["START", "History", "entries_of", "entry"]

START = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
_SETTINGS = PollSettings()
_FEED = a_feed()


def entry(number: int, **fields: object) -> ParsedEntry:
    """The entry with this number of a feed that publishes hourly; any field can be set."""
    default: dict[str, object] = {
        "guid": f"g{number}",
        "url": f"https://news.example/{number}",
        "title": f"خبر رقم {number}",
        "summary": f"ملخص {number}",
        "published_at": START - timedelta(hours=100 - number),
    }
    return ParsedEntry(**{**default, **fields})  # type: ignore[arg-type]


class History:
    """A feed polled again and again; each call of :meth:`poll` is one poll, some time after the one before.

    Args:
        feed: the feed.
        state: what is known of it before the first poll.
    """

    def __init__(self, feed: Feed = _FEED, state: FeedState | None = None) -> None:
        self.feed = feed
        self.state = state
        self.now = START
        self.entries: list[Entry] = []
        self.conditional = False

    def poll(
        self,
        entries: Sequence[ParsedEntry] | None = None,
        *,
        minutes: float = 10,
        status: int = 200,
        body: bytes | None = None,
        parsed: ParsedFeed | None = None,
        error: FetchError | None = None,
        permanent: str = "",
        elapsed: float = 0.1,
        **headers: str,
    ) -> PollResult:
        """Poll once, with default settings and the same chance each time.

        Args:
            entries: what the document holds, if the answer is one.
            minutes: since the poll before.
            status: of the answer.
            body: its bytes; by default made from the entries, so that the same entries are the same bytes.
            parsed: how the document reads; by default an RSS feed with the entries.
            error: comes instead of an answer.
            permanent: where a permanent redirect led.
            elapsed: seconds that the answer took.
            headers: of the answer, with ``_`` for ``-``.
        """
        self.now += timedelta(minutes=minutes)
        request = request_for(self.feed, self.state, self.now, _SETTINGS)
        self.conditional = bool(request.etag or request.last_modified)
        answer: FetchResponse | FetchError = error or FetchResponse(
            url=request.url,
            final_url=permanent or request.url,
            status=status,
            headers={key.replace("_", "-"): value for key, value in headers.items()},
            body=body if body is not None else repr(entries).encode(),
            permanent_url=permanent,
            elapsed=elapsed,
        )
        read = None
        if isinstance(answer, FetchResponse) and needs_parse(self.state, answer, now=self.now):
            read = parsed or ParsedFeed(kind="rss", link="https://news.example/", entries=tuple(entries or ()))
        result = decide(
            self.feed,
            self.state,
            request,
            answer,
            read,
            now=self.now,
            settings=_SETTINGS,
            rng=random.Random(1),  # noqa: S311  # jitter is no secret
        )
        self.state = result.state
        self.entries += result.entries
        return result


def entries_of(*numbers: int) -> list[ParsedEntry]:
    """A document's entries, newest first as feeds have them."""
    return [entry(number) for number in reversed(numbers)]
