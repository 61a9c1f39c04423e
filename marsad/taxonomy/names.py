"""The gazetteer: countries, places, organisations and people as data, and the traps that only look like them."""

import hashlib
import tomllib
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec
from babel import Locale
from msgspec import Meta

from marsad.arabic import key_form, proclitic_forms
from marsad.errors import TopicFileError
from marsad.taxonomy.matcher import Automaton, Entry, Form, forms_of
from marsad.taxonomy.schema import Inflected

__all__ = [
    "CompiledNames",
    "Entity",
    "Gazetteer",
    "Guard",
    "Kind",
    "Name",
    "PlaceRecord",
    "load_gazetteer",
    "shipped_names",
]

Record = TypeVar("Record", bound=msgspec.Struct)
Code = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
Share = Annotated[float, Meta(ge=0, le=1)]

_AS_NAME: Final = Inflected(definite=False, construct=True)
_AS_WORD: Final = Inflected(definite=True, construct=False)


class Kind(Enum):
    """What a name is, which says how surely it stands for a country."""

    NAME = "name"
    PEOPLE = "people"
    PLACE = "place"
    ENTITY = "entity"
    CLUB = "club"
    TRAP = "trap"


STRENGTH: Final = {Kind.NAME: 1.0, Kind.PEOPLE: 0.8, Kind.PLACE: 0.9, Kind.CLUB: 0.5}


