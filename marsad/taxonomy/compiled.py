"""Topics compiled for matching: one number for every term of every topic, and one automaton for all of them."""

from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from marsad.taxonomy.analysed import AnalysedText
from marsad.taxonomy.matcher import Automaton, Entry, Form, Hit, forms_of
from marsad.taxonomy.names import Kind, shipped_names
from marsad.taxonomy.schema import Inflected, Near, Taxonomy, Topic

__all__ = ["Combination", "CompiledTerm", "CompiledTopics", "GroupWord", "Role", "States"]


_OF_A_STATE = frozenset({Kind.NAME, Kind.PEOPLE, Kind.PLACE})


class Role(Enum):
    """What a term does for its topic."""

    TERM = "term"
    REQUIRE = "require"
    VETO = "veto"


class CompiledTerm(NamedTuple):
    """One term of one topic."""

    topic: int
    role: Role
    text: str
    weight: float
    rule: int = 0
    """Which ``[[require]]`` of the topic it belongs to."""


class Combination(NamedTuple):
    """One ``[[near]]`` of one topic."""

    topic: int
    near: Near
    groups: tuple[int, ...]
    """The numbers of its groups of words, in order."""


class GroupWord(NamedTuple):
    """One word of a group that combinations share."""

    group: int
    text: str


class States:
    """Counts the states that an article surely names: for rules about what states do with each other."""

    def __init__(self) -> None:
        self._names = shipped_names()

    def count(self, analysed: AnalysedText) -> int:
        """Return how many different states are named, ambiguous names apart."""
        names = self._names.names
        found: set[str] = set()
        for hits in self._names.automaton.scan_zones(analysed):
            reached = 0
            for first, end, at in sorted(hits, key=lambda hit: (hit[0], -hit[1])):
                if first < reached:
                    continue
                reached = end
                if names[at].kind in _OF_A_STATE and not names[at].unsure:
                    found.add(names[at].country)
        return len(found)


class CompiledTopics:
    """All topics' terms and the words of their combinations in one automaton: each word of a text is looked up once.

    Args:
        taxonomy: the topics.

    Attributes:
        terms: every term; a hit names its place here.
        combinations: every ``[[near]]``.
        words: the words of their groups; a hit beyond the terms names its place here.
        automaton: finds terms and words.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.topics: tuple[Topic, ...] = taxonomy.topics
        self.terms: list[CompiledTerm] = []
        self._known: dict[tuple[tuple[str, ...], Inflected], frozenset[Form]] = {}
        self.combinations: list[Combination] = []
        self.words: list[GroupWord] = []
        self.automaton = Automaton(self._entries(), self._near_entries())
        # All forms are in the automaton now; 8 MB.
        self._known.clear()

    def term_hits(self, keys: Sequence[str]) -> list[Hit]:
        """Return the hits of terms in a text, without those of words of combinations."""
        return [hit for hit in self.automaton.scan(keys) if hit[2] < len(self.terms)]

    @cached_property
    def states(self) -> States:
        """The names of states; read when a rule first asks for them."""
        return States()

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

    def _near_entries(self) -> Iterator[Entry]:
        """Yield the words of all groups, each group once however many combinations use it."""
        known: dict[tuple[tuple[str, ...], tuple[object, ...]], int] = {}
        for number, topic in enumerate(self.topics):
            for near in topic.near:
                groups: list[int] = []
                for texts in near.words:
                    key = (texts, (near.construct, near.definite, near.proclitics, near.pronouns))
                    if key not in known:
                        known[key] = len(known)
                        for text in texts:
                            self.words.append(GroupWord(known[key], text))
                            at = len(self.terms) + len(self.words) - 1
                            yield Entry(self.forms((text,), near), at, near.proclitics)
                    groups.append(known[key])
                self.combinations.append(Combination(number, near, tuple(groups)))


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
