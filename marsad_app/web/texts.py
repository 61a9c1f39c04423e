"""The words of the user interface in Arabic and English, and dates and numbers as each language writes them."""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_timedelta, get_month_names
from babel.numbers import format_decimal
from markupsafe import Markup, escape

__all__ = ["LANGUAGES", "Language", "Texts", "language_of", "span_after", "zone_named"]

Language = Literal["ar", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("ar", "en")

_ZONE: Final = re.compile(r"[A-Za-z0-9_+-]{1,20}(?:/[A-Za-z0-9_+-]{1,30}){0,2}")
_COMMA: Final = {"ar": "، ", "en": ", "}


@cache
def _catalogue() -> dict[str, dict[str, dict[str, Any]]]:
    folder = files("marsad_app.web") / "wording"
    merged: dict[str, dict[str, dict[str, Any]]] = {}
    for name in ("pages", "feeds"):
        merged.update(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))
    return merged


def language_of(asked: str | None) -> Language:
    """The language of the interface; Arabic where nothing else was asked for."""
    return "en" if asked == "en" else "ar"


def zone_named(name: str | None) -> ZoneInfo:
    """The time zone that a reader's browser named; UTC for none, or one that is unknown."""
    # Names are keys of files: whatever is no plain zone name must not reach the file system.
    if not name or not _ZONE.fullmatch(name):
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


@cache
def _locale(language: Language) -> Locale:
    return Locale.parse(language if language == "ar" else "en_GB")


def _span(seconds: float, language: Language) -> str:
    return format_timedelta(timedelta(seconds=seconds), locale=_locale(language), threshold=1)


def span_after(seconds: float, language: Language) -> str:
    """A length of time after words such as *since* and *each*: there Arabic has another form for two."""
    told = _span(seconds, language)
    # Two is told without a number: the word ends in -an or, here, in -ayn.
    return f"{told[:-2]}ين" if language == "ar" and told.isalpha() and told.endswith("ان") else told


class Texts:
    """The interface in one language, for one reader.

    Args:
        language: the language.
        now: the present, for relative times.
        zone: where times of day are told.
    """

    def __init__(self, language: Language, now: datetime, zone: ZoneInfo | None = None) -> None:
        self.language: Language = language
        self.direction = "rtl" if language == "ar" else "ltr"
        self.locale = _locale(language)
        self._now = now
        self._zone = zone or ZoneInfo("UTC")

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key such as ``search.title``; with ``n`` the plural form of that number.

        Raises:
            KeyError: there is no such text.
        """
        return self._raw(key, values).format(**{name: self._shown(value) for name, value in values.items()})

    def rich(self, key: str, **values: object) -> Markup:
        """The text as HTML, each value escaped and isolated from the direction around it."""
        isolated = {
            name: value if isinstance(value, Markup) else Markup("<bdi>{}</bdi>").format(self._shown(value))
            for name, value in values.items()
        }
        return escape(self._raw(key, values)).format(**isolated)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        section, _, name = key.partition(".")
        return name in _catalogue().get(section, {})

    def _raw(self, key: str, values: Mapping[str, object]) -> str:
        section, _, name = key.partition(".")
        text = _catalogue()[section][name][self.language]
        if isinstance(text, str):
            return text
        number = values.get("n", 0)
        form = self.locale.plural_form(number if isinstance(number, (int, float)) else 0)
        return str(text.get(form, text["other"]))

    def _shown(self, value: object) -> str:
        return self.number(value) if isinstance(value, (int, float)) else str(value)

    def number(self, value: float) -> str:
        """A number with the separators of the language."""
        return format_decimal(value, locale=self.locale)

    def country(self, code: str) -> str:
        """The name of a country; its code where it has none."""
        return str(self.locale.territories.get(code, code))

    def tongue(self, code: str) -> str:
        """The name of a language; its code where it has none."""
        return str(self.locale.languages.get(code, code))

    def join(self, parts: list[str]) -> str:
        """A list as the language writes it."""
        return _COMMA[self.language].join(parts)

    def day(self, value: date) -> str:
        """A day; in Arabic with both names of the month, since readers know one or the other."""
        if self.language == "en":
            return format_date(value, "d MMMM y", locale=self.locale)
        levantine = get_month_names("wide", locale="ar_SY")[value.month]
        month = get_month_names("wide", locale="ar")[value.month]
        return f"{value.day} {month if month == levantine else f'{month}/{levantine}'} {value.year}"

    def weekday(self, number: int) -> str:
        """The name of a day of the week; 0 is Monday."""
        return str(self.locale.days["stand-alone"]["wide"][number])

    def short_day(self, value: date) -> str:
        """A day without the year."""
        return format_date(value, "d MMM", locale=self.locale)

    def moment(self, value: datetime) -> str:
        """A day and the time of day with its zone."""
        local = value.astimezone(self._zone)
        zone = "UTC" if local.utcoffset() == timedelta() else f"UTC{local:%z}"
        return f"{self.day(local.date())}{_COMMA[self.language]}{local:%H:%M} {zone}"

    def clock(self, value: datetime) -> str:
        """The time of day."""
        return f"{value.astimezone(self._zone):%H:%M}"

    def local_date(self, value: datetime) -> date:
        """The reader's day of an instant."""
        return value.astimezone(self._zone).date()

    def ago(self, value: datetime) -> str:
        """How long ago, or in what time."""
        distance = value - self._now
        if abs(distance) < timedelta(seconds=45):
            return self("time.now")
        return format_timedelta(distance, add_direction=True, locale=self.locale, threshold=1)

    def span(self, seconds: float) -> str:
        """A length of time, as it stands alone."""
        return _span(seconds, self.language)

    def stamp(self, value: datetime) -> Markup:
        """A relative time, with the exact one to be seen on it."""
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            value.astimezone(UTC).isoformat(timespec="seconds"), self.moment(value), self.ago(value)
        )

    def exact(self, value: datetime) -> Markup:
        """The exact time, with the relative one in brackets."""
        return Markup('<time datetime="{}">{}</time> <span class="quiet">({})</span>').format(
            value.astimezone(UTC).isoformat(timespec="seconds"), self.moment(value), self.ago(value)
        )
