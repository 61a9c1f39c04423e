"""What the last polls of a feed brought, a few dozen rows however often it is asked. Pure."""

from typing import Final

from msgspec.structs import replace

from marsad.records import FeedState, PollNote

__all__ = ["noted"]

# A row is some 100 bytes of a state that is written at every poll; of a feed with thirty entries the rest is 4 kB.
_MOST_ROWS: Final = 24


def noted(state: FeedState, note: PollNote) -> FeedState:
    """The state with one more poll in its history; quiet polls alike that follow one another are one row."""
    last = state.history[-1] if state.history else None
    if last is None or not (_quiet(last) and _quiet(note)) or (last.health, last.status) != (note.health, note.status):
        return replace(state, history=(*state.history, note)[-_MOST_ROWS:])
    merged = replace(note, since=last.since, times=last.times + 1)
    return replace(state, history=(*state.history[:-1], merged))


def _quiet(note: PollNote) -> bool:
    return not (note.new or note.revised or note.missed)
