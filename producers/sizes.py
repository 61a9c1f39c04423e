"""Records as messages that the broker takes: each stream has a largest message. Pure."""

from typing import Final

from msgspec.structs import replace

from marsad.records import Entry, FeedState, Quarantined
from marsad.records.codec import encode
from marsad.records.ids import quarantine_id
from marsad.streams import Message, stream

__all__ = ["entry_message", "fitted_quarantined", "fitted_state"]

# Key, headers and the frame of a batch: about 150 bytes.
_FRAME: Final = 1_024
_PAGE_TOO_LARGE: Final = "the page is too large for one message"
_ENTRY_TOO_LARGE: Final = "the entry is too large for one message even without its page"


def entry_message(entry: Entry) -> Message:
    """The entry on its way to the agents: whole, else without its page, else as a message to quarantine that says why."""
    limit = _limit("entries.v1")
    value = encode(entry)
    if len(value) > limit and entry.page_html:
        entry = replace(entry, page_html="", page_problem=f"{_PAGE_TOO_LARGE} ({len(value)} bytes)")
        value = encode(entry)
    if len(value) <= limit:
        return Message(stream="entries.v1", key=entry.article_id, value=value)
    return fitted_quarantined(
        Quarantined(
            id=quarantine_id("poll", entry.entry_id, _ENTRY_TOO_LARGE),
            stage="poll",
            key=entry.entry_id,
            reason=_ENTRY_TOO_LARGE,
            payload=value,
            at=entry.fetched_at,
            detail=f"{len(value)} bytes, at most {limit} go into one message",
        )
    )


def fitted_quarantined(item: Quarantined) -> Message:
    """The item as a message; of a payload that is too large its beginning."""
    value = encode(item)
    over = len(value) - _limit("quarantine.v1")
    if over > 0:
        # In JSON bytes are base64: four characters for three bytes; the sentence takes the rest.
        kept = item.payload[: max(0, len(item.payload) - over * 3 // 4 - _FRAME)]
        detail = f"{item.detail}; " if item.detail else ""
        cut = f"{detail}only the first {len(kept)} of {len(item.payload)} bytes are kept"
        value = encode(replace(item, payload=kept, detail=cut))
    return Message(stream="quarantine.v1", key=item.id, value=value)


def fitted_state(state: FeedState) -> bytes:
    """The state's wire form; where it is too large, without the entries that were seen longest ago."""
    value = encode(state)
    while len(value) > _limit("feed-states.v1") and state.seen:
        latest = sorted(state.seen.items(), key=lambda item: -item[1].at)
        state = replace(state, seen=dict(latest[: len(latest) // 2]))
        value = encode(state)
    return value


def _limit(name: str) -> int:
    return stream(name).max_bytes - _FRAME
