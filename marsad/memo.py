"""A memo of functions of strings that is bounded in bytes too: what comes from the network may be of any length."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, ParamSpec, TypeVar

__all__ = ["LONGEST", "remembered"]

P = ParamSpec("P")
T = TypeVar("T")

LONGEST: Final = 512
"""Characters. Addresses and identities of real feeds are a third as long at most; a hostile one may be megabytes, and four
thousand of those would be kept."""


def remembered(most: int, *, longest: int = LONGEST) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember the last answers of a pure function of strings, given by place, as ``lru_cache`` does; not of long ones.

    Args:
        most: answers kept.
        longest: characters of its strings together, beyond which an answer is not kept.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        kept: Callable[..., T] = lru_cache(most)(function)

        @wraps(function)
        def asked(*texts: P.args, **named: P.kwargs) -> T:
            short = sum(map(len, texts)) <= longest  # type: ignore[arg-type]  # they are strings
            return kept(*texts) if short and not named else function(*texts, **named)

        return asked

    return decorate
