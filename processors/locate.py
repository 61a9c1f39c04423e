"""Say which countries, places, organisations, people, ships and weapons an article names, and which countries act in it.

Names are matched longest first, so that جنوب السودان is not السودان and a trap such as صلاة المغرب is no country. A name
that also means something else counts only where another word of the article supports it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from marsad.records import Article, CountryTag, EntityTag, Evidence, Place
from marsad.taxonomy import AnalysedText, Hit, Weighing, Zone, ZoneKind, analyse
from marsad.taxonomy.names import CompiledNames, Entity, Gazetteer, Kind, Name, shipped_names

__all__ = ["Located", "Locator", "locate"]

_ZONE_WEIGHT: Final = (4.0, 2.0, 1.0)
"""Of title, lead and body, by ``ZoneKind``."""
_FURTHER: Final = 0.9
"""What each further mention in one zone weighs against the one before it."""
_LATE: Final = 0.4
"""What a mention in the later half of the body weighs."""
_USUAL_LENGTH: Final = 300
_LEAST: Final = 2.0
"""The score below which a country is not tagged."""
_BEHIND: Final = 0.15
"""The share of the first country's score that a country must reach."""
_ACTOR: Final = 0.5
"""The share of the first country's score from which a country is an actor."""
_NEIGHBOUR: Final = 2
"""Tokens between two names of a list: النيجر ومالي وتشاد."""
_CLUB_MENTIONS: Final = 2
_A_VOICE: Final = 0.7
_ENOUGH_VOICES: Final = 2
"""Institutions or people of a country that make it take part however late they appear."""

_CAPITALS: Final = re.compile(r"[A-Z][A-Z]")
"""Written so, a search passes over other letters eight times as fast as for ``[A-Z]{2}``."""
_SHIP: Final = re.compile(
    r"\b(?:(?:USS|HMS|INS|FS|ITS|KRI)\s[A-Z][A-Za-z]+(?:\s[A-Z][a-z]+)?|[A-Z]{3,}\s[A-Z]{2,4}-\d{2,4})\b"
)
_WEAPON: Final = {"اس": ("إس", "S"), "اف": ("إف", "F"), "سو": ("سو", "Su"), "ميغ": ("ميغ", "MiG"), "تو": ("تو", "Tu")}
_WEAPON_NUMBER: Final = range(1, 1000)


class Located(msgspec.Struct, frozen=True):
    """What an article names: countries and entities by weight, places in order."""

    countries: tuple[CountryTag, ...] = ()
    places: tuple[Place, ...] = ()
    entities: tuple[EntityTag, ...] = ()


class _Mention(NamedTuple):
    """One name in its zone. ``strength`` is what the words around it leave of the name's own."""

    zone: int
    first: int
    end: int
    name: Name
    strength: float


