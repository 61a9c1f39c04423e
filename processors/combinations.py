"""Combinations of words that speak for a topic when they stand together in one zone of an article."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from marsad.taxonomy import CompiledTopics, Hit

__all__ = ["Combinations", "Whole", "Word"]


class Word(NamedTuple):
    """One word of a combination in its zone."""

    first: int
    end: int
    text: str


class Whole(NamedTuple):
    """A combination that stands whole, by the words that begin it, and all words that take part."""

    rule: int
    zone: int
    starts: tuple[Word, ...]
    words: tuple[Word, ...]


class Combinations:
    """Finds the combinations of some topics among the words that take part in any.

    Args:
        compiled: the topics.
    """

    def __init__(self, compiled: CompiledTopics) -> None:
        self._compiled = compiled
        self._rules_of = _by_rarest(compiled)
        self._rarest = frozenset(self._rules_of)

    def whole(self, zone: int, hits: Mapping[int, list[Hit]]) -> Iterator[Whole]:
        """Yield every combination that stands whole in a zone, given its words that are of combinations by their group."""
        words, beyond = self._compiled.words, len(self._compiled.terms)
        combinations = self._compiled.combinations
        present = set(hits)
        possible = [
            rule
            for rarest in present & self._rarest
            for rule, groups in self._rules_of[rarest]
            if groups.issubset(present)
        ]
        found: dict[int, list[Word]] = {}
        for rule in sorted(possible):
            for group in combinations[rule].groups:
                if group not in found:
                    found[group] = [Word(first, end, words[at - beyond].text) for first, end, at in hits[group]]
            whole = self._whole(rule, zone, found)
            if whole is not None:
                yield whole

    def _whole(self, rule: int, zone: int, groups: dict[int, list[Word]]) -> Whole | None:
        _, near, wanted = self._compiled.combinations[rule]
        others = [groups[group] for group in wanted[1:]]
        starts = [word for word in groups[wanted[0]] if _stands(word, others, near.within, ordered=near.ordered)]
        if not starts:
            return None
        taking_part = {word for group in wanted for word in groups[group] if _near(word, starts, near.within)}
        return Whole(rule, zone, tuple(starts), tuple(sorted(taking_part)))


def _by_rarest(compiled: CompiledTopics) -> dict[int, list[tuple[int, frozenset[int]]]]:
    """Return combinations and their groups by that one which has the fewest words: without it the others need no look."""
    sizes = Counter(word.group for word in compiled.words)
    found: dict[int, list[tuple[int, frozenset[int]]]] = defaultdict(list)
    for rule, combination in enumerate(compiled.combinations):
        rarest = min(combination.groups, key=sizes.__getitem__)
        found[rarest].append((rule, frozenset(combination.groups)))
    return found


def _near(word: Word, starts: list[Word], within: int) -> bool:
    """Whether a word and one of those that begin the combination together reach over so few tokens."""
    return any(max(word.end, start.end) - min(word.first, start.first) <= within for start in starts)


def _stands(start: Word, others: list[list[Word]], within: int, *, ordered: bool) -> bool:
    """Whether each further group has a word near enough to ``start``, after the former one where order counts."""
    begin, stop, _ = start
    # Two words that do not overlap reach from the beginning of the one to the end of the other.
    earliest, latest = stop - within, begin + within
    after = stop
    for group in others:
        if ordered:
            ends = [end for first, end, _ in group if first >= after and end <= latest]
        else:
            ends = [
                end
                for first, end, _ in group
                if (first >= stop and end <= latest) or (end <= begin and first >= earliest)
            ]
        if not ends:
            return False
        after = min(ends)
    return True
