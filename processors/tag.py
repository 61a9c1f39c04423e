"""Say which topics an article is about, and which words say so.

A hit counts by where it stands: title before lead before body, the earlier half of the body before the later. In the
body a term's further hits count ever less, and a long body is weighed down: an article is about what its beginning
says, and a long one mentions much in passing. Different words count for more than one word repeated, which may be a
name or an ambiguity: the field of الفيل is no elephant. A topic far behind the article's strongest is mentioned, not meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from marsad.records import Article, Evidence, TopicTag
from marsad.taxonomy import (
    Adjusted,
    AnalysedText,
    CompiledTerm,
    CompiledTopics,
    Hit,
    LearnedLayer,
    Role,
    Taxonomy,
    Topic,
    Weighing,
    Zone,
    ZoneKind,
    analyse,
    load_learned,
)
from processors.combinations import Combinations, Whole

__all__ = ["Adjuster", "Tagger", "tag"]

_FURTHER_HIT: Final = 0.6
"""What each further hit of one term in the body weighs against the one before it."""
_USUAL_LENGTH: Final = 150
"""Tokens of body up to which nothing is weighed down."""
_FAR_BEHIND: Final = 0.4
"""The share of the best topic's score that a topic must reach."""
_STRONG: Final = 6.0
"""A best score above this hides no more than this does: a court's verdict in twenty words still tells of a crime."""
_MOST_PLACES: Final = 4.0
"""What all places of one term make of its weight at most. Chosen, as what follows, on two sets of labelled articles."""
_PHRASE: Final = 0.5
"""What a telling phrase gives on top, wherever it stands: تعاون عسكري in a body is seldom there by chance."""
_TELLING: Final = 0.4
"""The share of the threshold from which a term of several words is telling."""
_ALONE: Final = 0.6
"""What is left of a topic for which one word speaks, if the text is long enough that another could have."""
_ENOUGH_TEXT: Final = 60
"""Tokens of such a text."""
_NO_TOPIC: Final = -1
_VETO, _TERM, _REQUIRE = range(3)
_RANK: Final = {Role.VETO: _VETO, Role.TERM: _TERM, Role.REQUIRE: _REQUIRE}


class Adjuster(Protocol):
    """The seam for a learned layer: it may change the scores that the rules gave."""

    topics: frozenset[str]
    """Those that it decides; of the others the rules' scores stand, and what is far behind the best is not given."""

    def adjust(self, scores: Mapping[str, float], analysed: AnalysedText) -> Adjusted:
        """Return the scores that count instead of those by the rules, and what speaks for them."""
        ...


_Hit: TypeAlias = tuple[int, int, int, int, int]
"""Zone, first token, minus end, rank, term. Sorted, a longer hit stands before those inside it, a veto before a term."""


class _Told(NamedTuple):
    """What is known of a term before any article."""

    topic: int
    """A word of combinations is of no topic alone."""
    rank: int
    """A veto comes before a term at the same place. Of a word of combinations its group."""
    gain: float
    """What a hit gives at most, by the zone."""


class _Hits(NamedTuple):
    """What was found of one topic."""

    terms: list[_Hit]
    wholes: list[Whole]