class Locator:
    """Finds the names of a gazetteer.

    Args:
        gazetteer: the names; the shipped ones by default.
    """

    def __init__(self, gazetteer: Gazetteer | None = None) -> None:
        self._compiled = shipped_names() if gazetteer is None else CompiledNames(gazetteer)
        self.gazetteer = self._compiled.gazetteer
        self._ids = {entity.id for entity in self.gazetteer.entity}
        # Where several begin and end together: a trap first, then what a sign must follow.
        self._rank = [2 * (name.kind is not Kind.TRAP) + (not name.suffix) for name in self._compiled.names]

    def locate(self, title: str, lead: str, text: str) -> Located:
        """Return what an article names.

        Args:
            title: the headline.
            lead: the first paragraph or the feed's summary; may be empty or the beginning of ``text``.
            text: the whole body.
        """
        return self.locate_analysed(analyse(title, lead, text))

    def locate_analysed(self, analysed: AnalysedText) -> Located:
        """Return what an article names whose tokens are known."""
        mentions: list[_Mention] = []
        for number, hits in enumerate(self._compiled.automaton.scan_zones(analysed)):
            mentions.extend(self._mentions(number, analysed.zones[number], hits))
        mentions = list(_supported(mentions))
        return Located(
            _countries(mentions, analysed),
            self._places(mentions),
            (*self._entities(mentions, analysed), *self._by_pattern(analysed)),
        )

    def _mentions(self, number: int, zone: Zone, hits: list[Hit]) -> Iterator[_Mention]:
        """Yield the longest names of a zone, without traps."""
        keys = zone.keys
        if len(hits) > 1:
            hits.sort(key=lambda hit: (hit[0], -hit[1], self._rank[hit[2]]))
        reached, place = 0, (-1, -1)
        taken: set[str] = set()
        for first, end, term in hits:
            name = self._compiled.names[term]
            if (first < reached and (first, end) != place) or (name.suffix and not _followed(name, zone, end)):
                continue
            if (first, end) != place:
                taken = set()
            elif name.country in taken:
                continue
            # Several countries may share a name (الكوريتين, عمان): all stay, and support decides.
            taken.add(name.country)
            reached = end
            if name.kind is Kind.TRAP:
                place = (-1, -1)
            else:
                place = (first, end)
                guard = self._guard(keys, first) if name.kind is Kind.PEOPLE else 1.0
                yield _Mention(number, first, end, name, name.strength * guard)

    def _guard(self, keys: tuple[str, ...], first: int) -> float:
        left = 1.0
        before = keys[max(0, first - 4) : first]
        if self._compiled.guards.keys().isdisjoint(before):
            return left
        for distance, word in enumerate(reversed(before), 1):
            within, weight = self._compiled.guards.get(word, (0, 1.0))
            if distance <= within:
                left = min(left, weight)
        return left

    def _places(self, mentions: list[_Mention]) -> tuple[Place, ...]:
        counts: dict[int, int] = {}
        for mention in mentions:
            if mention.name.place >= 0:
                counts[mention.name.place] = counts.get(mention.name.place, 0) + 1
        places: dict[int, Place] = {}
        for at, count in counts.items():
            record = self.gazetteer.place[at]
            known = places.get(record.geonames_id)
            places[record.geonames_id] = Place(
                known.name if known else record.name,
                record.country,
                record.lat,
                record.lon,
                record.geonames_id,
                count + (known.mentions if known else 0),
            )
        return tuple(places.values())

    def _entities(self, mentions: list[_Mention], analysed: AnalysedText) -> Iterator[EntityTag]:
        found: dict[int, list[_Mention]] = defaultdict(list)
        for mention in mentions:
            if mention.name.entity >= 0:
                found[mention.name.entity].append(mention)
        for at, places in sorted(found.items(), key=lambda item: (-len(item[1]), item[1][0].zone, item[1][0].first)):
            entity = self.gazetteer.entity[at]
            yield _entity_tag(entity, len(places), tuple(_evidence(mention, analysed) for mention in places))

    def _by_pattern(self, analysed: AnalysedText) -> tuple[EntityTag, ...]:
        """Return ships and weapons that no list knows: KILDIN SSV-512, إس-500."""
        found: dict[str, tuple[Literal["ship", "weapon"], str, str, list[Evidence]]] = {}
        for zone in analysed.zones:
            begin, stop = zone.span(0, zone.end - zone.first)
            capitals = _CAPITALS.search(zone.source, begin, stop)
            if capitals is not None:
                for match in _SHIP.finditer(zone.source, capitals.start(), stop):
                    name = " ".join(match[0].split())
                    entry = found.setdefault("ship-" + _slug(name), ("ship", name, name, []))
                    entry[3].append(Evidence(name, zone.field, *match.span()))
            for arabic, latin, evidence in _weapons(zone):
                if latin.lower() not in self._ids:
                    found.setdefault(latin.lower(), ("weapon", arabic, latin, []))[3].append(evidence)
        return tuple(
            EntityTag(key, kind, arabic, latin, len(evidence), tuple(evidence))
            for key, (kind, arabic, latin, evidence) in found.items()
        )


def _followed(name: Name, zone: Zone, end: int) -> bool:
    """Whether the sign that ends a name, which is no part of a word, stands there: أوبك+."""
    return zone.source.startswith(name.suffix, zone.tokens.ends[zone.first + end - 1])


def _weapons(zone: Zone) -> Iterator[tuple[str, str, Evidence]]:
    keys = zone.keys
    if _WEAPON.keys().isdisjoint(keys):
        return
    for at, key in enumerate(keys[:-1]):
        number = keys[at + 1]
        if key in _WEAPON and number.isascii() and number.isdigit() and int(number[:4]) in _WEAPON_NUMBER:
            start, end = zone.span(at, at + 2)
            arabic, latin = _WEAPON[key]
            name = f"{arabic}-{number}"
            if end - start <= len(name) + 1:
                yield name, f"{latin}-{number}", Evidence(name, zone.field, start, end)


