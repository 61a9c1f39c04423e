"""Which alerts there are: sixteen bytes for each, so that the alerts of months cost little memory."""

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

__all__ = ["AlertIds"]

_SIZE: Final = 16
_LEAST_NEW: Final = 4_096


class AlertIds:
    """A set of ids that only grows.

    Args:
        ids: the first ones.

    (128 bits of a hash, as the ids themselves are: two of a thousand million are the same with chance below 10^-20. A million
    ids take 16 MB once sorted, 124 MB as a set of strings.)
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._settled = b"".join(sorted({_short(each) for each in ids}))
        self._new: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._settled) // _SIZE + len(self._new)

    def __contains__(self, alert_id: str) -> bool:
        short = _short(alert_id)
        return short in self._new or self._is_settled(short)

    def add(self, alert_id: str) -> None:
        """Remember one more."""
        short = _short(alert_id)
        if not self._is_settled(short):
            self._new.add(short)
        if len(self._new) > max(_LEAST_NEW, len(self._settled) // _SIZE // 8):
            self._settle()

    def _is_settled(self, short: bytes) -> bool:
        place = bisect_left(range(len(self._settled) // _SIZE), short, key=self._at)
        return self._at(place) == short

    def _at(self, number: int) -> bytes:
        return self._settled[number * _SIZE : (number + 1) * _SIZE]

    def _settle(self) -> None:
        known = (self._at(number) for number in range(len(self._settled) // _SIZE))
        self._settled = b"".join(sorted([*known, *self._new]))
        self._new = set()


def _short(alert_id: str) -> bytes:
    return blake2b(alert_id.encode("utf-8", "surrogatepass"), digest_size=_SIZE).digest()
