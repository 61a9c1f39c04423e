"""The shipped feeds: one TOML file for each country, read and checked by :mod:`producers.catalogue.load`."""

from producers.catalogue.load import load_catalogue, load_countries
from producers.catalogue.schema import CatalogueFeed, CountryCatalogue, Outlet, parse_country, to_feeds

__all__ = [
    "CatalogueFeed",
    "CountryCatalogue",
    "Outlet",
    "load_catalogue",
    "load_countries",
    "parse_country",
    "to_feeds",
]
