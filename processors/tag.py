"""Say which topics an article is about, and which words say so.

A hit counts by where it stands: title before lead before body, the earlier half of the body before the later. In the
body a term's further hits count ever less, and a long body is weighed down: an article is about what its beginning
says, and a long one mentions much in passing. A topic far behind the article's strongest one is mentioned, not meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Final, NamedTuple, Protocol

import msgspec

from marsad.records import Article, Evidence, TextField, TopicTag
from marsad.taxonomy import AnalysedText, CompiledTopics, Role, Taxonomy, Topic, ZoneKind, analyse

__all__ = ["Adjuster", "Tagger", "tag"]

_FURTHER_HIT: Final = 0.6
"""What each further hit of one term in the body weighs against the one before it."""
_USUAL_LENGTH: Final = 150
"""Tokens of body up to which nothing is weighed down."""
_FAR_BEHIND: Final = 0.4
"""The share of the best topic's score that a topic must reach."""


class Adjuster(Protocol):
    """The seam for a learned layer: it may change the scores that the rules gave."""

    def adjust(self, scores: Mapping[str, float], analysed: AnalysedText) -> Mapping[str, float]:
        """Return the scores by topic id; 1.0 is the threshold."""
        ...


class _Found(NamedTuple):
    """One hit of one topic. ``share`` is what its place makes of its weight."""

    first: int
    end: int
    term: int
    zone: int


class Tagger:
    """Tags articles with the topics of a taxonomy.

    Args:
        taxonomy: the topics.
        adjuster: a learned layer over the rules' scores; none by default.
    """

    def __init__(self, taxonomy: Taxonomy, adjuster: Adjuster | None = None) -> None:
        self.taxonomy = taxonomy
        self._compiled = CompiledTopics(taxonomy)
        self._adjuster = adjuster

    def tag(self, title: str, lead: str, text: str) -> tuple[TopicTag, ...]:
        """Return the topics of an article, best first.

        Args:
            title: the headline.
            lead: the first paragraph or the feed's summary; may be empty or the beginning of ``text``.
            text: the whole body.
        """
        return self.tag_analysed(analyse(title, lead, text))

    def tag_analysed(self, analysed: AnalysedText) -> tuple[TopicTag, ...]:
        """Return the topics of an article whose tokens are known, best first."""
        found = self._find(analysed)
        scores = {topic: self._score(topic, hits, analysed) for topic, hits in found.items()}
        ids = {self._compiled.topics[topic].id: topic for topic in scores}
        named: Mapping[str, float] = {topic_id: scores[topic] for topic_id, topic in ids.items()}
        if self._adjuster is not None:
            named = self._adjuster.adjust(named, analysed)
        least = max(1.0, _FAR_BEHIND * max(named.values(), default=0.0))
        kept = sorted(((score, topic_id) for topic_id, score in named.items() if score >= least), key=_best_first)
        return tuple(
            TopicTag(topic_id, round(score, 3), self._evidence(found.get(ids.get(topic_id, -1), []), analysed))
            for score, topic_id in kept
        )

    def scores(self, analysed: AnalysedText) -> dict[str, float]:
        """Return the score of every topic that has a hit, also of those below their threshold."""
        found = self._find(analysed)
        return {self._compiled.topics[topic].id: self._score(topic, hits, analysed) for topic, hits in found.items()}

    def _find(self, analysed: AnalysedText) -> dict[int, list[_Found]]:
        """Return each topic's hits, without those inside a longer hit of the same topic and zone."""
        terms = self._compiled.terms
        found: dict[int, list[_Found]] = defaultdict(list)
        for number, zone in enumerate(analysed.zones):
            for first, end, term in self._compiled.automaton.scan(zone.keys):
                found[terms[term].topic].append(_Found(first, end, term, number))
        return {topic: self._longest(hits) if len(hits) > 1 else hits for topic, hits in found.items()}

    def _longest(self, hits: list[_Found]) -> list[_Found]:
        """Drop terms inside a longer or vetoing hit. Words of combinations and requirements stand for themselves."""
        terms = self._compiled.terms
        kept: list[_Found] = []
        reached = (-1, -1)
        for hit in sorted(hits, key=self._longest_first):
            role = terms[hit.term].role
            if role is Role.TERM and (hit.zone, hit.end) <= reached:
                continue
            kept.append(hit)
            if role in (Role.TERM, Role.VETO):
                reached = max(reached, (hit.zone, hit.end))
        return kept

    def _longest_first(self, hit: _Found) -> tuple[int, int, int, bool]:
        return (hit.zone, hit.first, -hit.end, self._compiled.terms[hit.term].role is not Role.VETO)

    def _score(self, topic_number: int, hits: list[_Found], analysed: AnalysedText) -> float:
        topic = self._compiled.topics[topic_number]
        required: set[int] = set()
        plain: dict[int, list[_Found]] = defaultdict(list)
        near: dict[int, list[_Found]] = defaultdict(list)
        for hit in hits:
            term = self._compiled.terms[hit.term]
            if term.role is Role.REQUIRE:
                required.add(term.rule)
            elif term.role is Role.NEAR:
                near[term.rule].append(hit)
            else:
                plain[hit.term].append(hit)
        if len(required) < len(topic.require):
            return 0.0
        total = 0.0
        for number, places in plain.items():
            term = self._compiled.terms[number]
            total += (-term.weight if term.role is Role.VETO else term.weight) * _position(topic, places, analysed)
        for rule, places in near.items():
            total += topic.near[rule].weight * _position(topic, self._together(topic, rule, places), analysed)
        return max(0.0, total) / topic.threshold

    def _together(self, topic: Topic, rule: int, hits: list[_Found]) -> list[_Found]:
        """Return one hit for each place where a combination stands whole: that of its first group."""
        near = topic.near[rule]
        terms = self._compiled.terms
        groups: list[list[_Found]] = [[] for _ in near.words]
        for hit in hits:
            groups[terms[hit.term].place].append(hit)
        return [start for start in groups[0] if _stands(start, groups[1:], near.within, ordered=near.ordered)]

    def _evidence(self, hits: list[_Found], analysed: AnalysedText) -> tuple[Evidence, ...]:
        evidence: list[Evidence] = []
        together: dict[tuple[int, int], set[_Found]] = {}
        for hit in hits:
            term = self._compiled.terms[hit.term]
            if term.role in (Role.VETO, Role.REQUIRE):
                continue
            if term.role is Role.NEAR and hit not in self._whole(term.topic, term.rule, hits, together):
                continue
            zone = analysed.zones[hit.zone]
            field: TextField = zone.field
            start, end = zone.span(hit.first, hit.end)
            evidence.append(Evidence(term.text, field, start, end, term.weight))
        return tuple(evidence)

    def _whole(
        self, topic: int, rule: int, hits: list[_Found], known: dict[tuple[int, int], set[_Found]]
    ) -> set[_Found]:
        """Return all hits that take part in a whole combination."""
        if (topic, rule) not in known:
            terms = self._compiled.terms
            mine = [hit for hit in hits if terms[hit.term].role is Role.NEAR and terms[hit.term].rule == rule]
            near = self._compiled.topics[topic].near[rule]
            starts = self._together(self._compiled.topics[topic], rule, mine)
            known[topic, rule] = {
                hit
                for start in starts
                for hit in mine
                if hit.zone == start.zone and _span(start, hit) <= near.within
            }
        return known[topic, rule]


