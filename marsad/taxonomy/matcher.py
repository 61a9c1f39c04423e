"""One automaton over whole tokens: every form of every term, found in one pass over the keys of a text.

Most words of a text begin no term, so most cost one dict lookup. Subtrees that are equal are one object: وزير, لوزير
and بوزير lead on to the same words.
"""

import contextlib
import gc
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from marsad.arabic.forms import expand, proclitic_forms
from marsad.taxonomy.analysed import AnalysedText
from marsad.taxonomy.columns import Column, Numbers
from marsad.taxonomy.schema import Inflected

__all__ = ["Automaton", "Entry", "Form", "Hit", "forms_of"]

Form: TypeAlias = tuple[str, ...]

_NO_CODE: Final = 0
_SIGNS: Final = 63
_ENDS: Final = np.uint64(1 << _SIGNS)

Hit: TypeAlias = tuple[int, int, int]
"""A term found: the tokens ``first`` up to, not including, ``end``, and the term's number. A plain tuple: a tenth of the
time of matching went into making named ones."""


class _Node:
    """A state: the terms that end here and the words that lead on."""

    __slots__ = ("next", "terms")

    def __init__(self) -> None:
        self.terms: tuple[int, ...] = ()
        self.next: dict[str, _Node] | None = None


_Nodes: TypeAlias = tuple[_Node, ...]
_Begun: TypeAlias = tuple[int, int, bool]
"""Where a term may begin, the code of the word, and whether the next word may go on."""
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
            root = next(built, {})
            for further in built:
                for word, nodes in further.items():
                    root[word] = root.get(word, ()) + nodes
            self._beginnings = len(root)
            code_of, meant = _coded(root)
        self._code_of = code_of
        self._starts: list[tuple[_Start, ...]] = [
            tuple((node.terms, node.next) for node in nodes) for nodes, _ in meant
        ]
        self._alone = [tuple(chain.from_iterable(node.terms for node in nodes)) for nodes, _ in meant]
        self._ahead = np.array([_ahead(nodes) for nodes, _ in meant], dtype=np.uint64)
        self._own = np.array([int(_ENDS) | own for _, own in meant], dtype=np.uint64)
        # Without a word of itself, so that what is replaced by other topics is gone at once.
        self._codes = Column(lambda words: map(code_of.get, words, repeat(_NO_CODE)))

    def scan(self, keys: Sequence[str]) -> list[Hit]:
        """Return every hit of every length, by first token.

        Args:
            keys: the key forms of the tokens.
        """
        codes = [self._code_of.get(key, _NO_CODE) for key in keys]
        return self._hits(keys, [(first, code, True) for first, code in enumerate(codes) if code])

    def scan_zones(self, analysed: AnalysedText) -> list[list[Hit]]:
        """Return for each zone of an article every hit of every length, by first token."""
        codes = self._codes.of(*analysed.numbered)
        places, begun = self._begun(codes)
        found: list[list[Hit]] = []
        reached = 0
        for zone, begin in zip(analysed.zones, analysed.begins, strict=True):
            keys = zone.keys
            upto = bisect_left(places, begin + len(keys), reached)
            found.append(self._hits(keys, begun[reached:upto], begin))
            reached = upto
        return found

    def _begun(self, codes: Numbers) -> tuple[list[int], list[_Begun]]:
        """Return where terms begin, and what is known there.

        Of a hundred words of news forty begin a term of topics, but only after two or three of these comes its second word.
        To see that from the terms themselves took a fifth of tagging and locating.
        """
        ahead = self._ahead.take(codes[:-1]) & self._own.take(codes[1:])
        at = ahead.nonzero()[0]
        places = at.tolist()
        goes_on = ahead.take(at) != _ENDS
        return places, list(zip(places, codes.take(at).tolist(), goes_on.tolist(), strict=True))

    def _hits(self, keys: Sequence[str], begun: Iterable[_Begun], begin: int = 0) -> list[Hit]:
        found: list[Hit] = []
        add = found.append
        last = len(keys) - 1
        for place, code, goes_on in begun:
            first = place - begin
            if not goes_on:
                for term in self._alone[code]:
                    add((first, first + 1, term))
                continue
            for terms, following in self._starts[code]:
                for term in terms:
                    add((first, first + 1, term))
                if following is not None and first < last:
                    child = following.get(keys[first + 1])
                    if child is not None:
                        _walk(child, keys, first, found)
        return found

    def __len__(self) -> int:
        """The number of spellings that a term can begin with."""
        return self._beginnings


def _built(entries: Iterable[Entry]) -> dict[str, _Nodes]:
    """Return for each spelling that a term can begin with the nodes that it leads to."""
    bare: dict[str, _Node] = {}
    clitic: dict[str, _Node] = {}
    for entry in entries:
        for form in entry.forms:
            _add(clitic if entry.proclitics else bare, form, entry.term)
    known: dict[tuple[object, ...], _Node] = {}
    root: dict[str, _Nodes] = {}
    for word, node in bare.items():
        root[word] = (_shared(node, known),)
    for word, node in clitic.items():
        shared = _shared(node, known)
        for spelling in proclitic_forms(word):
            there = root.get(spelling, ())
            # للقاء is both ل + لقاء and ل + اللقاء: it leads on only once.
            if shared not in there:
                root[spelling] = (*there, shared)
    return root


class _Numbering(dict[_Nodes, int]):
    """Gives numbers to what comes, in order."""

    def __missing__(self, nodes: _Nodes) -> int:
        number = self[nodes] = len(self)
        return number


def _coded(root: dict[str, _Nodes]) -> tuple[dict[str, int], list[tuple[_Nodes, int]]]:
    """Number what words can do: each word's number, and by number where it leads to and its sign as a second word."""
    beginning = _Numbering({(): _NO_CODE})
    code_of = dict(zip(root, map(beginning.__getitem__, root.values()), strict=True))
    meant = [(nodes, 0) for nodes in beginning]
    second = {word for nodes in beginning for node in nodes if node.next for word in node.next}
    seconds: dict[tuple[int, int], int] = {}
    for word in second:
        here = (code_of.get(word, _NO_CODE), _sign(word))
        code_of[word] = seconds.setdefault(here, len(meant) + len(seconds))
    return code_of, meant + [(meant[code][0], sign) for code, sign in seconds]


def _sign(word: str) -> int:
    """Return one of 63 bits: that of one word in 63."""
    return 1 << hash(word) % _SIGNS


def _ahead(nodes: _Nodes) -> int:
    """Return the signs of the words that may follow, and whether a term ends already."""
    signs = 0
    for node in nodes:
        if node.terms:
            signs |= int(_ENDS)
        for word in node.next or ():
            signs |= _sign(word)
    return signs


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