class Tagger:
    """Tags articles with the topics of a taxonomy.

    Args:
        taxonomy: the topics.
        adjuster: a layer over the rules' scores; by default the shipped learned one if the taxonomy says so.
    """

    def __init__(self, taxonomy: Taxonomy, adjuster: Adjuster | None = None) -> None:
        self.taxonomy = taxonomy
        self._compiled = CompiledTopics(taxonomy)
        if adjuster is None and taxonomy.learned:
            adjuster = LearnedLayer(load_learned(), frozenset(topic.id for topic in taxonomy.topics) - taxonomy.own)
        self._adjuster = adjuster
        terms = self._compiled.terms
        self._bonus = [_bonus(term, self._compiled.topics[term.topic]) for term in terms]
        self._boosts = [_by_zone(topic) for topic in self._compiled.topics]
        words = [_Told(_NO_TOPIC, word.group, 0.0) for word in self._compiled.words]
        self._told = {
            kind: [_told(*each, self._boosts[each[0].topic][kind]) for each in zip(terms, self._bonus, strict=True)]
            + words
            for kind in ZoneKind
        }
        self._combinations = Combinations(self._compiled)

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
        found = self._find(analysed, prune=True)
        by_id = {self._compiled.topics[topic].id: hits for topic, hits in found.items()}
        scores = self._scored(found, analysed)
        least = max(1.0, _FAR_BEHIND * min(_STRONG, max(scores.values(), default=0.0)))
        adjusted = Adjusted(scores, _silent)
        decided: frozenset[str] = frozenset()
        if self._adjuster is not None:
            adjusted, decided = self._adjuster.adjust(scores, analysed), self._adjuster.topics
        kept = sorted(
            (-score, topic_id)
            for topic_id, score in adjusted.scores.items()
            # Most are far below.
            if score >= 1.0 and (topic_id in decided or score >= least)
        )
        tags: list[TopicTag] = []
        for minus, topic_id in kept:
            evidence = self._evidence(by_id[topic_id], analysed) if topic_id in by_id else ()
            if scores.get(topic_id, 0.0) < 1:
                evidence = _joined(evidence, adjusted.evidence(topic_id))
            tags.append(TopicTag(topic_id, round(-minus, 3), evidence))
        return tuple(tags)

    def scores(self, analysed: AnalysedText, *, prune: bool = False) -> dict[str, float]:
        """Return the score by its rules of every topic that has a hit, also of those below their threshold.

        Args:
            analysed: the article.
            prune: leave out topics whose hits could not reach the threshold wherever they stood, as tagging does.
        """
        return self._scored(self._find(analysed, prune=prune), analysed)

    def final_scores(self, analysed: AnalysedText) -> Mapping[str, float]:
        """Return the scores by which ``tag_analysed`` decides, also where they are far too low: the rules', adjusted."""
        by_rule = self.scores(analysed)
        if self._adjuster is None:
            return by_rule
        decided = self._adjuster.topics
        adjusted = self._adjuster.adjust(self.scores(analysed, prune=True), analysed).scores
        kept = {topic: score for topic, score in by_rule.items() if topic not in decided}
        return kept | {topic: score for topic, score in adjusted.items() if topic in decided or topic not in kept}

    def words(self, topic_id: str, analysed: AnalysedText) -> tuple[Evidence, ...]:
        """Return what speaks for a topic, also where it is not given: the hits of its rules, else the learned words."""
        hits = {self._compiled.topics[topic].id: found for topic, found in self._find(analysed, prune=False).items()}
        evidence = self._evidence(hits[topic_id], analysed) if topic_id in hits else ()
        if self._adjuster is None:
            return evidence
        return _joined(evidence, self._adjuster.adjust({}, analysed).evidence(topic_id))

    def _find(self, analysed: AnalysedText, *, prune: bool) -> dict[int, _Hits]:
        """Return each topic's hits, without those inside a longer hit of the same topic and zone.

        Args:
            analysed: the article.
            prune: leave out topics whose weights could not reach the threshold wherever the hits stood.
        """
        boosts = self._boosts
        hits: dict[int, list[_Hit]] = defaultdict(list)
        most: dict[int, float] = defaultdict(float)
        found: list[Whole] = []
        for number, hits_here in enumerate(self._compiled.automaton.scan_zones(analysed)):
            told = self._told[analysed.zones[number].kind]
            words: dict[int, list[Hit]] = defaultdict(list)
            for hit in hits_here:
                first, end, term = hit
                topic, rank, gain = told[term]
                if topic == _NO_TOPIC:
                    words[rank].append(hit)
                else:
                    hits[topic].append((number, first, -end, rank, term))
                    most[topic] += gain
            found.extend(self._combinations.whole(number, words))
        wholes: dict[int, list[Whole]] = defaultdict(list)
        states = -1
        for whole in found:
            topic, near, _ = self._compiled.combinations[whole.rule]
            if near.states:
                states = self._compiled.states.count(analysed) if states < 0 else states
                if states < near.states:
                    continue
            wholes[topic].append(whole)
            most[topic] += near.weight * boosts[topic][analysed.zones[whole.zone].kind] * len(whole.starts)
        topics = self._compiled.topics
        return {
            topic: _Hits(_longest(hits[topic]), wholes.get(topic, []))
            for topic, bound in most.items()
            if not prune or bound >= topics[topic].threshold
        }

    def _scored(self, found: Mapping[int, _Hits], analysed: AnalysedText) -> dict[str, float]:
        zones = [zone.weighing(_USUAL_LENGTH) for zone in analysed.zones]
        enough = analysed.length > _ENOUGH_TEXT
        return {
            self._compiled.topics[topic].id: self._score(topic, hits, zones, enough=enough)
            for topic, hits in found.items()
        }

    def _score(self, topic_number: int, hits: _Hits, zones: Sequence[Weighing], *, enough: bool) -> float:
        topic = self._compiled.topics[topic_number]
        terms = self._compiled.terms
        required: set[int] = set()
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for zone, first, _, rank, term in hits.terms:
            if rank == _REQUIRE:
                required.add(terms[term].rule)
            else:
                places[term].append((zone, first))
        if len(required) < len(topic.require):
            return 0.0
        total, words = 0.0, len(places) + len(hits.wholes)
        for number, where in places.items():
            position = _position(topic, where, zones)
            if terms[number].role is Role.VETO:
                total -= terms[number].weight * position
                words -= 1
            else:
                total += terms[number].weight * min(position, _MOST_PLACES) + self._bonus[number] * min(position, 1.0)
                words += self._bonus[number] > 0
        if words == 1 and enough:
            total *= _ALONE
        for rule, where in self._combined(hits).items():
            position = min(_position(topic, where, zones), _MOST_PLACES)
            total += self._compiled.combinations[rule].near.weight * position
        return max(0.0, total) / topic.threshold

    def _combined(self, hits: _Hits) -> dict[int, list[tuple[int, int]]]:
        """Return where each combination begins, the words of telling phrases apart."""
        if not hits.wholes:
            return {}
        phrased = {
            (zone, at)
            for zone, first, minus_end, _, term in hits.terms
            if self._bonus[term]
            for at in range(first, -minus_end)
        }
        combined: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for whole in hits.wholes:
            combined[whole.rule].extend(
                (whole.zone, start.first) for start in whole.starts if (whole.zone, start.first) not in phrased
            )
        return combined

    def _evidence(self, hits: _Hits, analysed: AnalysedText) -> tuple[Evidence, ...]:
        terms = self._compiled.terms
        evidence = [
            _in_field(analysed.zones[zone], first, -minus_end, terms[term].text, terms[term].weight)
            for zone, first, minus_end, rank, term in hits.terms
            if rank == _TERM
        ]
        for whole in hits.wholes:
            weight = self._compiled.combinations[whole.rule].near.weight
            zone = analysed.zones[whole.zone]
            evidence.extend(_in_field(zone, word.first, word.end, word.text, weight) for word in whole.words)
        return tuple(evidence)


