"""Names that are written apart or as one word: عبد الله عبدالله, أبو ظبي أبوظبي. Pure.

Outlets write them either way (of عبد الله in Saudi papers four fifths are one word), so a query for one spelling means both.
"""

from typing import Final

from marsad.arabic import key_form
from marsad.query.ast import Node, Or, Phrase, Word

__all__ = ["begins_name", "either_way"]

_SLAVE: Final = "عبد"
_FATHER: Final = "ابو"
_SHORTEST: Final = 6
"""Letters of a name in one word: shorter ones are other words (أبواب has five)."""


def begins_name(first: str, second: str) -> bool:
    """Tell whether two words in key form are one name that may also be written as one word."""
    long = len(first + second) >= _SHORTEST and second.isalpha()
    return long and ((first == _SLAVE and second.startswith("ال")) or first == _FATHER)


def either_way(node: Word | Phrase) -> Node:
    """Return a word or phrase that holds such a name in both spellings; any other as it is."""
    if isinstance(node, Phrase) and node.slop:
        return node
    keys = node.keys if isinstance(node, Phrase) else (key_form(node.raw),)
    apart = tuple(part for key in keys for part in _apart(key))
    joined = _joined(apart)
    if apart == joined:
        return node
    # Phrases, not words: of a phrase, the first word is found with proclitics and is not stemmed (لعبدالله).
    return Or(tuple(Phrase(" ".join(each), each, node.scope, 0, node.boost) for each in (joined, apart)))


def _apart(key: str) -> tuple[str, ...]:
    first, second = key[: len(_SLAVE)], key[len(_SLAVE) :]
    return (first, second) if second and begins_name(first, second) else (key,)


def _joined(keys: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for key in keys:
        if found and begins_name(found[-1], key):
            found[-1] += key
        else:
            found.append(key)
    return tuple(found)
