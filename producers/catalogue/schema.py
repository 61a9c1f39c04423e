"""What a catalogue file may say, and how its entries become feeds. No I/O.

A file is read in three steps (file, outlet, feed) instead of one, so that a fault is reported with the outlet's id and
the feed's address; a path such as ``$.outlet[17].feed[0]`` sends a person counting.
"""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from marsad.errors import ConfigError
from marsad.records import Feed, FeedKind
from marsad.records.ids import feed_id

__all__ = [
    "SECTION_NAMES",
    "CatalogueFeed",
    "CountryCatalogue",
    "Outlet",
    "OutletKind",
    "Section",
    "parse_country",
    "to_feeds",
]

Section = Literal[
    "general", "politics", "economy", "sport", "technology", "culture", "society", "opinion", "local", "region", "world"
]
OutletKind = Literal["agency", "paper", "broadcaster", "portal", "state"]

SECTION_NAMES: Mapping[Section, str] = {
    "general": "",
    "politics": "سياسة",
    "economy": "اقتصاد",
    "sport": "رياضة",
    "technology": "تقنية",
    "culture": "ثقافة",
    "society": "مجتمع",
    "opinion": "رأي",
    "local": "محليات",
    "region": "الشرق الأوسط",
    "world": "العالم",
}
"""The words that a feed's title gets after the outlet's name; none for the general feed."""

_Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
_Filled = Annotated[str, Meta(pattern=r"\S")]
_Address = Annotated[str, Meta(pattern=r"^https?://[^\s/]+/\S*$")]
_Month = Annotated[str, Meta(pattern=r"^(20[0-9]{2}(-(0[1-9]|1[0-2]))?)?$")]


class CatalogueFeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One address of an outlet."""

    url: _Address
    section: Section
    kind: FeedKind
    full_text: bool | None = None
    """Whether entries carry the whole text; left out where nobody has looked."""
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}$")] = "ar"
    encoding_note: str = ""
    """A known fault of the feed's encoding, for the person who debugs it."""
    seen: _Month
    """Month, or year, in which somebody last reported the address as a feed in use; empty: nobody did."""
    note: str = ""
    """Reservations about the address, for a person."""


class Outlet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A publisher and its feeds."""

    id: _Slug
    name: _Filled
    """As its readers write it, in Arabic."""
    name_en: _Filled
    homepage: _Address
    kind: OutletKind
    weight: Annotated[int, Meta(ge=1, le=5)]
    """Prominence: 1 a town's portal, 5 a national agency or a paper read in several countries."""
    zone: _Filled
    """IANA zone of dates that are written without one."""
    feed: tuple[CatalogueFeed, ...]


class CountryCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All of one file."""

    country: str
    outlets: tuple[Outlet, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
    outlet: list[dict[str, Any]]


class _Feeds(msgspec.Struct, frozen=True):
    feed: Annotated[list[dict[str, Any]], Meta(min_length=1)]


_T = TypeVar("_T")


def parse_country(name: str, text: str) -> CountryCatalogue:
    """Read one file of the catalogue.

    Args:
        name: the file's name, such as ``dz.toml``; its stem must be the country's code.
        text: the file's contents.

    Raises:
        ConfigError: no TOML, a missing, unknown or wrong field, or a name that is not the country's; says file and entry.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: no TOML: {error}") from error
    file = _convert(data, _File, name)
    if name != f"{file.country.lower()}.toml":
        raise ConfigError(f"{name}: holds country {file.country!r}, so it must be named {file.country.lower()}.toml")
    return CountryCatalogue(
        country=file.country,
        outlets=tuple(_outlet(data, f"{name}: outlet {number}") for number, data in enumerate(file.outlet, start=1)),
    )


def to_feeds(catalogues: Iterable[CountryCatalogue]) -> tuple[Feed, ...]:
    """The feeds of some countries, in their order.

    Raises:
        ConfigError: an outlet id or an address is there twice.
    """
    outlets: dict[str, str] = {}
    feeds: dict[str, Feed] = {}
    for catalogue in catalogues:
        for outlet in catalogue.outlets:
            if outlet.id in outlets:
                raise ConfigError(
                    f"outlet {outlet.id!r} is in the catalogue twice ({outlets[outlet.id]} and {catalogue.country})"
                )
            outlets[outlet.id] = catalogue.country
            for entry in outlet.feed:
                if entry.url in feeds:
                    raise ConfigError(
                        f"{entry.url} is in the catalogue twice ({feeds[entry.url].outlet} and {outlet.name})"
                    )
                feeds[entry.url] = _feed(catalogue.country, outlet, entry)
    return tuple(feeds.values())


def _outlet(data: dict[str, Any], place: str) -> Outlet:
    if isinstance(data.get("id"), str):
        place = f"{place} ({data['id']})"
    entries = _convert(data, _Feeds, place).feed
    feeds = [
        _convert(entry, CatalogueFeed, f"{place}, feed {number} ({entry.get('url', 'without url')})")
        for number, entry in enumerate(entries, start=1)
    ]
    return msgspec.structs.replace(_convert({**data, "feed": []}, Outlet, place), feed=tuple(feeds))


def _convert(data: object, kind: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{place}: {error}") from error


def _feed(country: str, outlet: Outlet, entry: CatalogueFeed) -> Feed:
    section = SECTION_NAMES[entry.section]
    return Feed(
        id=feed_id(entry.url),
        url=entry.url,
        title=f"{outlet.name}: {section}" if section else outlet.name,
        outlet=outlet.name,
        country=country,
        language=entry.language,
        section=entry.section,
        kind=entry.kind,
        full_text=entry.full_text,
        weight=float(outlet.weight),
        zone=outlet.zone,
    )
