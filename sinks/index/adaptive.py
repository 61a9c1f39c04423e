"""What an answer of Elasticsearch means and how fast to go on: pure decisions of the bulk writer."""

from enum import StrEnum
from typing import Final

import msgspec

__all__ = ["MOST_FLIGHTS", "TOO_MANY", "Failure", "Pace", "Verdict", "judge_document", "judge_request", "pause"]

_FIRST_PAUSE_S: Final = 0.25
# A dead cluster is found again this soon after it is back; asking it so seldom costs nothing.
_LONGEST_PAUSE_S: Final = 5.0
_MOST_DOUBLINGS: Final = 10

_STREAK: Final = 8
# An eighth: from a half it takes six requests to come to where the last refusal was, and one to pass it.
_MORE: Final = 8
_LEAST_BYTES: Final = 65_536
_MOST_DOCUMENTS: Final = 1_000
MOST_FLIGHTS: Final = 4

_OK: Final = range(200, 300)
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_TOO_LARGE: Final = 413
TOO_MANY: Final = 429

# Answered with 400, but for the state of the cluster and not for the document: it can be written once that is mended.
_NOT_ITS_FAULT: Final = frozenset(
    {
        "cluster_block_exception",
        "index_closed_exception",
        "index_not_found_exception",
        "invalid_alias_name_exception",
        "invalid_index_name_exception",
        "invalid_index_template_exception",
        # Too many shards in the cluster for one more index.
        "validation_exception",
    }
)
# What a whole request is refused with for one document in it. Anything else with 400 is between the client and the cluster
# (such as a version that they do not share: media_type_header_exception).
_ONE_OF_THEM: Final = frozenset(
    {
        "action_request_validation_exception",
        "illegal_argument_exception",
        "json_parse_exception",
        "parse_exception",
        "parsing_exception",
        "x_content_parse_exception",
    }
)


class Verdict(StrEnum):
    """What became of one document."""

    WRITTEN = "written"
    STALE = "stale"
    """An edition as new or newer is there already: nothing is to be done."""
    AGAIN = "again"
    """Not now; the cluster cannot take it at the moment."""
    REFUSED = "refused"
    """Never as it is: the mapping does not take it."""


class Failure(StrEnum):
    """Why a whole request brought nothing."""

    OUTAGE = "outage"
    """Nobody there, a fault inside, or no permission: wait."""
    SLOW = "slow"
    """No answer in time; it may be written all the same: wait, and ask for less."""
    PRESSURE = "pressure"
    """Too much at once: wait, and ask for less."""
    TOO_LARGE = "too-large"
    """The request has too many bytes: cut it."""
    MALFORMED = "malformed"
    """One of its documents spoils it: cut it until that one is alone."""


def judge_document(status: int, kind: str, *, deletion: bool = False) -> Verdict:
    """What became of a document of a request that was answered.

    Args:
        status: its own HTTP status in the answer.
        kind: type of its error; empty if there is none.
        deletion: it was to be deleted.
    """
    if status in _OK or (deletion and status == _NOT_FOUND):
        return Verdict.WRITTEN
    if status == _CONFLICT:
        return Verdict.STALE
    if status in {_BAD_REQUEST, _TOO_LARGE} and kind not in _NOT_ITS_FAULT:
        return Verdict.REFUSED
    return Verdict.AGAIN


def judge_request(status: int, kind: str, *, timed_out: bool = False) -> Failure:
    """Why a whole request failed.

    Args:
        status: of the answer; 0 where there was none.
        kind: type of the error in the answer; empty if there is none.
        timed_out: the answer did not come in time.
    """
    if timed_out:
        return Failure.SLOW
    if status == TOO_MANY:
        return Failure.PRESSURE
    if status == _TOO_LARGE:
        return Failure.TOO_LARGE
    if status == _BAD_REQUEST and kind in _ONE_OF_THEM:
        return Failure.MALFORMED
    return Failure.OUTAGE


def pause(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: twice as long each time, up to 5, at random between half and all of it.

    Args:
        failures: at least one.
        chance: from 0 up to 1, so that several writers do not come back at one instant.
    """
    longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return longest * (0.5 + chance / 2)


class Pace(msgspec.Struct, frozen=True):
    """How much is asked of the cluster at once: a little more after each full request that went well, half after a refusal.

    Attributes:
        documents: most documents in one request.
        bytes: most bytes in one request; a document that is larger goes alone.
        flights: most requests under way.
        ceiling: bytes that a request must stay below, learnt from a refusal.
        streak: full requests that went well since the last change of ``flights``.
    """

    documents: int = 250
    bytes: int = 2_097_152
    flights: int = 2
    ceiling: int = 8_388_608
    streak: int = 0

    def grown(self, documents: int, size: int) -> "Pace":
        """After a request of so many documents and bytes went well; one that was not full says nothing."""
        if documents < self.documents and size < self.bytes // 2:
            return self
        streak = self.streak + 1
        more = streak >= _STREAK and self.flights < MOST_FLIGHTS
        return Pace(
            documents=min(_MOST_DOCUMENTS, self.documents + max(1, self.documents // _MORE)),
            bytes=min(self.ceiling, self.bytes + self.bytes // _MORE),
            flights=self.flights + more,
            ceiling=self.ceiling,
            streak=0 if more else min(streak, _STREAK),
        )

    def halved(self) -> "Pace":
        """After the cluster said that it was too much, or was too slow."""
        return Pace(
            documents=max(1, self.documents // 2),
            bytes=max(_LEAST_BYTES, self.bytes // 2),
            flights=max(1, self.flights // 2),
            ceiling=self.ceiling,
        )

    def below(self, size: int) -> "Pace":
        """After a request of so many bytes was too large: never so large again."""
        ceiling = max(_LEAST_BYTES, min(self.ceiling, size // 2))
        return msgspec.structs.replace(self, bytes=min(self.bytes, ceiling), ceiling=ceiling)
