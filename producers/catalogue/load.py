"""Read the shipped catalogue out of the installed package."""

from importlib.resources import files
from importlib.resources.abc import Traversable

from marsad.errors import ConfigError
from marsad.records import Feed
from producers.catalogue.schema import CountryCatalogue, parse_country, to_feeds

__all__ = ["load_catalogue", "load_countries"]


def load_catalogue(country: str | None = None) -> tuple[Feed, ...]:
    """The shipped feeds, ordered by country, outlet and address.

    Args:
        country: only this one's, as ISO 3166-1 alpha-2 in either case; None for all.

    Raises:
        ConfigError: no feeds of that country are shipped, or a file breaks the schema.
    """
    return to_feeds(load_countries(country))


def load_countries(country: str | None = None, *, folder: Traversable | None = None) -> tuple[CountryCatalogue, ...]:
    """The catalogue with all that it says of outlets and addresses, for listings and checks.

    Args:
        country: only this one; None for all.
        folder: where the files are, if not in the package.

    Raises:
        ConfigError: no file for that country, or one that cannot be read or breaks the schema.
    """
    root = files("producers.catalogue") if folder is None else folder
    found = {file.name.removesuffix(".toml"): file for file in root.iterdir() if file.name.endswith(".toml")}
    if country is None:
        return tuple(_read(found[code]) for code in sorted(found))
    code = country.lower()
    if code not in found:
        raise ConfigError(f"no feeds of country {country!r} are shipped; there are: {' '.join(sorted(found))}")
    return (_read(found[code]),)


def _read(file: Traversable) -> CountryCatalogue:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name}: cannot be read: {error}") from error
    return parse_country(file.name, text)
