"""The fields of a query: names in English and Arabic, what a misspelt one may have meant, and country names."""

import re
from difflib import get_close_matches
from functools import cache
from typing import Final, Literal

from babel import Locale

from marsad.arabic.keyform import key_form
from marsad.query.ast import FieldName

__all__ = [
    "ALIASES",
    "SHORT_NAMES",
    "FieldKind",
    "country_code",
    "field_kind",
    "field_name",
    "keyword_key",
    "suggestion",
]

FieldKind = Literal["text", "keyword", "range"]

_KINDS: Final[dict[FieldName, FieldKind]] = {
    "title": "text",
    "text": "text",
    "topic": "keyword",
    "country": "keyword",
    "place": "keyword",
    "entity": "keyword",
    "outlet": "keyword",
    "feed": "keyword",
    "lang": "keyword",
    "story": "keyword",
    "published": "range",
    "score": "range",
}

ALIASES: Final[dict[str, FieldName]] = {
    "عنوان": "title",
    "نص": "text",
    "موضوع": "topic",
    "بلد": "country",
    "دولة": "country",
    "مكان": "place",
    "كيان": "entity",
    "مصدر": "outlet",
    "خلاصة": "feed",
    "لغة": "lang",
    "قصة": "story",
    "نشر": "published",
    "تاريخ": "published",
    "درجة": "score",
    "headline": "title",
    "body": "text",
    "source": "outlet",
    "language": "lang",
    "date": "published",
}
"""Other names of the fields; each may also carry the article (الموضوع)."""

_NAMES: Final[dict[str, FieldName]] = {name: name for name in _KINDS} | {
    key_form(alias): name for alias, name in ALIASES.items()
}

# CLDR also names groups of states, private-use codes and islands that ISO 3166-1 does not list.
_NO_COUNTRY: Final = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})
_CODE: Final = re.compile("[A-Z]{2}")
_COMMON_CODES: Final = {"UK": "GB", "EL": "GR"}
# What everybody writes and CLDR does not.
SHORT_NAMES: Final = {
    "السعودية": "SA", "الإمارات": "AE", "أمريكا": "US", "أميركا": "US", "الولايات المتحدة الأمريكية": "US",
    "بريطانيا": "GB", "سورية": "SY", "فلسطين": "PS", "هونغ كونغ": "HK", "الكونغو الديمقراطية": "CD", "بورما": "MM",
    "USA": "US", "UAE": "AE", "Britain": "GB", "KSA": "SA", "Palestine": "PS", "Turkey": "TR", "Czech Republic": "CZ",
}  # fmt: skip


def field_name(written: str) -> FieldName | None:
    """The field that a name before a colon means; None if there is none."""
    key = key_form(written)
    return _NAMES.get(key) or _NAMES.get(key.removeprefix("ال"))


def field_kind(name: FieldName) -> FieldKind:
    """Whether the field holds text, exact values or a quantity."""
    return _KINDS[name]


def suggestion(written: str) -> str | None:
    """The field name that is nearest to a misspelt one, in the alphabet in which it was written."""
    key = key_form(written)
    shown = {key_form(alias): alias for alias in ALIASES} | {name: name for name in _KINDS}
    near = get_close_matches(key, shown, n=1, cutoff=0.6) or get_close_matches(
        key.removeprefix("ال"), shown, n=1, cutoff=0.6
    )
    return shown[near[0]] if near else None


def keyword_key(value: str) -> str:
    """The form under which values of keyword fields are compared: key form, single spaces, no lone surrogates."""
    return " ".join(key_form(value).encode("utf-8", "replace").decode().split())


def country_code(value: str) -> str | None:
    """The ISO 3166-1 alpha-2 code that a code or a name in Arabic, English or French means; None if there is none.

    Names are those of Unicode CLDR, compared in key form, with or without the Arabic article.
    """
    code = _COMMON_CODES.get(value.upper(), value.upper())
    names = _countries()
    if len(value) == 2 and value.isascii():  # noqa: PLR2004  # the length of an alpha-2 code
        return code if code in names else None
    key = keyword_key(value)
    return names.get(key) or names.get(key.removeprefix("ال")) or names.get(f"ال{key}")


@cache
def _countries() -> dict[str, str]:
    """Names in key form, and the codes themselves, to codes."""
    found = {keyword_key(name): code for name, code in SHORT_NAMES.items()}
    for language in ("ar", "en", "fr"):
        for code, name in Locale(language).territories.items():
            if _CODE.fullmatch(code) and code not in _NO_COUNTRY:
                found.setdefault(keyword_key(name), code)
                found[code] = code
    return found
