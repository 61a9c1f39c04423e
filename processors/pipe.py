"""``marsad pipe extract|clean|analyze|dates|group``: each stage as a filter over JSON records.

A record that a stage cannot read raises ``PoisonError`` with a sentence; the command line turns it into
``{"id", "error"}`` and goes on.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from marsad.arabic import find_dates, parse_date, tokenize
from marsad.errors import PoisonError
from marsad.records import Article, Feed
from marsad.records.ids import digest
from processors.boilerplate import strip_boilerplate
from processors.clean import clean_fields
from processors.extract import extract, site_of
from processors.group import Grouper
from processors.headline import strip_outlet
from processors.html_text import fragment_paragraphs, read_fragment
from processors.layouts import Layouts
from processors.published import zone_of
from processors.recurring import RecurringLines
from processors.tidy import tidy, tidy_line

__all__ = ["PipeExtractor", "PipeGrouper", "pipe_analyze", "pipe_clean", "pipe_dates"]

_MAX_TEXT: Final = 5_000_000
_UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PipeExtractor:
    """Articles out of pages; one object remembers the layouts and the recurring lines of sites for a run."""

    def __init__(self) -> None:
        self._layouts = Layouts()
        self._lines = RecurringLines()

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Read a page: id, url, html to id, title, text, published, author, section, language, image, problems."""
        url = _string(record, "url")
        page = extract(_string(record, "html", required=True), url, self._layouts)
        lines = self._lines.without(site_of(url), page.title, page.text.split("\n"))
        published = parse_date(page.published_raw, _UNDATED, zone_of(_feed(record))) if page.published_raw else None
        return {
            "id": _id(record),
            "title": page.title,
            "text": "\n".join(lines),
            "published": _iso(published.value) if published else page.published_raw,
            "author": page.author,
            "section": page.section,
            "language": page.language,
            "image": page.image,
            "problems": list(page.problems),
        }


def pipe_clean(record: Mapping[str, Any]) -> dict[str, Any]:
    """Make words fit to read: id, title, text[, lead, published, country] to id, title, lead, text, language, published."""
    title = _string(record, "title")
    outlet = _string(record, "outlet")
    title = strip_outlet(tidy_line(" ".join(fragment_paragraphs(title))), (outlet,), _string(record, "url"))
    paragraphs, told = read_fragment(_string(record, "text"))
    text = tidy("\n".join(paragraphs))
    lead = " ".join(tidy("\n".join(fragment_paragraphs(_string(record, "lead")))).split())
    words = clean_fields(title, text, lead)
    if not words.title and not words.text and not words.lead:
        raise PoisonError("no text: neither title, lead nor text holds a word")
    published, problems = _published(record)
    cleaned = {
        "id": _id(record),
        "title": words.title,
        "lead": words.lead,
        "text": words.text,
        "language": words.language,
        "published": published,
    }
    problems = [*(f"text: {problem}" for problem in told if words.text or words.lead), *problems]
    return {**cleaned, "problems": problems} if problems else cleaned


def _published(record: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the date as ISO 8601 in UTC; a bad one is told, the words are not lost for it."""
    raw = _string(record, "published")
    if not raw:
        return "", []
    parsed = parse_date(raw, _now(record), zone_of(_feed(record)))
    return (_iso(parsed.value), []) if parsed else ("", [f"published: no date in {raw[:80]!r}"])


def pipe_analyze(record: Mapping[str, Any]) -> dict[str, Any]:
    """Show the tokens of a text: id, text to id, tokens [{key, stem, start, end}]."""
    text, problems = _bounded(_string(record, "text", required=True))
    tokens = tokenize(text)
    columns = zip(tokens.keys, tokens.stems, tokens.starts, tokens.ends, strict=True)
    shown = [{"key": key, "stem": stem, "start": start, "end": end} for key, stem, start, end in columns]
    return {"id": _id(record), "tokens": shown, **problems}


def pipe_dates(record: Mapping[str, Any]) -> dict[str, Any]:
    """Find the dates in a text: id, text, now to id, dates [{text, start, end, iso, precision}]."""
    if not record.get("now"):
        raise PoisonError("now: missing; dates such as yesterday count from it, as in 2026-05-12T09:00:00Z")
    text, problems = _bounded(_string(record, "text", required=True))
    found = find_dates(text, _now(record))
    dates = [
        {"text": date.text, "start": date.start, "end": date.end, "iso": date.iso, "precision": date.precision}
        for date in found
    ]
    return {"id": _id(record), "dates": dates, **problems}


def _bounded(text: str) -> tuple[str, dict[str, list[str]]]:
    """Return a text of bounded length, and the problem to tell where it was cut."""
    if len(text) <= _MAX_TEXT:
        return text, {}
    return text[:_MAX_TEXT], {"problems": [f"text of {len(text)} characters cut at {_MAX_TEXT}"]}


class PipeGrouper:
    """Copies and stories over articles in order of time; one object remembers them for a run.

    Args:
        days: How long an article waits for others.
    """

    def __init__(self, days: float = 7) -> None:
        self._grouper = Grouper(days)

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Do what ``step`` does."""
        return self.step(record)

    def step(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Place an article: id, title, text, published[, lead, outlet] to id, story_id, duplicate_of."""
        title, text, lead = (_string(record, name) for name in ("title", "text", "lead"))
        if not (title or text or lead).strip():
            raise PoisonError("no text: neither title, lead nor text holds a word")
        raw = _string(record, "published", required=True)
        parsed = parse_date(raw, _UNDATED, zone_of(_feed(record)))
        if parsed is None:
            raise PoisonError(f"published: no date in {raw[:80]!r}")
        identity = record.get("id")
        article = Article(
            article_id=str(identity) if identity is not None else digest("pipe", title, text),
            title=title,
            lead=lead,
            text="\n".join(strip_boilerplate((text or lead).split("\n"))),
            outlet=_string(record, "outlet"),
            published_at=parsed.value,
            first_seen_at=parsed.value,
        )
        grouping = self._grouper.assign(article)
        return {"id": _id(record), "story_id": grouping.story_id, "duplicate_of": grouping.duplicate_of}


def _id(record: Mapping[str, Any]) -> Any:
    return record.get("id")


def _feed(record: Mapping[str, Any]) -> Feed:
    return Feed(id="pipe", url=_string(record, "url"), title="", outlet="", country=_string(record, "country"))


def _now(record: Mapping[str, Any]) -> datetime:
    raw = _string(record, "now")
    if not raw:
        return _UNDATED
    parsed = parse_date(raw, _UNDATED, UTC)
    if parsed is None:
        raise PoisonError(f"now: no date in {raw[:80]!r}")
    return parsed.value


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _string(record: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """Return a field that must be a string.

    Raises:
        PoisonError: it is not one, or it is missing although it is needed.
    """
    value = record.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise PoisonError(f"{name}: a string is expected, not {'nothing' if value is None else type(value).__name__}")
    return value
