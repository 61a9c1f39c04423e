"""What a search asks for and what it answers."""

from typing import Literal

import msgspec

from marsad.records.article import Article, TextField

__all__ = ["Facet", "FacetName", "Highlight", "SearchHit", "SearchPage", "Sort"]

Sort = Literal["relevance", "date", "story"]
FacetName = Literal["topic", "country", "outlet", "day"]


class Highlight(msgspec.Struct, frozen=True):
    """A stretch of the article that matched, as code-point offsets into that field."""

    field: TextField
    start: int
    end: int


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """One article of the answer."""

    article: Article
    score: float = 0.0
    highlights: tuple[Highlight, ...] = ()
    story_size: int = 1


class Facet(msgspec.Struct, frozen=True):
    """How many matching articles carry a value."""

    value: str
    count: int


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of hits."""

    hits: tuple[SearchHit, ...]
    total: int
    """Matching articles, or stories where the search was collapsed."""
    exact: bool = True
    """False: ``total`` is a lower bound, since counting stopped at a limit."""
    ordered: int = 0
    """Only so many of the newest matches were put in order; 0: all."""
    took_ms: float = 0.0
