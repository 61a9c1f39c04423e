"""Queries for SQLite: one FTS5 expression over tokens that our own analyser made, and SQL for ranges.

The table is contentless: the articles are stored elsewhere, and highlights come from the predicate. It has four text
columns (title and body, each as key forms and as stems) and ``tags``, where every keyword of the article is one token,
such as ``country=dz``, beside one token that all rows have. So words, phrases, keywords and their negations are one
MATCH; only ranges are SQL.

Rows are deleted with their old values (FTS5's ``'delete'`` command), not with ``contentless_delete``: that needs
SQLite 3.43, and a file written with it could not be opened by an older one. Old values are always at hand, since they
are a function of the stored article and of the analyser; ``ANALYSER_VERSION`` tells when the table must be filled anew.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from marsad.query.ast import And, Keyword, MatchAll, Node, Not, Or, Phrase, Range, TextScope, Wildcard, Word, has_range
from marsad.query.document import keywords, segments
from marsad.query.fields import keyword_key
from marsad.query.nearby import exact_key, neighbours
from marsad.query.predicate import first_forms, key_pattern, range_bounds, second_bounds
from marsad.records import Article

__all__ = [
    "ANALYSER_VERSION",
    "CREATE",
    "CREATE_VOCABULARY",
    "DELETE",
    "INSERT",
    "VOCABULARY_RANGE",
    "CompiledQuery",
    "Expand",
    "compile_query",
    "expand_from",
    "index_row",
]

ANALYSER_VERSION: Final = "2"
"""Changes whenever ``index_row`` gives other values for the same article: the table must then be filled anew."""

# The ascii tokenizer takes every character beyond ASCII for a letter and folds nothing else, so that tokens come
# through as they are; unicode61 knows only Unicode 6.1 and would split newer letters. Beginnings of two and three letters are
# kept: 24 instead of 422 ms for the shortest that may be asked for (95th percentile of 100,000 articles), for 2.8 KB and 0.12 ms an article.
CREATE: Final = (
    "CREATE VIRTUAL TABLE fts USING fts5(title_key, title_stem, text_key, text_stem, tags, "
    "content='', prefix='2 3', tokenize=\"ascii tokenchars '=-_'\")"
)
INSERT: Final = "INSERT INTO fts (rowid, title_key, title_stem, text_key, text_stem, tags) VALUES (?, ?, ?, ?, ?, ?)"
DELETE: Final = (
    "INSERT INTO fts (fts, rowid, title_key, title_stem, text_key, text_stem, tags) VALUES ('delete', ?, ?, ?, ?, ?, ?)"
)
"""Takes the row number and ``index_row`` of the article *as it was indexed*."""
CREATE_VOCABULARY: Final = "CREATE VIRTUAL TABLE fts_terms USING fts5vocab(fts, row)"
VOCABULARY_RANGE: Final = "SELECT term FROM fts_terms WHERE term >= ? AND term <= ? LIMIT ?"

Expand = Callable[[str], Sequence[str] | None]
"""The indexed words that fit a wildcard pattern; None where they are too many to be listed."""

MOST_TERMS: Final = 500
"""Words that a wildcard may stand for in one expression."""
_MOST_READ: Final = 50_000

# No key is a sign, so that no phrase runs from the lead into the text.
_BREAK: Final = "¶"
_LOOKED_UP: Final = "IN (SELECT rowid FROM fts WHERE fts MATCH ?)"
_ALL: Final = 'tags : "_all"'
_NOTHING: Final = 'tags : "_none"'
_KEYS: Final[dict[TextScope, str]] = {"any": "{title_key text_key}", "title": "title_key", "text": "text_key"}
_STEMS: Final[dict[TextScope, str]] = {"any": "{title_stem text_stem}", "title": "title_stem", "text": "text_stem"}
_UNSAFE: Final = re.compile(r"[\x00-\x2c./:-`{-\x7f]")


class CompiledQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for ``SELECT … FROM articles a [JOIN fts ON fts.rowid = a.docid] WHERE [fts MATCH match AND] where``.

    ``match`` is to be bound as a parameter before ``params``.
    """

    match: str | None
    """The FTS5 expression, to be ranked by; None where the query has no words: then do not join ``fts`` at all."""
    where: str = "1"
    """An SQL condition on ``a`` (docid, published, best_score) with a ``?`` for each of ``params``."""
    params: tuple[str | float, ...] = ()
    needs_check: bool = False
    """The rows are more than the query means: keep those that ``marsad.query.predicate.matches``."""
    low: int | None = None
    """No article before this Unix second can match (also said in ``where``): to read only a range of rows."""
    high: int | None = None
    """No article after this Unix second can match."""


