"""From a document to what is new in it: entries, revisions, what to remember, and what was missed. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from marsad.records import Entry, Feed, FeedState, GapMark, Seen
from marsad.records.ids import article_id, entry_id
from marsad.records.urls import canonical_url
from producers.health import date_doubt
from producers.identity import Candidate, Known, candidates, guids_reused, only_renamed
from producers.parse import KeptEntry, ParsedEntry, ParsedFeed
from producers.rhythm import expected_entries

__all__ = ["Reconciled", "find_gap", "reconcile", "remember"]

_REMEMBER_FACTOR: Final = 2
_REMEMBER_LEAST: Final = 50
# Of a document of six entries and more, so few that are left of the last one may be pinned to it.
_PINNED_MOST: Final = 3
_BESIDE_PINNED: Final = 5


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What a document means for what was known."""

    entries: tuple[Entry, ...]
    """New entries and new revisions, oldest first."""
    new: int
    revised: int
    total: int
    known: int
    seen: dict[str, Seen]
    newest: datetime | None
    """The latest date in the document that is not in the future."""
    oldest: datetime | None
    """The earliest date of a new entry."""
    known_newest: datetime | None
    """The latest date of a known entry."""
    published: tuple[datetime | None, ...]
    """The date of each new entry."""
    lacks_text: bool
    """One of ``entries`` was read without its texts."""
    dropped: int
    """Entries that a poll before had found and not handed on, and that have left the document."""


def reconcile(feed: Feed, state: FeedState, parsed: ParsedFeed, now: datetime) -> Reconciled:
    """Compare a document with what is remembered of its feed."""
    found = candidates(parsed.entries, parsed.link)
    known = Known.of(state.seen)
    trust_guids = not guids_reused(feed.id, found, known)
    by_content = only_renamed(feed.id, found, known)
    entries: list[Entry] = []
    published: list[datetime | None] = []
    known_dates: list[datetime] = []
    current: dict[str, Seen] = {}
    revised, lacks_text = 0, False
    for candidate in found:
        key = known.find(feed.id, candidate, trust_guids=trust_guids, by_content=by_content)
        before = known.by_id.get(key)
        if before is None:
            key = _fresh_id(feed.id, candidate, trust_guids=trust_guids)
        if key in current:
            continue
        seen = _seen(feed.id, candidate, before, now)
        current[key] = seen
        if before is None or seen.revision > before.revision:
            revised += before is not None
            entries.append(_entry(feed, candidate, key, seen, now))
            lacks_text = lacks_text or isinstance(candidate.parsed, KeptEntry)
        if before is None:
            published.append(candidate.parsed.published_at)
        elif candidate.parsed.published_at:
            known_dates.append(candidate.parsed.published_at)
    dates = [c.parsed.published_at for c in found if c.parsed.published_at and c.parsed.published_at <= now]
    new = len(published)
    doubt = date_doubt(parsed.entries, state, now, known=len(current) - new)
    return Reconciled(
        entries=tuple(msgspec.structs.replace(entry, date_doubt=doubt) for entry in reversed(entries)),
        new=new,
        revised=revised,
        total=len(current),
        known=len(current) - new,
        seen=remember(state.seen, current),
        newest=max(dates, default=None),
        oldest=min((at for at in published if at), default=None),
        known_newest=max(known_dates, default=None),
        published=tuple(published),
        lacks_text=lacks_text,
        dropped=sum(key not in current for key in state.unfinished),
    )


def remember(before: Mapping[str, Seen], current: Mapping[str, Seen]) -> dict[str, Seen]:
    """All that is in the document now, and of what has left it the latest, up to twice as many (at least 50).

    What is still in the feed can thus not be forgotten, and what leaves for a poll or two is known when it returns.
    """
    others = sorted(((key, seen) for key, seen in before.items() if key not in current), key=lambda item: -item[1].at)
    room = max(_REMEMBER_LEAST, _REMEMBER_FACTOR * len(current))
    return {**current, **dict(others[:room])}


def find_gap(state: FeedState, result: Reconciled, now: datetime) -> GapMark | None:
    """The proof that entries came and went between two polls: nothing known is left in the document, or only what is pinned to it.

    Where dates are there, its oldest new entry must also be newer than the newest one known; a feed that was emptied and
    filled with older entries has missed nothing. Entries that a poll cut short had found and that are gone are proof by
    themselves.
    """
    dropped = result.dropped if result.total else 0
    rolled = _rolled_over(state, result)
    if not (dropped or rolled):
        return None
    return GapMark(
        at=now,
        oldest_seen=result.oldest,
        newest_known=state.newest_published,
        missed_at_least=max(1, dropped, round(_missed(state, result, now)) if rolled else 0),
    )


def _rolled_over(state: FeedState, result: Reconciled) -> bool:
    joins_on = (result.known and not _only_pinned(state, result)) or result.dropped < len(state.unfinished)
    if not state.seen or not result.total or joins_on:
        return False
    return not (state.newest_published and result.oldest and result.oldest <= state.newest_published)


def _only_pinned(state: FeedState, result: Reconciled) -> bool:
    """Tell whether what is known in the document stays in it while others come and go.

    Entries leave a document from its old end: where one is left, the newest of all that were known should be, too.
    """
    newest = state.newest_published
    if newest is None or result.known_newest is None or result.known > _PINNED_MOST or result.new < _BESIDE_PINNED:
        return False
    return result.known_newest < newest and all(at is not None and at > newest for at in result.published)


def _missed(state: FeedState, result: Reconciled, now: datetime) -> float:
    """How many entries fell into the hole: its length at the density of the entries after it, else at the feed's rate."""
    hole = (result.oldest - state.newest_published) if result.oldest and state.newest_published else None
    span = (result.newest - result.oldest) if result.newest and result.oldest else None
    if hole and span:
        return (result.new - 1) * (hole / span) - 1
    return expected_entries(state, state.last_ok_at, now) - result.new


def _fresh_id(feed: str, candidate: Candidate, *, trust_guids: bool) -> str:
    guid = candidate.guid if trust_guids else ""
    return entry_id(feed, guid or candidate.link or f"content:{candidate.content}")


def _seen(feed: str, candidate: Candidate, before: Seen | None, now: datetime) -> Seen:
    at = int(now.timestamp())
    if before is None:
        identity = candidate.guid or candidate.content
        return Seen(content=candidate.content, article=article_id(candidate.link, feed, identity), revision=1, at=at)
    changed = before.content != candidate.content
    return msgspec.structs.replace(before, content=candidate.content, revision=before.revision + changed, at=at)


def _entry(feed: Feed, candidate: Candidate, key: str, seen: Seen, now: datetime) -> Entry:
    parsed: ParsedEntry = candidate.parsed
    return Entry(
        entry_id=key,
        article_id=article_id(canonical_url(seen.canonical), "", "") if seen.canonical else seen.article,
        canonical=seen.canonical,
        feed_id=feed.id,
        url=parsed.url,
        guid=candidate.guid or parsed.guid,
        guids=candidate.guids,
        title=parsed.title,
        summary_html=parsed.summary,
        content_html=parsed.content,
        published_raw=parsed.published,
        updated_raw=parsed.updated,
        authors=parsed.authors,
        enclosures=parsed.enclosures,
        categories=parsed.categories,
        image=parsed.image,
        first_seen_at=now,
        fetched_at=now,
        revision=seen.revision,
        content_hash=seen.content,
    )
