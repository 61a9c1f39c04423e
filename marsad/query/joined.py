"""Names that are written apart or as one word: عبد الله عبدالله, أبو ظبي أبوظبي. Pure.

Outlets write them either way (of عبد الله in Saudi papers four fifths are one word), so a query for one spelling means both.
"""

from typing import Final

from marsad.arabic import key_form
from marsad.query.ast import Node, Or, Phrase, Word

__all__ = ["begins_name", "either_way"]

_SLAVE: Final = "عبد"
_FATHERS: Final = ("ابو", "ابي", "ابا")
_SHORTEST: Final = 6
"""Letters of a name in one word: shorter ones are other words (أبواب has five)."""


def begins_name(first: str, second: str) -> bool:
    """Tell whether two words in key form are one name that may also be written as one word."""
    return (first == _SLAVE and second.startswith("ال")) or (first in _FATHERS and len(first + second) >= _SHORTEST)


def either_way(node: Word | Phrase) -> Node:
    """Return a word or phrase that is such a name in both spellings; any other as it is."""
    if isinstance(node, Phrase) and node.slop:
        return node
    keys = node.keys if isinstance(node, Phrase) else (key_form(node.raw),)
    key = "".join(keys)
    first, second = keys if len(keys) == 2 else (key[: len(_SLAVE)], key[len(_SLAVE) :])  # noqa: PLR2004 - a pair
    if len(keys) > 2 or len(key) < _SHORTEST or not key.isalpha() or not begins_name(first, second):  # noqa: PLR2004
        return node
    # Phrases, not words: of a phrase, the first word is found with proclitics and is not stemmed (لعبدالله).
    spellings = ((key,), (first, second))
    return Or(tuple(Phrase(" ".join(each), each, node.scope, 0, node.boost) for each in spellings))
