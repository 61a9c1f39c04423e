"""From an address to a feed that is watched, or to the reason why not: what adding one and adding many share."""

from datetime import datetime
from urllib.parse import urlsplit

from marsad.errors import ConfigError
from marsad.records import Feed
from marsad.records.ids import feed_id
from marsad_app.cli.feed_check import SeenFeed
from marsad_app.cli.output import cell

__all__ = ["as_feed", "country_code", "refusal", "require_web_address", "silence"]


def require_web_address(url: str) -> None:
    """See that an address is one.

    Raises:
        ConfigError: it is none.
    """
    try:
        parts = urlsplit(url.strip())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{url!r} is no web address; one begins with http:// or https://")


def country_code(country: str) -> str:
    """The country in capitals; empty for none.

    Raises:
        ConfigError: it is no code.
    """
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):  # noqa: PLR2004 - alpha-2
        raise ConfigError(f"{country!r} is no country code; two letters are expected, such as EG")
    return country.upper()


def as_feed(
    url: str,
    seen: SeenFeed | None,
    now: datetime,
    *,
    title: str = "",
    outlet: str = "",
    country: str = "",
    section: str = "",
) -> Feed:
    """The feed at an address.

    Args:
        url: the address.
        seen: what it answered; None where it was not asked.
        now: the present instant.
        title: by default what the feed calls itself.
        outlet: by default the title.
        country: its code, or empty.
        section: the outlet's section, or empty.
    """
    name = title or (seen.title if seen else "") or urlsplit(url).hostname or url
    return Feed(
        id=feed_id(url),
        url=url.strip(),
        title=name,
        outlet=outlet or name,
        country=country,
        section=section,
        kind=(seen.kind if seen else None) or "rss",
        added_at=now,
    )


def refusal(seen: SeenFeed) -> str:
    """Why what was seen is no feed, with the feeds that it offers."""
    why = seen.detail.removeprefix(f"{seen.url}: ") or seen.plan
    if seen.offered:
        why = f"{why.partition('; it offers')[0]}; it offers these feeds: {' '.join(seen.offered)}"
    return f"{seen.state}: {why}"


def silence(seen: SeenFeed | None) -> str:
    """What to say of a feed that gave no answer now; nothing of one that did."""
    if seen is None or seen.kind:
        return ""
    return f"gave no answer now ({seen.state}: {cell(seen.detail)}); it is asked again when it is polled"
