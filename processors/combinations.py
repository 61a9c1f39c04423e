"""Combinations of words that speak for a topic when they stand together in one zone of an article."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from marsad.taxonomy import CompiledTopics, Hit

__all__ = ["Combinations", "Whole", "Word"]

_NO_GROUP: Final = -1


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
        self._group_of = [_NO_GROUP] * len(compiled.terms) + [word.group for word in compiled.words]
        self._rules_of = _by_rarest(compiled)

    def whole(self, zone: int, hits: list[Hit]) -> Iterator[Whole]:
        """Yield every combination that stands whole in a zone, given its words that are of combinations."""
        words, beyond = self._compiled.words, len(self._compiled.terms)
        combinations, group_of = self._compiled.combinations, self._group_of
        present = {group_of[at] for _, _, at in hits}
        possible = [
            rule
            for rarest in present & self._rules_of.keys()
            for rule in self._rules_of[rarest]
            if present.issuperset(combinations[rule].groups)
        ]
        groups: dict[int, list[Word]] = {group: [] for rule in possible for group in combinations[rule].groups}
        for first, end, at in hits if possible else ():
            if group_of[at] in groups:
                groups[group_of[at]].append(Word(first, end, words[at - beyond].text))
        for rule in sorted(possible):
            whole = self._whole(rule, zone, groups)
            if whole is not None:
                yield whole

    def _whole(self, rule: int, zone: int, groups: dict[int, list[Word]]) -> Whole | None:
        _, near, wanted = self._compiled.combinations[rule]
        others = [groups[group] for group in wanted[1:]]
        starts = [word for word in groups[wanted[0]] if _stands(word, others, near.within, ordered=near.ordered)]
        if not starts:
            return None
        taking_part = {
            word
            for group in wanted
            for word in groups[group]
            if any(_span(start, word) <= near.within for start in starts)
        }
        return Whole(rule, zone, tuple(starts), tuple(sorted(taking_part)))


def _by_rarest(compiled: CompiledTopics) -> dict[int, list[int]]:
    """Return the combinations by that of their groups which has the fewest words: without it the others need no look."""
    sizes = Counter(word.group for word in compiled.words)
    found: dict[int, list[int]] = defaultdict(list)
    for rule, combination in enumerate(compiled.combinations):
        found[min(combination.groups, key=sizes.__getitem__)].append(rule)
    return found


def _span(one: Word, other: Word) -> int:
    """Return over how many tokens two words reach."""
    return max(one.end, other.end) - min(one.first, other.first)


def _stands(start: Word, others: list[list[Word]], within: int, *, ordered: bool) -> bool:
    """Whether each further group has a word near enough to ``start``, after the former one where order counts."""
    after = start.end
    for group in others:
        ends = [
            word.end
            for word in group
            if _span(start, word) <= within
            and (word.first >= after if ordered else word.first >= start.end or word.end <= start.first)
        ]
        if not ends:
            return False
        after = min(ends)
    return True
