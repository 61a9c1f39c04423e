"""One automaton over whole tokens: every form of every term, found in one pass over the keys of a text.

Most words of a text begin no term, so most cost one dict lookup. Subtrees that are equal are one object: وزير, لوزير
and بوزير lead on to the same words.
"""

import contextlib
import gc
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import NamedTuple, TypeAlias

from marsad.arabic.forms import expand, proclitic_forms
from marsad.taxonomy.schema import Inflected

__all__ = ["Automaton", "Entry", "Form", "Hit", "forms_of"]

Form: TypeAlias = tuple[str, ...]


Hit: TypeAlias = tuple[int, int, int]
"""A term found: the tokens ``first`` up to, not including, ``end``, and the term's number. A plain tuple: a tenth of the
time of matching went into making named ones."""


class _Node:
    """A state: the terms that end here and the words that lead on."""

    __slots__ = ("next", "terms")

    def __init__(self) -> None:
        self.terms: tuple[int, ...] = ()
        self.next: dict[str, _Node] | None = None


_Start: TypeAlias = tuple[tuple[int, ...], dict[str, _Node] | None]
"""What a first word leads to: the terms that end with it, and the words that lead on."""


class Entry(NamedTuple):
    """A term to be found."""

    forms: Iterable[Form]
    """Its forms without proclitics."""
    term: int
    """The number under which a hit names it."""
    proclitics: bool = True
    """Whether و ف ب ل ك may stand before it."""


class Automaton:
    """The terms, compiled.

    Proclitics are put before the first words once, after all terms are in: ten thousand terms begin with a quarter as
    many different words.

    Args:
        groups: the terms. Those of different groups are found in the same pass and do not change each other's hits.
    """

    def __init__(self, *groups: Iterable[Entry]) -> None:
        with _collector_resting():
            built = map(_built, groups)
            self._root = next(built, {})
            for further in built:
                for word, starts in further.items():
                    self._root[word] = self._root.get(word, ()) + starts

    def scan(self, keys: Sequence[str]) -> list[Hit]:
        """Return every hit of every length, by first token.

        Args:
            keys: the key forms of the tokens.
        """
        found: list[Hit] = []
        add = found.append
        last = len(keys) - 1
        begun = list(map(self._root.get, keys))
        # Words that begin no term are passed over in C.
        for first, starts in compress(enumerate(begun), begun):
            for terms, following in starts:  # type: ignore[union-attr]  # compress took the None out
                for term in terms:
                    add((first, first + 1, term))
                if following is not None and first < last:
                    # Most first words of a term are not followed by its second: this spares the call.
                    child = following.get(keys[first + 1])
                    if child is not None:
                        _walk(child, keys, first, found)
        return found

    def __len__(self) -> int:
        """The number of spellings that a term can begin with."""
        return len(self._root)


def _built(entries: Iterable[Entry]) -> dict[str, tuple[_Start, ...]]:
    """Return for each spelling that a term can begin with the terms that end with it and what leads on."""
    bare: dict[str, _Node] = {}
    clitic: dict[str, _Node] = {}
    for entry in entries:
        for form in entry.forms:
            _add(clitic if entry.proclitics else bare, form, entry.term)
    known: dict[tuple[object, ...], _Node] = {}
    root: dict[str, tuple[_Node, ...]] = {}
    for word, node in bare.items():
        root[word] = (_shared(node, known),)
    for word, node in clitic.items():
        shared = _shared(node, known)
        for spelling in proclitic_forms(word):
            there = root.get(spelling, ())
            # للقاء is both ل + لقاء and ل + اللقاء: it leads on only once.
            if shared not in there:
                root[spelling] = (*there, shared)
    return {word: tuple((node.terms, node.next) for node in nodes) for word, nodes in root.items()}


@contextlib.contextmanager
def _collector_resting() -> Iterator[None]:
    """Make a million small objects, none of them garbage, without having them searched for it: 0.6 s instead of 1.35."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _walk(node: _Node, keys: Sequence[str], first: int, found: list[Hit]) -> None:
    """Add the hits of two words and more; ``node`` is that of the second word."""
    here: _Node | None = node
    end = first + 2
    while here is not None:
        for term in here.terms:
            found.append((first, end, term))  # noqa: PERF401  # one term is the rule: a generator would cost more
        here = here.next.get(keys[end]) if here.next is not None and end < len(keys) else None
        end += 1


def _add(root: dict[str, _Node], form: Form, term: int) -> None:
    words = iter(form)
    first = next(words)
    node = root.get(first)
    if node is None:
        node = root[first] = _Node()
    for word in words:
        if node.next is None:
            node.next = {}
        child = node.next.get(word)
        if child is None:
            child = node.next[word] = _Node()
        node = child
    if term not in node.terms:
        node.terms = (*node.terms, term)


def _shared(node: _Node, known: dict[tuple[object, ...], _Node]) -> _Node:
    """Return the one node that stands for all with the same terms and continuations."""
    if node.next is not None:
        node.next = {word: _shared(child, known) for word, child in node.next.items()}
    # Children are already shared, so their identity is their content.
    children = frozenset((word, id(child)) for word, child in node.next.items()) if node.next else None
    return known.setdefault((node.terms, children), node)


def forms_of(texts: Iterable[str], how: Inflected) -> frozenset[Form]:
    """Return all forms of some spellings of one term, without proclitics, each a tuple of words in key form.

    Args:
        texts: the spellings.
        how: the declared inflection; where it leaves ``construct`` open, both readings are taken.
    """
    readings = (True, False) if how.construct is None else (how.construct,)
    found: set[Form] = set()
    for text in texts:
        for construct in readings if " " in text.strip() else readings[:1]:
            found |= expand(text, construct=construct, definite=how.definite, proclitics=False, pronouns=how.pronouns)
    return frozenset(found)