def _best_first(scored: tuple[float, str]) -> tuple[float, str]:
    return (-scored[0], scored[1])


def _span(one: _Found, other: _Found) -> int:
    """Return over how many tokens two hits reach."""
    return max(one.end, other.end) - min(one.first, other.first)


def _stands(start: _Found, others: list[list[_Found]], within: int, *, ordered: bool) -> bool:
    """Whether each further group has a hit near enough to ``start``, after the former one where order counts."""
    after = start.end
    for group in others:
        near = [
            hit
            for hit in group
            if hit.zone == start.zone
            and _span(start, hit) <= within
            and (hit.first >= after if ordered else hit.first >= start.end or hit.end <= start.first)
        ]
        if not near:
            return False
        after = min(hit.end for hit in near)
    return True


def _position(topic: Topic, hits: Iterable[_Found], analysed: AnalysedText) -> float:
    """Return what the places of one term's hits make of its weight."""
    share, body, further = 0.0, 0.0, 1.0
    seen: set[ZoneKind] = set()
    for hit in hits:
        zone = analysed.zones[hit.zone]
        if zone.kind is ZoneKind.BODY:
            length = zone.end - zone.first
            part = topic.passing if 2 * hit.first > max(length, _USUAL_LENGTH) else 1.0
            body += further * part * min(1.0, sqrt(_USUAL_LENGTH / length))
            further *= _FURTHER_HIT
        elif zone.kind not in seen:
            seen.add(zone.kind)
            share += topic.boosts.title if zone.kind is ZoneKind.TITLE else topic.boosts.lead
    return share + topic.boosts.body * body


def tag(article: Article, tagger: Tagger) -> Article:
    """Return the article with its topics and the version of the taxonomy that gave them."""
    topics = tagger.tag(article.title, article.lead, article.text)
    return msgspec.structs.replace(article, topics=topics, taxonomy_version=tagger.taxonomy.version)
