"""Why a text gets its topics."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from marsad.errors import ConfigError
from marsad.records import Evidence
from marsad.records.ids import article_id
from marsad.records.urls import canonical_url
from marsad.taxonomy import Taxonomy, analyse
from marsad_app.cli.opening import existing_store, pick, read_bounded
from processors.tag import Tagger

__all__ = ["Explained", "TopicScore", "explained"]

_LARGEST = 5_000_000
_HEX = frozenset("0123456789abcdef")


class TopicScore(msgspec.Struct, frozen=True):
    """A topic that has a hit or was given. ``score`` is 1.0 at the threshold."""

    id: str
    score: float
    tagged: bool
    words: tuple[str, ...] = ()
    """The words of the text that spoke for it, as they stand there."""


class Explained(msgspec.Struct, frozen=True):
    """All topics with a hit or a tag, best first."""

    title: str
    topics: tuple[TopicScore, ...]


def explained(source: str, taxonomy: Taxonomy) -> Explained:
    """Tag a file, a stored article, or standard input.

    Raises:
        ConfigError: the source is neither, or cannot be read.
        StoreError: an id is given and there is no store.
    """
    title, lead, text = _read(source)
    fields = {"title": title, "lead": lead, "text": text}
    tagger = Tagger(taxonomy)
    analysed = analyse(title, lead, text)
    tags = {tag.id: tag for tag in tagger.tag_analysed(analysed)}
    final = tagger.final_scores(analysed)
    shown = tagger.scores(analysed).keys() | tags.keys()
    scores = sorted(((topic, final.get(topic, 0.0)) for topic in shown), key=lambda item: (-item[1], item[0]))
    return Explained(
        title,
        tuple(
            TopicScore(
                topic_id,
                round(score, 3),
                topic_id in tags,
                _spoke(fields, tags[topic_id].evidence if topic_id in tags else tagger.words(topic_id, analysed)),
            )
            for topic_id, score in scores
        ),
    )


def _spoke(fields: Mapping[str, str], evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fields[hit.field][hit.start : hit.end] for hit in evidence))


def _read(source: str) -> tuple[str, str, str]:
    """Title, lead and text."""
    if source == "-":
        return _split(sys.stdin.buffer.read(_LARGEST), "standard input")
    path = Path(source)
    if path.is_file():
        return _split(read_bounded(path, _LARGEST), source)
    if source.startswith(("http://", "https://")):
        return _by_address(source)
    if not set(source) <= _HEX:
        raise ConfigError(f"{source}: no such file, and no article id either (ids have the digits 0-9 and a-f)")
    with existing_store() as store:
        article = store.search.article(source)
        if article is None:
            article = pick("article", source, ((known.article_id, known) for known in store.search.export()))
    return article.title, article.lead, article.text


def _by_address(address: str) -> tuple[str, str, str]:
    """The stored article of an address."""
    with existing_store() as store:
        article = store.search.article(article_id(canonical_url(address), "", ""))
    if article is None:
        raise ConfigError(f"{address}: no article of that address is stored")
    return article.title, article.lead, article.text


def _split(content: bytes, name: str) -> tuple[str, str, str]:
    try:
        whole = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: not UTF-8 (byte {error.start})") from error
    title, _, text = whole.strip().partition("\n")
    if not title:
        raise ConfigError(f"{name}: nothing in it; the first line is the title, the rest the text")
    return title.strip(), "", text.strip()