def _longest(hits: list[_Hit]) -> list[_Hit]:
    """Drop terms inside a longer or vetoing hit. Words of requirements stand for themselves."""
    kept: list[_Hit] = []
    reached = (-1, -1)
    for hit in sorted(hits):
        zone, _, minus_end, rank, _ = hit
        if rank != _REQUIRE:
            here = (zone, -minus_end)
            if here > reached:
                reached = here
            elif rank == _TERM:
                continue
        kept.append(hit)
    return kept


def _silent(_: str) -> tuple[Evidence, ...]:
    """Return what speaks for a topic where no layer does."""
    return ()


def _joined(by_rule: tuple[Evidence, ...], learned: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return what spoke by the rules, and the learned words that are not inside it."""
    return by_rule + tuple(
        word
        for word in learned
        if not any(hit.field == word.field and hit.start <= word.start < hit.end for hit in by_rule)
    )


def _bonus(term: CompiledTerm, topic: Topic) -> float:
    """Return what a term gives for being a telling phrase."""
    telling = term.role is Role.TERM and " " in term.text and term.weight >= _TELLING * topic.threshold
    return _PHRASE * term.weight if telling else 0.0


def _told(term: CompiledTerm, bonus: float, boost: float) -> _Told:
    gain = (term.weight + bonus) * boost if term.role is Role.TERM else 0.0
    return _Told(term.topic, _RANK[term.role], gain)


def _by_zone(topic: Topic) -> dict[ZoneKind, float]:
    return {
        ZoneKind.TITLE: topic.boosts.title,
        ZoneKind.LEAD: topic.boosts.lead,
        ZoneKind.BODY: topic.boosts.body,
    }


def _in_field(zone: Zone, first: int, end: int, term: str, weight: float) -> Evidence:
    return Evidence(term, zone.field, *zone.span(first, end), weight)


def _position(topic: Topic, places: Iterable[tuple[int, int]], zones: Sequence[Weighing]) -> float:
    """Return what the places of one term's hits (zone and first token) make of its weight."""
    share, body, further = 0.0, 0.0, 1.0
    seen: set[ZoneKind] = set()
    for number, first in places:
        kind, left, late = zones[number]
        if kind is ZoneKind.BODY:
            body += further * (topic.passing if first > late else 1.0) * left
            further *= _FURTHER_HIT
        elif kind not in seen:
            seen.add(kind)
            share += topic.boosts.title if kind is ZoneKind.TITLE else topic.boosts.lead
    return share + topic.boosts.body * body


def tag(article: Article, tagger: Tagger) -> Article:
    """Return the article with its topics and the version of the taxonomy that gave them."""
    topics = tagger.tag(article.title, article.lead, article.text)
    return msgspec.structs.replace(article, topics=topics, taxonomy_version=tagger.taxonomy.version)
