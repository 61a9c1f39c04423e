"""Bytes to feeds: RSS, Atom, RDF, JSON Feed and news sitemaps, as broken as they come. No I/O. No document raises."""

from producers.parse.document import parse, parse_again
from producers.parse.model import KeptEntry, ParsedEntry, ParsedFeed
from producers.parse.pieces import Readings, TooFreshError
from producers.parse.walls import looks_like_bot_wall

__all__ = [
    "KeptEntry",
    "ParsedEntry",
    "ParsedFeed",
    "Readings",
    "TooFreshError",
    "looks_like_bot_wall",
    "parse",
    "parse_again",
]
