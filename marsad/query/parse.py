"""Reads a query: Lucene syntax, by luqum's grammar, into the tree that the three compilers share.

Words stand for all of them (``AND``), which binds weaker than ``OR``: ``روسيا ship OR navy`` is روسيا and one of the two.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final, NoReturn, cast

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as parse_lucene

from marsad.arabic.keyform import key_form, strip_marks
from marsad.arabic.stem import stem
from marsad.arabic.tokens import tokenize
from marsad.errors import QueryError
from marsad.query.ast import And, FieldName, KeywordField, MatchAll, Node, Not, Or, Phrase, TextScope, Word
from marsad.query.fields import field_kind, field_name, suggestion
from marsad.query.joined import begins_name, either_way
from marsad.query.scan import MAX_NESTING, Scanned, scan
from marsad.query.values import Context, keyword, quantity, wildcard
from marsad.query.widen import Names, widened

__all__ = ["MAX_CLAUSES", "MAX_SLOP", "Resolve", "parse"]

Resolve = Callable[[str, str], str | None]
"""Turns what was written for a keyword field (its name, the value) into the stored value; None if there is no such."""

MAX_CLAUSES: Final = 200
"""Words, phrases, values and ranges in a query."""
MAX_SLOP: Final = 50
"""Positions that the words of a phrase may be off."""
_BOOSTS: Final = (0.01, 100.0)

# A group and the operation in it are a level each; the rest is for fields, boosts and negations. Each level costs three
# Python frames, of which there are a thousand.
_MAX_DEPTH: Final = 2 * MAX_NESTING + 30

_AT: Final = re.compile(r"at position (\d+)")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def parse(
    text: str, *, now: datetime, zone: tzinfo = UTC, resolve: Resolve | None = None, names: Names | None = None
) -> Node:
    """Read a query.

    Args:
        text: the query as written; nothing but spaces means every article.
        now: the instant that relative times start from.
        zone: where days begin, for dates without a zone.
        resolve: finds the stored value of a topic or country by its name; country names of CLDR are known without it.
        names: finds what else a word or phrase calls the same thing; such names are then searched for as well.

    Raises:
        QueryError: it cannot be understood or is too large; says where, and what was expected there.
    """
    scanned = scan(text)
    if not strip_marks(text).strip():
        return MatchAll()
    reader = _Reader(scanned, Context(now=now, zone=zone, resolve=resolve))
    node = reader.read(_grammar(scanned)) if scanned.text.strip() else None
    if node is None:
        raise QueryError("expected a word: there is nothing but punctuation", 0)
    return node if names is None else widened(node, names)


def _grammar(scanned: Scanned) -> tree.Item:
    """Read the scanned query with luqum.

    Raises:
        QueryError: the grammar has no such sentence.
    """
    try:
        return parse_lucene(scanned.text)
    except ParseError as error:
        found = _AT.search(str(error))
        at = int(found.group(1)) if found else len(scanned.text)
        raise QueryError(_expected(scanned.text, at), scanned.places[at]) from None


def _expected(text: str, at: int) -> str:
    """What should have stood at ``at``, as a sentence."""
    rest = text[at:].split(maxsplit=1)
    before = text[:at].rstrip()
    if not rest:
        return f'the query ends too early: expected a word, a "phrase" or a group after "{before.split()[-1]}"'
    found = re.match(r"[()\[\]{}:^~+\-<>]|[^\s()\[\]{}:^~]+", rest[0])
    what = found.group() if found else rest[0]
    if re.search(r"[\[{][^\]}]*$", before):
        return f'expected a range such as [2026-01-01 TO now] but found "{what}"'
    return f'expected a word, a "phrase", a field or a group but found "{what}"'


class _Reader:
    """Turns luqum's tree into ours; counts clauses and levels on the way."""

    def __init__(self, scanned: Scanned, context: Context) -> None:
        self._scanned = scanned
        self._context = context
        self._clauses = 0
        self._depth = 0

    def read(self, item: tree.Item, field: FieldName | None = None, boost: float = 1.0) -> Node | None:
        """Our node for one of luqum's; None where it is only punctuation."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self.fail(f"expected at most {_MAX_DEPTH} levels of operators, fields and groups", item)
        node = self._read(item, field, boost)
        self._depth -= 1
        return node

    def fail(self, reason: str, item: tree.Item, *, offset: int = 0) -> NoReturn:
        """Raise with the place of the item."""
        at = min((item.pos or 0) + offset, len(self._scanned.places) - 1)
        raise QueryError(reason, self._scanned.places[at])

    def _read(self, item: tree.Item, field: FieldName | None, boost: float) -> Node | None:  # noqa: PLR0911  # one for each kind of item
        match item:
            case tree.SearchField():
                return self._search_field(item, field, boost)
            case tree.BaseGroup():
                return self.read(item.expr, field, boost)
            case tree.BaseOperation():
                return self._operation(item, field, boost)
            case tree.Not() | tree.Prohibit():
                return self._negation(item, field)
            case tree.Plus():
                return self.read(item.a, field, boost)
            case tree.Boost():
                return self._boosted(item, field, boost)
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            self.fail(f"expected at most {MAX_CLAUSES} words, phrases and values", item)
        return self._leaf(item, field, boost)

    def _search_field(self, item: tree.SearchField, field: FieldName | None, boost: float) -> Node | None:
        written = _unescape(item.name)
        if written == "*" and isinstance(item.expr, tree.Word) and item.expr.value == "*":
            return MatchAll()
        name = field_name(written)
        if name is None:
            near = suggestion(written)
            hint = f'did you mean "{near}"?' if near else 'to search for a colon, put "quotes" around the words'
            self.fail(f'there is no field "{written}": {hint}', item)
        if field is not None:
            self.fail(f'expected words for "{field}", but found the field "{written}" within it', item)
        return self.read(item.expr, name, boost)

    def _operation(self, item: tree.BaseOperation, field: FieldName | None, boost: float) -> Node | None:
        kind = Or if isinstance(item, tree.OrOperation) else And
        parts: list[Node] = []
        for operand in item.operands:
            part = self.read(operand, field, boost)
            if isinstance(part, kind):
                # Both spellings of a name, each of which means both, are no more than one of them.
                parts.extend([each for each in part.parts if kind is And or each not in parts])
            elif part is not None:
                name = _name_of(parts[-1], part) if kind is And and parts else None
                parts[-1:] = [name] if name is not None else [*parts[-1:], part]
        if len(parts) < 2:  # noqa: PLR2004  # one operand is itself
            return parts[0] if parts else None
        return kind(tuple(parts))

    def _negation(self, item: tree.Unary, field: FieldName | None) -> Node | None:
        part = self.read(item.a, field)
        if isinstance(part, Not):
            return part.part
        return None if part is None else Not(part)

    def _boosted(self, item: tree.Boost, field: FieldName | None, boost: float) -> Node | None:
        least, most = _BOOSTS
        force = round(boost * float(item.force), 6)
        if not least <= force <= most:
            self.fail(f"expected a boost between {least:g} and {most:g}", item, offset=(item.size or 1) - 1)
        return self.read(item.expr, field, force)

    def _leaf(self, item: tree.Item, field: FieldName | None, boost: float) -> Node | None:
        if isinstance(item, tree.Fuzzy):
            self.fail('"~" follows a "phrase"; for spellings of one word write wor* or (one OR other)', item)
        kind = "text" if field is None else field_kind(field)
        if kind == "range":
            return self._problems(item, lambda: quantity(item, field, self._context))
        if isinstance(item, (tree.Range, tree.OpenRange)):
            self.fail('a range is for the fields "published" and "score"', item)
        if kind == "keyword":
            return self._keyword(item, cast("KeywordField", field))
        return self._text(item, cast("TextScope", field or "any"), boost)

    def _problems(self, item: tree.Item, read: Callable[[], Node]) -> Node:
        """Call, and put the place of the item to what is wrong."""
        try:
            return read()
        except ValueError as error:
            self.fail(str(error), item)

    def _keyword(self, item: tree.Item, field: KeywordField) -> Node:
        if isinstance(item, tree.Proximity):
            self.fail(f'"~" is for phrases of text, not for the field "{field}"', item)
        quoted = isinstance(item, tree.Phrase)
        value = item.value[1:-1] if quoted else item.value
        if not quoted and value != "*" and item.has_wildcard():
            self.fail(f'a wildcard is for words of text; "{field}" takes whole values, or * alone for any', item)
        return self._problems(item, lambda: keyword(field, _unescape(value), self._context))

    def _text(self, item: tree.Item, scope: TextScope, boost: float) -> Node | None:
        if isinstance(item, tree.Word) and item.value == "*" and scope == "any":
            return MatchAll()
        if isinstance(item, tree.Word) and item.has_wildcard():
            return self._problems(item, lambda: wildcard(item.value, scope))
        slop = 0
        if isinstance(item, tree.Proximity):
            slop, item = item.degree, item.term
            if slop > MAX_SLOP:
                self.fail(f'expected at most {MAX_SLOP} after "~"', item, offset=item.size + 1)
        quoted = isinstance(item, tree.Phrase)
        raw = _unescape(item.value[1:-1] if quoted else item.value)
        tokens = tokenize(raw)
        if not tokens.keys:
            if quoted:
                self.fail("expected words between the quotation marks", item)
            return None
        if len(tokens) > MAX_CLAUSES:
            self.fail(f"expected at most {MAX_CLAUSES} words in a phrase", item)
        if quoted or len(tokens) > 1:
            return either_way(Phrase(raw, tokens.keys, scope, slop if len(tokens) > 1 else 0, boost))
        return either_way(Word(raw[tokens.starts[0] : tokens.ends[0]], stem(tokens.keys[0]), scope, boost))


def _name_of(first: Node, second: Node) -> Node | None:
    """The name that two words beside each other are (عبد الله), in both spellings; None where they are none."""
    if not isinstance(first, Word) or not isinstance(second, Word) or first.scope != second.scope:
        return None
    keys = (key_form(first.raw), key_form(second.raw))
    return either_way(Phrase(" ".join(keys), keys, first.scope, 0, first.boost)) if begins_name(*keys) else None


def _unescape(value: str) -> str:
    return _ESCAPE.sub(r"\1", value)