def index_row(article: Article) -> tuple[str, str, str, str, str]:
    """The values of the columns, in the table's order: space-separated tokens, as the predicate sees the article."""
    title, *body = segments(article)
    between = f" {_BREAK} "
    return (
        " ".join(title.tokens.keys),
        " ".join(title.tokens.stems),
        between.join(" ".join(part.tokens.keys) for part in body),
        between.join(" ".join(part.tokens.stems) for part in body),
        " ".join(_tags(article)),
    )


def _tags(article: Article) -> Iterator[str]:
    yield "_all"
    pairs = sorted({(field, value) for field, value in keywords(article) if value})
    yield from (_tag(field, value) for field, value in pairs)
    yield from (_tag(field, "*") for field in sorted({field for field, _ in pairs}))


def _tag(field: str, value: str) -> str:
    """One token for a keyword: each ASCII sign is ``_`` and two hexadecimal digits; any value at all is ``_any``."""
    if value == "*":
        return f"{field}=_any"
    return f"{field}={_UNSAFE.sub(lambda found: f'_{ord(found.group()):02x}', value)}"


def compile_query(node: Node, *, expand: Expand | None = None) -> CompiledQuery:
    """Compile a query.

    Args:
        node: the query.
        expand: lists the words that fit a wildcard (see ``expand_from``); without it, wildcards other than ``abc*``
            are widened to their prefix and the rows need a check.
    """
    compiler = _Compiler(expand, node)
    if isinstance(node, MatchAll):
        return CompiledQuery(match=None)
    if not has_range(node):
        return CompiledQuery(match=compiler.words(node), needs_check=compiler.inexact)
    parts = node.parts if isinstance(node, And) else (node,)
    words = [part for part in parts if not has_range(part)]
    match = None
    if any(not isinstance(part, Not | MatchAll) for part in words):
        match = compiler.words(_conjunction(words))
        parts = tuple(part for part in parts if has_range(part))
    where = " AND ".join([f"({compiler.sql(part)})" for part in parts])
    low, high = _seconds(parts)
    return CompiledQuery(
        match=match, where=where, params=tuple(compiler.params), needs_check=compiler.inexact, low=low, high=high
    )


def expand_from(terms: Callable[[str, str, int], Sequence[str]]) -> Expand:
    """Make an ``Expand`` from a reader of the vocabulary.

    Args:
        terms: gives the indexed words from the first string to the second, at most as many as the number: the rows of
            ``VOCABULARY_RANGE``.
    """

    def expand(pattern: str) -> Sequence[str] | None:
        prefix = _prefix(pattern)
        found = terms(prefix, prefix + "\U0010ffff", _MOST_READ)
        if len(found) >= _MOST_READ:
            return None
        fits = key_pattern(pattern)
        fitting = [term for term in found if fits(term)]
        return fitting if len(fitting) <= MOST_TERMS else None

    return expand


