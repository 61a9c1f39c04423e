"""One automaton over whole tokens: every form of every term, found in one pass over the keys of a text.

Most words of a text begin no term, so most cost one dict lookup. Subtrees that are equal are one object: وزير, لوزير
and بوزير lead on to the same words.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from marsad.arabic.forms import expand
from marsad.taxonomy.schema import Inflected

__all__ = ["Automaton", "Form", "Hit", "forms_of"]

Form: TypeAlias = tuple[str, ...]


class Hit(NamedTuple):
    """A term found: the tokens ``first`` up to, not including, ``end``."""

    first: int
    end: int
    term: int


class _Node:
    """A state: the terms that end here and the words that lead on."""

    __slots__ = ("next", "terms")

    def __init__(self) -> None:
        self.terms: tuple[int, ...] = ()
        self.next: dict[str, _Node] | None = None


class Automaton:
    """The terms, compiled.

    Args:
        entries: for each term its forms and the number under which a hit names it.
    """

    def __init__(self, entries: Iterable[tuple[Iterable[Form], int]]) -> None:
        self._root: dict[str, _Node] = {}
        for forms, term in entries:
            for form in forms:
                self._add(form, term)
        self._share()

    def scan(self, keys: Sequence[str], start: int = 0) -> list[Hit]:
        """Return every hit of every length, by first token.

        Args:
            keys: the key forms of the tokens.
            start: the first token to look at; hits count from the beginning all the same.
        """
        found: list[Hit] = []
        count = len(keys)
        at = start
        for node in map(self._root.get, keys[start:] if start else keys):
            if node is not None:
                here: _Node | None = node
                end = at
                while here is not None:
                    end += 1
                    for term in here.terms:
                        found.append(Hit(at, end, term))  # noqa: PERF401  # the loop is the hot path; most run once
                    here = here.next.get(keys[end]) if here.next is not None and end < count else None
            at += 1
        return found

    def _add(self, form: Form, term: int) -> None:
        words = iter(form)
        node = self._root.setdefault(next(words), _Node())
        for word in words:
            if node.next is None:
                node.next = {}
            node = node.next.setdefault(word, _Node())
        if term not in node.terms:
            node.terms = (*node.terms, term)

    def _share(self) -> None:
        known: dict[tuple[object, ...], _Node] = {}
        self._root = {word: _shared(node, known) for word, node in self._root.items()}


def _shared(node: _Node, known: dict[tuple[object, ...], _Node]) -> _Node:
    """Return the one node that stands for all with the same terms and continuations."""
    if node.next is not None:
        node.next = {word: _shared(child, known) for word, child in node.next.items()}
    # Children are already shared, so their identity is their content.
    children = frozenset((word, id(child)) for word, child in node.next.items()) if node.next else None
    return known.setdefault((node.terms, children), node)


def forms_of(texts: Iterable[str], how: Inflected) -> frozenset[Form]:
    """Return all forms of some spellings of one term, each a tuple of words in key form.

    Args:
        texts: the spellings.
        how: the declared inflection; where it leaves ``construct`` open, both readings are taken.
    """
    readings = (True, False) if how.construct is None else (how.construct,)
    found: set[Form] = set()
    for text in texts:
        for construct in readings if " " in text.strip() else readings[:1]:
            found |= expand(
                text, construct=construct, definite=how.definite, proclitics=how.proclitics, pronouns=how.pronouns
            )
    return frozenset(found)
