"""The leaves of a query that are no plain words: values of keyword fields, ranges, wildcards."""

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Final, cast

import msgspec
from luqum import tree

from marsad.arabic.tokens import tokenize
from marsad.query.ast import FieldName, Keyword, KeywordField, Range, TextScope, Wildcard
from marsad.query.fields import country_code, keyword_key
from marsad.query.times import EXPECTED, Period, read_time

__all__ = ["Context", "keyword", "quantity", "wildcard"]

LEAST_PREFIX: Final = 2
"""Letters before the first wildcard: with fewer, a large part of the dictionary would have to be read."""
# Half of all Arabic words: over 24,000 articles ال* takes 350 ms, الم* 80 ms and every other pair of letters less.
_ARTICLE: Final = "ال"
_MOST_WILDCARDS: Final = 8

_WILD: Final = re.compile(r"\\.|[*?]|[^\\*?]+", re.DOTALL)
_STARS: Final = re.compile(r"\*{2,}")

Bound = tuple[datetime | float | None, bool]
"""A bound and whether it belongs to the range."""


class Context(msgspec.Struct, frozen=True):
    """What a query's values depend on besides its text."""

    now: datetime
    zone: tzinfo
    resolve: Callable[[str, str], str | None] | None


def keyword(field: KeywordField, value: str, context: Context) -> Keyword:
    """The value of a keyword field in its stored spelling.

    Raises:
        ValueError: there is no such value; the message says what is expected.
    """
    value = " ".join(value.split())
    if value == "*":
        return Keyword(field, "*")
    if not keyword_key(value):
        raise ValueError(f'expected a value for the field "{field}"')
    if field in {"topic", "country"} and context.resolve is not None:
        found = context.resolve(field, value)
        if found is not None:
            return Keyword(field, found)
    if field == "country":
        code = country_code(value)
        if code is None:
            raise ValueError(f'there is no country "{value}": expected an ISO 3166-1 code such as DZ, or a name')
        return Keyword(field, code)
    if field == "topic" and context.resolve is not None:
        raise ValueError(f'there is no topic "{value}": expected its id, such as sanctions, or its name')
    return Keyword(field, value.casefold() if field in {"topic", "lang"} else value)


def wildcard(written: str, scope: TextScope) -> Wildcard:
    r"""A pattern over keys from a word with ``*`` and ``?`` (``\*`` is no wildcard).

    Raises:
        ValueError: more than one word, too few letters before the first wildcard, or too many wildcards.
    """
    raw, pattern = "", ""
    for part in _WILD.findall(written):
        if part in {"*", "?"}:
            raw, pattern = raw + part, pattern + part
            continue
        tokens = tokenize(part.removeprefix("\\"))
        if len(tokens) > 1:
            raise ValueError("a wildcard stands within one word: expected a word without punctuation")
        if tokens.keys:
            raw += part.removeprefix("\\")[tokens.starts[0] : tokens.ends[0]]
            pattern += tokens.keys[0]
    raw, pattern = _STARS.sub("*", raw), _STARS.sub("*", pattern)
    first = min(pattern.find(wild) for wild in "*?" if wild in pattern)
    if first < LEAST_PREFIX:
        raise ValueError(f"expected at least {LEAST_PREFIX} letters before the first * or ?")
    if pattern[:first] == _ARTICLE:
        raise ValueError(f'nearly every text has words with "{_ARTICLE}": expected a letter after it')
    if pattern.count("*") + pattern.count("?") > _MOST_WILDCARDS:
        raise ValueError(f"expected at most {_MOST_WILDCARDS} wildcards in a word")
    return Wildcard(raw, pattern, scope)


def quantity(item: tree.Item, field: FieldName | None, context: Context) -> Range:
    """The range that is meant for ``published`` or ``score``: ``[a TO b]``, ``>a``, ``<=b``, or one value.

    Raises:
        ValueError: a bound that cannot be read, or bounds in the wrong order.
    """
    field = cast("FieldName", field)
    low: Bound = (None, True)
    high: Bound = (None, True)
    match item:
        case tree.Range():
            low = _low(_value(item.low, field, context), include=item.include_low)
            high = _high(_value(item.high, field, context), include=item.include_high)
        case tree.From():
            low = _low(_value(item.a, field, context), include=item.include)
        case tree.To():
            high = _high(_value(item.a, field, context), include=item.include)
        case _:
            value = _value(item, field, context)
            low, high = _low(value, include=True), _high(value, include=True)
    if low[0] is not None and high[0] is not None and low[0] > high[0]:  # type: ignore[operator]  # same kind for one field
        raise ValueError("the range ends before it begins: expected the smaller bound first")
    return Range(field, low[0], high[0], low[1], high[1])  # type: ignore[arg-type]  # only called for range fields


def _low(value: Period | float | None, *, include: bool) -> Bound:
    if not isinstance(value, Period):
        return value, include or value is None
    if value.instant:
        return value.start, include
    return (value.start if include else value.end), True


def _high(value: Period | float | None, *, include: bool) -> Bound:
    if not isinstance(value, Period):
        return value, include or value is None
    if value.instant:
        return value.end, include
    return (value.end if include else value.start), False


def _value(item: tree.Item, field: FieldName, context: Context) -> Period | float | None:
    """A bound; None where it is open.

    Raises:
        ValueError: it is no date or number.
    """
    sign = ""
    if isinstance(item, tree.Prohibit):
        sign, item = "-", item.a
    if not isinstance(item, tree.Term):
        raise ValueError(  # noqa: TRY004  # it is the query that is wrong, no type of ours
            f'expected {EXPECTED if field == "published" else "a number"} for the field "{field}"'
        )
    text = sign + (item.value[1:-1] if isinstance(item, tree.Phrase) else item.unescaped_value)
    if text == "*":
        return None
    if field == "published":
        period = read_time(text, now=context.now, zone=context.zone)
        if period is None:
            raise ValueError(f'"{text}" is no date: expected {EXPECTED}')
        return period
    return _number(text)


def _number(text: str) -> float:
    """A number in digits of any script.

    Raises:
        ValueError: it is none.
    """
    try:
        number = float(text.replace("٫", "."))
    except ValueError:
        raise ValueError(f'"{text}" is no number: expected one such as 1.5') from None
    if not -1e9 < number < 1e9:  # noqa: PLR2004  # beyond it repr() would use an exponent
        raise ValueError(f'"{text}" is too large: expected a number such as 1.5')
    return number