def _conjunction(parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _depth(node: Node) -> int:
    match node:
        case And() | Or():
            return 1 + max(map(_depth, node.parts))
        case Not():
            return 1 + _depth(node.part)
    return 0


def _deepest_first(parts: Sequence[Node]) -> list[Node]:
    """The order in which parentheses open at the start: both SQLite parsers have a stack of a hundred symbols."""
    return sorted(parts, key=_depth, reverse=True)


def _seconds(parts: Sequence[Node]) -> tuple[int | None, int | None]:
    """The first and last second in which an article may be published that fits all of the parts."""
    lows: list[int] = []
    highs: list[int] = []
    for part in parts:
        if isinstance(part, Range) and part.field == "published":
            low, high = second_bounds(part)
            if low is not None:
                lows.append(low)
            if high is not None:
                highs.append(high)
    return max(lows, default=None), min(highs, default=None)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _prefix(pattern: str) -> str:
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


class _Compiler:
    """Writes expressions; remembers parameters, and whether one of them lets through more than is meant."""

    def __init__(self, expand: Expand | None, query: Node) -> None:
        self._expand = expand
        self._before = {id(second): first for first, second in neighbours(query)}
        self.params: list[str | float] = []
        self.inexact = False

    def words(self, node: Node, *, wider: bool = True) -> str:  # noqa: PLR0911  # one for each kind of node
        """The FTS5 expression of a query without ranges.

        Args:
            node: the query.
            wider: where FTS5 cannot say it exactly: too many rows, or (under a negation) too few.
        """
        match node:
            case And():
                return self._all_of(node.parts, wider=wider)
            case Or():
                return " OR ".join(f"({self.words(part, wider=wider)})" for part in _deepest_first(node.parts))
            case Not():
                return f"({_ALL}) NOT ({self.words(node.part, wider=not wider)})"
            case Keyword():
                return f"tags : {_quote(_tag(node.field, keyword_key(node.value)))}"
            case Word():
                return self._word(node)
            case Phrase():
                return self._phrase(node, wider=wider)
            case Wildcard():
                return self._wildcard(node, wider=wider)
        return _ALL

    def _all_of(self, parts: Sequence[Node], *, wider: bool) -> str:
        wanted = [part for part in parts if not isinstance(part, Not | MatchAll)]
        unwanted = [part.part for part in parts if isinstance(part, Not)]
        found = [f"({self.words(part, wider=wider)})" for part in _deepest_first(wanted)]
        text = " AND ".join(found) or _ALL
        if not unwanted:
            return text
        against = " OR ".join(f"({self.words(part, wider=not wider)})" for part in _deepest_first(unwanted))
        return f"({text}) NOT ({against})"

    def _word(self, node: Word) -> str:
        """By its stem; its key form, and the pair with the word before it, only add to the rank: each implies the stem."""
        found = [f"{_STEMS[node.scope]} : {_quote(node.stem)}"]
        if key := exact_key(node):
            found.append(f"{_KEYS[node.scope]} : {_quote(key)}")
        if before := self._before.get(id(node)):
            found.append(f"{_STEMS[node.scope]} : {_quote(f'{before.stem} {node.stem}')}")
        return " OR ".join(f"({one})" for one in found) if len(found) > 1 else found[0]

    def _phrase(self, node: Phrase, *, wider: bool) -> str:
        rest = node.keys[1:]
        near = bool(node.slop) and wider
        self.inexact = self.inexact or bool(node.slop)
        # FTS5 counts the words between the end of the first and the start of the last, in any order.
        reach = node.slop + len(rest) - 1
        found = []
        for first in sorted(first_forms(node)):
            if near:
                found.append(f"NEAR({' '.join(map(_quote, (first, *rest)))}, {reach})")
            else:
                found.append(_quote(" ".join((first, *rest))))
        return f"{_KEYS[node.scope]} : ({' OR '.join(found)})"

    def _wildcard(self, node: Wildcard, *, wider: bool) -> str:
        columns, prefix = _KEYS[node.scope], _prefix(node.pattern)
        if node.pattern == f"{prefix}*":
            return f"{columns} : {_quote(prefix)} *"
        terms = self._expand(node.pattern) if self._expand else None
        if terms is not None:
            return f"{columns} : ({' OR '.join(map(_quote, terms))})" if terms else _NOTHING
        self.inexact = True
        return f"{columns} : {_quote(prefix)} *" if wider else _NOTHING

    def sql(self, node: Node, *, wider: bool = True) -> str:
        """The SQL condition of a query; parts without ranges are looked up in the full-text table."""
        if not has_range(node):
            negated = isinstance(node, Not)
            inner = node.part if isinstance(node, Not) else node
            if isinstance(inner, MatchAll):
                return "0" if negated else "1"
            self.params.append(self.words(inner, wider=wider is not negated))
            return f"a.docid {'NOT' if negated else ''} {_LOOKED_UP}"
        match node:
            case And() | Or():
                return self._sql_parts(node, wider=wider)
            case Not():
                return f"NOT ({self.sql(node.part, wider=not wider)})"
            case Range():
                return self._sql_range(node)
        raise AssertionError(node)

    def _sql_parts(self, node: And | Or, *, wider: bool) -> str:
        words = [part for part in node.parts if not has_range(part)]
        parts: list[Node] = [part for part in node.parts if has_range(part)]
        if words:
            parts.append(words[0] if len(words) == 1 else type(node)(tuple(words)))
        link = " AND " if isinstance(node, And) else " OR "
        return link.join([f"({self.sql(part, wider=wider)})" for part in _deepest_first(parts)])

    def _sql_range(self, node: Range) -> str:
        low, high = range_bounds(node)
        column = "a.published" if node.field == "published" else "a.best_score"
        conditions = []
        if low is not None:
            self.params.append(low)
            conditions.append(f"{column} {'>=' if node.include_low else '>'} ?")
        if high is not None:
            self.params.append(high)
            conditions.append(f"{column} {'<=' if node.include_high else '<'} ?")
        return " AND ".join(conditions) or "1"