def _supported(mentions: list[_Mention]) -> Iterator[_Mention]:
    """Yield the mentions, and of the unsure ones those that the rest of the article supports."""
    sure = {
        mention.name.country for mention in mentions if not mention.name.unsure and mention.name.kind is not Kind.CLUB
    }
    named = [mention for mention in mentions if not mention.name.unsure and mention.name.kind is Kind.NAME]
    for mention in mentions:
        name = mention.name
        if name.needs:
            if name.needs in sure:
                yield mention
        elif not name.unsure or name.country in sure or (name.kind is Kind.NAME and _listed(mention, named, mentions)):
            yield mention


def _listed(mention: _Mention, named: list[_Mention], mentions: list[_Mention]) -> bool:
    """Whether an unsure name stands beside that of another country, and means one country only."""
    if any(other.first == mention.first and other.zone == mention.zone and other is not mention for other in mentions):
        return False
    return any(
        other.zone == mention.zone
        and 0 <= max(other.first - mention.end, mention.first - other.end) < _NEIGHBOUR
        and other.name.country != mention.name.country
        for other in named
    )


def _countries(mentions: Iterable[_Mention], analysed: AnalysedText) -> tuple[CountryTag, ...]:
    by_code: dict[str, list[_Mention]] = defaultdict(list)
    for mention in mentions:
        if mention.name.country and mention.strength:
            by_code[mention.name.country].append(mention)
    zones = [zone.weighing(_USUAL_LENGTH) for zone in analysed.zones]
    scores = {code: _score(found, zones) for code, found in by_code.items()}
    best = max(scores.values(), default=0.0)
    kept = [
        code
        for code, score in scores.items()
        if score >= max(_LEAST, _BEHIND * best) or _voices(by_code[code]) >= _ENOUGH_VOICES
    ]
    order = {code: _prominence(by_code[code], analysed) for code in kept}
    kept.sort(key=lambda code: (-order[code], code))
    return tuple(
        CountryTag(
            code,
            len(by_code[code]),
            "actor" if scores[code] >= _ACTOR * best else "mention",
            tuple(_evidence(mention, analysed) for mention in by_code[code]),
        )
        for code in kept
    )


def _voices(mentions: list[_Mention]) -> int:
    """Return how many institutions and people act for a country: its parliament and its minister are two."""
    return len(
        {mention.name.entity for mention in mentions if mention.strength >= _A_VOICE and mention.name.entity >= 0}
    )


def _prominence(mentions: list[_Mention], analysed: AnalysedText) -> float:
    """Return by what a country is ranked: how often it is named, in the title twice as much and the sooner the more."""
    total = 0.0
    earliest = 0.0
    zones = analysed.zones
    for number, first, _, _, strength in mentions:
        total += strength
        # The title is the first zone, where there is one.
        if number == 0 and zones[0].kind is ZoneKind.TITLE:
            total += strength
            earliest = max(earliest, 1.0 - first / (zones[0].end - zones[0].first))
    return total + earliest


def _score(mentions: list[_Mention], zones: list[Weighing]) -> float:
    if len(mentions) < _CLUB_MENTIONS and all(mention.name.kind is Kind.CLUB for mention in mentions):
        return 0.0
    total = 0.0
    share = [1.0] * len(_ZONE_WEIGHT)
    for number, first, _, _, strength in mentions:
        kind, left, late = zones[number]
        weight = strength * _ZONE_WEIGHT[kind] * share[kind] * left
        share[kind] *= _FURTHER
        total += weight * _LATE if first > late else weight
    return total


def _entity_tag(entity: Entity, mentions: int, evidence: tuple[Evidence, ...]) -> EntityTag:
    return EntityTag(entity.wikidata or entity.id, entity.kind, entity.name_ar, entity.name_en, mentions, evidence)


def _evidence(mention: _Mention, analysed: AnalysedText) -> Evidence:
    zone = analysed.zones[mention.zone]
    start, end = zone.span(mention.first, mention.end)
    return Evidence(mention.name.text, zone.field, start, end, round(mention.strength, 3))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def locate(article: Article, locator: Locator) -> Article:
    """Return the article with its countries, places and entities."""
    found = locator.locate(article.title, article.lead, article.text)
    return msgspec.structs.replace(article, countries=found.countries, places=found.places, entities=found.entities)