class Country(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One country: its names, its adjective, its places, and which of them mean other things too."""

    code: Code
    names: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


class PlaceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a place of a country is."""

    name: str
    country: Code
    lat: float
    lon: float
    geonames_id: int = 0


class Entity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation, a person or a weapon, and whom a mention of it stands for."""

    id: str
    kind: Literal["person", "organisation", "ship", "weapon", "other"]
    name_ar: str
    name_en: str
    wikidata: Annotated[str, Meta(pattern=r"^(Q\d+)?$")] = ""
    country: str = ""
    weight: Share = 0.0
    spellings: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    """Those of the spellings that mean it only in an article that names ``needs``."""
    needs: str = ""


class Club(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Clubs and leagues of a country."""

    country: Code
    any: tuple[str, ...]


class Trap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that hold a name and do not mean it."""

    any: tuple[str, ...]


class Guard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words that weaken an adjective of nationality shortly after them."""

    before: tuple[str, ...]
    within: Annotated[int, Meta(ge=1, le=10)]
    weight: Share


class Gazetteer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All names."""

    country: tuple[Country, ...] = ()
    place: tuple[PlaceRecord, ...] = ()
    entity: tuple[Entity, ...] = ()
    club: tuple[Club, ...] = ()
    trap: tuple[Trap, ...] = ()
    guard: tuple[Guard, ...] = ()

    @property
    def version(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Name(NamedTuple):
    """One name in the automaton."""

    kind: Kind
    text: str
    country: str = ""
    strength: float = 0.0
    unsure: bool = False
    entity: int = -1
    place: int = -1
    suffix: str = ""
    """A sign at the end that must stand in the text: the + of أوبك+."""
    needs: str = ""
    """A country that must be named too: التحالف means one in Yemen only."""


def load_gazetteer() -> Gazetteer:
    """Read the shipped names.

    Raises:
        TopicFileError: a file does not follow the schema.
    """
    parts: dict[str, list[object]] = {}
    for file in sorted((files("marsad.taxonomy") / "gazetteer").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            try:
                part = msgspec.convert(tomllib.loads(file.read_text("utf-8")), Gazetteer)
            except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
                raise TopicFileError(file.name, 0, str(error)) from error
            for field in part.__struct_fields__:
                parts.setdefault(field, []).extend(getattr(part, field))
    return Gazetteer(**{field: tuple(items) for field, items in parts.items()})  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _cldr_names() -> dict[str, tuple[str, str]]:
    """Return the Arabic and English names of all territories with a two-letter code."""
    arabic, english = Locale("ar").territories, Locale("en").territories
    codes = [code for code in map(str, arabic) if len(code) == len("XK") and code.isalpha()]
    return {code: (str(arabic[code]), str(english.get(code, code))) for code in codes}


class CompiledNames:
    """The gazetteer in one automaton.

    Args:
        gazetteer: the names.

    Attributes:
        names: every name; a hit of ``automaton`` names its place here.
        guards: for a word in key form, how near an adjective must follow and what is left of its weight.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self.gazetteer = gazetteer
        self.names: list[Name] = []
        self.guards = _guards(gazetteer)
        self._places = {(place.country, key_form(place.name)): at for at, place in enumerate(gazetteer.place)}
        self.automaton = Automaton(self._entries())

    def _entries(self) -> Iterator[Entry]:
        for name, how in self._listed():
            self.names.append(name)
            yield Entry(_forms(name.text, how), len(self.names) - 1)

    def _listed(self) -> Iterator[tuple[Name, Inflected]]:
        for country in self.gazetteer.country:
            yield from self._country(country)
        known = {country.code for country in self.gazetteer.country}
        for code, (arabic, _) in _cldr_names().items():
            if code not in known and code not in _NO_COUNTRY:
                yield Name(Kind.NAME, arabic, code, STRENGTH[Kind.NAME]), _AS_NAME
        for at, entity in enumerate(self.gazetteer.entity):
            for text in (entity.name_ar, *entity.spellings):
                yield _named(entity, text, at), _AS_NAME
        for club in self.gazetteer.club:
            for text in club.any:
                yield Name(Kind.CLUB, text, club.country, STRENGTH[Kind.CLUB]), _AS_NAME
        for trap in self.gazetteer.trap:
            for text in trap.any:
                yield Name(Kind.TRAP, text), _AS_WORD

    def _country(self, country: Country) -> Iterator[tuple[Name, Inflected]]:
        code = country.code
        for text in country.names:
            yield Name(Kind.NAME, text, code, STRENGTH[Kind.NAME], text in country.unsure), _AS_NAME
        for text in country.people:
            for form in _adjectives(text):
                yield Name(Kind.PEOPLE, form, code, STRENGTH[Kind.PEOPLE], text in country.unsure), _AS_WORD
        for text in country.places:
            place = self._places.get((code, key_form(text)), -1)
            yield Name(Kind.PLACE, text, code, STRENGTH[Kind.PLACE], text in country.unsure, place=place), _AS_NAME


@lru_cache(maxsize=1)
def shipped_names() -> CompiledNames:
    """Return the shipped gazetteer compiled, once for all who ask."""
    return CompiledNames(load_gazetteer())


_NO_COUNTRY: Final = frozenset({"EU", "UN", "EZ", "ZZ", "QO", "XA", "XB", "AC", "CP", "DG", "EA", "IC", "TA", "CQ"})


def _named(entity: Entity, text: str, at: int) -> Name:
    unsure = text in entity.unsure
    suffix = text[-1] if text.endswith("+") else ""
    return Name(
        Kind.ENTITY,
        text,
        entity.country,
        entity.weight,
        unsure,
        at,
        suffix=suffix,
        needs=entity.needs if unsure else "",
    )


def _forms(text: str, how: Inflected) -> frozenset[Form]:
    return forms_of((text,), how)


def _adjectives(base: str) -> tuple[str, ...]:
    """Return an adjective of nationality in its genders and numbers: روسي, روسية, روسيين, روسيون, روسيات, روسيتين."""
    *head, last = base.split()
    if not last.endswith("ي"):
        return (base,)
    if head:  # جنوب أفريقي, كوري شمالي: both words agree
        endings = ("", "ة", "ين", "ون", "ات")
        firsts = [word + ending if word.endswith("ي") else word for word in head for ending in endings][: len(endings)]
        if not head[0].endswith("ي"):
            return tuple(f"{head[0]} {last}{ending}" for ending in endings)
        mixed = [f"{first} {last}{ending}" for first, ending in zip(firsts, endings, strict=True)]
        return (*mixed, f"{head[0]}ين {last}ين", f"{head[0]}تين {last}تين", f"{head[0]}تان {last}تان")
    return tuple(base + ending for ending in ("", "ة", "ين", "ون", "ات", "ان", "تين", "تان"))


def _guards(gazetteer: Gazetteer) -> dict[str, tuple[int, float]]:
    found: dict[str, tuple[int, float]] = {}
    for guard in gazetteer.guard:
        for text in guard.before:
            for (form,) in _forms(text, _AS_WORD):
                found |= dict.fromkeys(proclitic_forms(form), (guard.within, guard.weight))
    return found
