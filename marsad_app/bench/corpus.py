"""Real articles as the entries and articles that benches feed in."""

import gzip
import html
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import msgspec

from marsad.errors import ConfigError
from marsad.records import Article, Entry, Feed, Story
from marsad.records.ids import article_id, entry_id, feed_id
from marsad.records.urls import canonical_url

__all__ = ["CORPUS", "Document", "Filing", "article_of", "documents", "entry_of", "feed_of", "page_of", "repeated"]

CORPUS = "ant-2018-h1.jsonl.gz"
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_ROUND = timedelta(days=200)
_JOINING = 0.4
_RECENT = 2_000
_ENDED = 0.01


class Document(msgspec.Struct, frozen=True):
    """One article of the corpus."""

    id: str
    url: str
    source: str
    category: str
    title: str
    text: str
    abstract: str = ""
    time: str = ""
    """As in its feed."""


def documents(folder: Path, limit: int | None = None) -> Iterator[Document]:
    """The corpus in its own order.

    Raises:
        ConfigError: it is not in that folder.
    """
    path = folder / CORPUS
    if not path.is_file():
        raise ConfigError(f"{path} is not there; set MARSAD_EVAL_DATA to the folder that holds it")
    decoder = msgspec.json.Decoder(Document)
    with gzip.open(path, "rb") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            yield decoder.decode(line)


def repeated(folder: Path, limit: int, into: Path) -> Path:
    """The file of the corpus, or where ``limit`` is more than it holds, one with the corpus again and again under other ids and later times.

    Raises:
        ConfigError: it is not in that folder.
    """
    news = list(documents(folder))
    if limit <= len(news):
        return folder / CORPUS
    with gzip.open(into, "wb", compresslevel=1) as lines:
        for number in range(limit):
            copy, place = divmod(number, len(news))
            document = news[place]
            later = format_datetime(parsedate_to_datetime(document.time) + copy * _ROUND)
            lines.write(
                msgspec.json.encode(msgspec.structs.replace(document, id=f"{document.id}-{copy}", time=later)) + b"\n"
            )
    return into


def feed_of(document: Document) -> Feed:
    """A feed for its source and section."""
    url = f"http://{document.source.lower()}.invalid/{document.category.lower()}.xml"
    return Feed(id=feed_id(url), url=url, title=document.source, outlet=document.source, section=document.category)


def page_of(document: Document) -> str:
    """An article page around its text, with navigation, related links and a footer."""
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in document.text.split("\n") if part.strip())
    return (
        f'<!doctype html><html lang="ar" dir="rtl"><head><meta charset="utf-8"><title>{html.escape(document.title)}</title></head><body>'
        f"<nav><ul><li>الرئيسية</li><li>سياسة</li></ul></nav><main><article><h1>{html.escape(document.title)}</h1>{paragraphs}</article></main>"
        "<aside><h3>اقرأ أيضا</h3><ul><li>خبر آخر</li></ul></aside><footer>جميع الحقوق محفوظة</footer></body></html>"
    )


def entry_of(document: Document, number: int, *, page: bool) -> Entry:
    """The entry that its feed would give: a summary with its page, or the whole text."""
    feed = feed_of(document)
    seen = _EPOCH + timedelta(seconds=number)
    return Entry(
        entry_id=entry_id(feed.id, document.id),
        article_id=article_id(canonical_url(document.url), feed.id, document.id),
        feed_id=feed.id,
        url=document.url,
        guid=document.id,
        guids=(document.id,),
        title=document.title,
        summary_html=html.escape(document.abstract),
        content_html="" if page else "".join(f"<p>{html.escape(part)}</p>" for part in document.text.split("\n")),
        page_html=page_of(document) if page else "",
        published_raw=seen.isoformat(),
        first_seen_at=seen,
        fetched_at=seen,
    )


def article_of(document: Document, number: int, copy: int = 0) -> Article:
    """A clean article, without tags, for filling an index; copies differ in id and time."""
    seen = _EPOCH + timedelta(seconds=number * 97 + copy)
    return Article(
        article_id=article_id(f"{document.id}#{copy}", "", ""),
        url=document.url,
        guids=(f"{document.id}#{copy}",),
        title=document.title,
        lead=document.abstract,
        text=document.text,
        language="ar",
        outlet=document.source,
        sections=(document.category,),
        published_at=seen,
        first_seen_at=seen,
        story_id=article_id(f"{document.id}#{copy}", "", ""),
    )


class Filing:
    """Files articles under stories, as news comes: of five articles two tell what one of the last 2,000 told.

    Among 100,000 articles that makes 60,000 stories, of which a third have two articles or more and the biggest has 65.
    """

    def __init__(self) -> None:
        self._chance = random.Random(7)  # noqa: S311 - a sample, no secret
        self._recent: list[str] = []
        self._sizes: dict[str, int] = {}

    def file(self, article: Article) -> Article:
        """The article under its story."""
        story = article.article_id
        if self._recent and self._chance.random() < _JOINING:
            story = self._chance.choice(self._recent[-_RECENT:])
        self._recent.append(story)
        self._sizes[story] = self._sizes.get(story, 0) + 1
        return msgspec.structs.replace(article, story_id=story)

    def stories(self) -> Iterator[Story]:
        """The stories; one in a hundred ended in the one that was told next."""
        later = ""
        for story, size in reversed(self._sizes.items()):
            into = later if self._chance.random() < _ENDED else ""
            yield Story(
                story_id=story, headline="", first_seen_at=_EPOCH, last_seen_at=_EPOCH, size=size, merged_into=into
            )
            later = story
