"""One article from several entries: the same address in several feeds, and later revisions of it."""

from collections.abc import Iterable

import msgspec

from marsad.events import Outcome
from marsad.records import Article

__all__ = ["Merged", "merge"]


class Merged(msgspec.Struct, frozen=True):
    """What is to be stored, and what that means."""

    article: Article
    outcome: Outcome
    changed: bool
    """Whether anything is to be written at all."""


def merge(stored: Article | None, incoming: Article, *, retag: bool = False) -> Merged:
    """Bring an article that has just been cleaned together with what is stored under its id.

    - Not stored: it is new.
    - From a feed that it already came from, with other words: a revision, its number one higher.
    - From a further feed: feed, section and GUID are added; the words stay, but for a whole text over a partial one.
    - The same words, decided again on purpose (``retag``): the new tags replace the old ones.
    - Nothing new: unchanged.

    Whatever is changed is a new edition.

    Args:
        stored: what is stored under ``incoming.article_id``, or None.
        incoming: cleaned and tagged, not yet grouped.
        retag: it comes from a reprocessing of history, by the present taxonomy.
    """
    if stored is None:
        return Merged(incoming, Outcome.INDEXED, changed=True)
    gathered = msgspec.structs.replace(
        stored,
        feed_ids=_union(stored.feed_ids, incoming.feed_ids),
        guids=_union(stored.guids, incoming.guids),
        sections=_union(stored.sections, incoming.sections),
        edition=stored.edition + 1,
    )
    same_feed = set(incoming.feed_ids) <= set(stored.feed_ids)
    fuller = bool(stored.partial) and not incoming.partial
    if _words(stored) != _words(incoming) and (fuller or (same_feed and not (incoming.partial and not stored.partial))):
        revised = msgspec.structs.replace(
            incoming,
            feed_ids=gathered.feed_ids,
            guids=gathered.guids,
            sections=gathered.sections,
            published_at=min(stored.published_at, incoming.published_at),
            first_seen_at=min(stored.first_seen_at, incoming.first_seen_at),
            updated_at=incoming.updated_at or incoming.first_seen_at,
            revision=stored.revision + 1,
            edition=stored.edition + 1,
        )
        return Merged(revised, Outcome.REVISED, changed=True)
    if retag and _words(stored) == _words(incoming) and _tags(stored) != _tags(incoming):
        return Merged(_with_tags_of(incoming, gathered), Outcome.RETAGGED, changed=True)
    same = msgspec.structs.replace(gathered, edition=stored.edition) == stored
    return Merged(stored if same else gathered, Outcome.UNCHANGED, changed=not same)


def _tags(article: Article) -> tuple[object, ...]:
    return (article.topics, article.countries, article.places, article.entities, article.taxonomy_version)


def _with_tags_of(tagged: Article, article: Article) -> Article:
    return msgspec.structs.replace(
        article,
        topics=tagged.topics,
        countries=tagged.countries,
        places=tagged.places,
        entities=tagged.entities,
        taxonomy_version=tagged.taxonomy_version,
        pipeline_version=tagged.pipeline_version,
    )


def _words(article: Article) -> tuple[str, str]:
    return (article.title, article.text)


def _union(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
