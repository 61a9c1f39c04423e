"""Clean: a raw entry becomes an article in the reader's own words. Pure; the clock comes in as an argument."""

from datetime import UTC, datetime
from typing import Final

import msgspec

from marsad.arabic import detect
from marsad.errors import PoisonError
from marsad.records import Article, Entry, Feed
from marsad.records.urls import clean_url
from processors.boilerplate import strip_boilerplate
from processors.extract import Extracted, extract
from processors.headline import lead_of, strip_outlet
from processors.html_text import fragment_paragraphs, read_fragment
from processors.published import published
from processors.tidy import tidy, tidy_line

__all__ = ["PIPELINE_VERSION", "clean", "clean_fields", "language_of"]

PIPELINE_VERSION: Final = "3"
"""Changes whenever the same entry would give another article."""

_MAX_TITLE: Final = 1_000
_MAX_TEXT: Final = 500_000
"""The longest real article seen has 60,000 characters."""
_SAMPLE: Final = 200
"""Characters that language is judged by; forty letters are enough."""
_SHORT: Final = 200
_MAX_NAMES: Final = 20


class Fields(msgspec.Struct, frozen=True):
    """The clean words of an article."""

    title: str
    lead: str
    text: str
    language: str


def clean(entry: Entry, feed: Feed, *, now: datetime | None = None, page: Extracted | None = None) -> Article:
    """Turn an entry into an article.

    Args:
        entry: As the feed gave it.
        feed: Where it came from: outlet, country, zone.
        now: What bounds dates in the future; the instant of first sight where it is not given, so that a replay agrees.
        page: What was read from the entry's page, where that was done elsewhere; else the page is read here.

    Raises:
        PoisonError: the entry has neither a title nor a text.
    """
    if page is None:
        page = extract(entry.page_html, entry.page_url or entry.url) if entry.page_html else Extracted()
    summary = strip_boilerplate(_paragraphs(entry.summary_html))
    text, partial = _body(entry, feed, page, summary)
    title = strip_outlet(
        tidy_line(_plain(entry.title)[:_MAX_TITLE]) or page.title, (feed.outlet, feed.title), entry.url or feed.url
    )
    words = clean_fields(title, text, " ".join(summary))
    if not words.title and not words.text:
        raise PoisonError(f"no text: entry {entry.guid or entry.url or entry.entry_id} has neither title nor text")
    when = published(
        entry.published_raw or entry.updated_raw,
        page.published_raw,
        feed,
        first_seen=entry.first_seen_at,
        now=now or entry.first_seen_at,
        doubt=entry.date_doubt,
    )
    return Article(
        article_id=entry.article_id,
        url=clean_url(entry.canonical or entry.url),
        guids=tuple(dict.fromkeys(guid for guid in (*entry.guids, entry.guid) if guid)),
        feed_ids=(entry.feed_id,),
        title=words.title,
        lead=words.lead,
        text=words.text,
        language=words.language,
        authors=_names((*entry.authors, page.author) if not entry.authors else entry.authors),
        outlet=feed.outlet,
        outlet_country=feed.country,
        sections=_names((feed.section, *entry.categories, page.section)),
        image=_image(entry, page),
        published_at=when.at,
        published_precision=when.precision,
        published_zone=when.zone,
        published_raw=when.raw,
        date_problem=when.problem,
        first_seen_at=entry.first_seen_at,
        updated_at=_updated(entry, feed, now),
        revision=entry.revision,
        pipeline_version=PIPELINE_VERSION,
        partial=partial,
    )


def clean_fields(title: str, text: str, summary: str = "") -> Fields:
    """Finish clean words: the title's repetition and boilerplate off the text, the lead, the language."""
    text = "\n".join(strip_boilerplate(text.split("\n"), title=title)) if text else ""
    lead = lead_of(summary, text)
    return Fields(title, lead, text, language_of(f"{title} {text[:_SAMPLE]}"))


def _plain(html: str) -> str:
    return " ".join(fragment_paragraphs(html)) if "<" in html else html


def _paragraphs(html: str) -> list[str]:
    if not html:
        return []
    return tidy("\n".join(fragment_paragraphs(html))).split("\n")


def _body(entry: Entry, feed: Feed, page: Extracted, summary: list[str]) -> tuple[str, str]:
    """Choose the text, and say why it is partial if it is."""
    content, wrong = read_fragment(entry.content_html) if entry.content_html else ([], ())
    own = tidy("\n".join(content)) if content else ""
    short = "\n".join(summary)
    if page.text and len(page.text) >= min(_SHORT, len(short)) and 2 * len(page.text) >= len(own):
        return _cut(page.text, "")
    problem = entry.page_problem or (("; ".join(page.problems) or "little text on the page") if entry.page_html else "")
    if own and len(own) >= len(short):
        return _cut(own, problem or "; ".join(wrong))
    if feed.full_text:
        return _cut(short, "")
    return _cut(short, problem or "the feed gives only a summary")


def _cut(text: str, problem: str) -> tuple[str, str]:
    """Return a text of bounded length, and what it is partial for."""
    if len(text) <= _MAX_TEXT:
        return text, problem
    return text[:_MAX_TEXT], problem or f"text of {len(text)} characters cut at {_MAX_TEXT}"


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    clean_values = (tidy_line(value)[:200] for value in values[:_MAX_NAMES])
    return tuple(dict.fromkeys(value for value in clean_values if value))


def _image(entry: Entry, page: Extracted) -> str:
    attached = (file.url for file in entry.enclosures if file.type.startswith("image/"))
    url = entry.image or next(attached, "") or page.image
    return clean_url(url) if url else ""


def _updated(entry: Entry, feed: Feed, now: datetime | None) -> datetime | None:
    if not entry.updated_raw or entry.updated_raw == entry.published_raw:
        return None
    first_seen = entry.first_seen_at
    found = published(entry.updated_raw, "", feed, first_seen=first_seen, now=now or entry.fetched_at)
    return None if found.problem else found.at.astimezone(UTC)


def language_of(text: str) -> str:
    """Return the language of a text as ISO 639-1 (639-3 where there is none), empty where it has no letters."""
    found = detect(text)
    if found or not any(map(str.isalpha, text)):
        return found or ""
    return _classify(text)


def _classify(text: str) -> str:
    from py3langid import classify  # noqa: PLC0415 - a model of 4 MB that few texts need

    language: str = classify(text)[0]
    # Arabic script was ruled out by its letters: what the model takes for it is noise.
    return "" if language in {"ar", "fa", "ur", "ps", "ug", "ku"} else language
