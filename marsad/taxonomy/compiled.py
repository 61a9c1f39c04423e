"""Topics compiled for matching: one number for every term of every topic, and one automaton for all of them."""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from marsad.taxonomy.matcher import Automaton, Entry, Form, forms_of
from marsad.taxonomy.schema import Inflected, Near, Taxonomy, Topic

__all__ = ["CompiledTerm", "CompiledTopics", "Role"]


class Role(Enum):
    """What a term does for its topic."""

    TERM = "term"
    REQUIRE = "require"
    VETO = "veto"
    NEAR = "near"


class CompiledTerm(NamedTuple):
    """One term of one topic."""

    topic: int
    role: Role
    text: str
    weight: float
    rule: int = 0
    """Which ``[[require]]`` or ``[[near]]`` of the topic it belongs to."""
    place: int = 0
    """Which group of words of the ``[[near]]``."""


class CompiledTopics:
    """All topics' terms in one automaton.

    Args:
        taxonomy: the topics.

    Attributes:
        terms: every term; a hit of ``automaton`` names its place here.
        automaton: finds them.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.topics: tuple[Topic, ...] = taxonomy.topics
        self.terms: list[CompiledTerm] = []
        self._known: dict[tuple[tuple[str, ...], Inflected], frozenset[Form]] = {}
        self.automaton = Automaton(self._entries())

    def forms(self, spellings: tuple[str, ...], how: Inflected) -> frozenset[Form]:
        """Return the forms of a term without proclitics, each a tuple of words in key form."""
        # Only the inflection counts, so that terms of different tables share their forms.
        plain = Inflected(
            construct=how.construct, definite=how.definite, proclitics=how.proclitics, pronouns=how.pronouns
        )
        key = (spellings, plain)
        if key not in self._known:
            self._known[key] = forms_of(spellings, plain)
        return self._known[key]

    def _entries(self) -> Iterator[Entry]:
        for number, topic in enumerate(self.topics):
            for spellings, how, term in _terms(number, topic):
                self.terms.append(term)
                yield Entry(self.forms(spellings, how), len(self.terms) - 1, how.proclitics)


def _terms(number: int, topic: Topic) -> Iterator[tuple[tuple[str, ...], Inflected, CompiledTerm]]:
    for term in topic.term:
        if term.text:
            compiled = CompiledTerm(number, Role.TERM, term.text, term.weight)
            yield (term.text, *term.spellings), term, compiled
        for text in term.any:
            yield (text,), term, CompiledTerm(number, Role.TERM, text, term.weight)
    for rule, group in enumerate(topic.require):
        for text in group.any:
            yield (text,), group, CompiledTerm(number, Role.REQUIRE, text, 0, rule)
    for veto in topic.veto:
        for text in veto.any:
            yield (text,), veto, CompiledTerm(number, Role.VETO, text, veto.weight)
    for rule, near in enumerate(topic.near):
        yield from _near_terms(number, rule, near)


def _near_terms(number: int, rule: int, near: Near) -> Iterator[tuple[tuple[str, ...], Inflected, CompiledTerm]]:
    for place, group in enumerate(near.words):
        for text in group:
            yield (text,), near, CompiledTerm(number, Role.NEAR, text, near.weight, rule, place)
