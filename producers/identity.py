"""Which entry is which: within one document and from poll to poll. Pure.

An entry is known by its GUID, else by its link, else by its content. Feeds break each of the three: GUIDs that are given
anew at each poll or reused for other news, one link under two GUIDs, one link for all entries. What follows holds for all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from marsad.normalform import nfc
from marsad.records import Seen
from marsad.records.ids import article_id, content_hash, entry_id
from marsad.records.urls import canonical_url
from producers.parse import KeptEntry, ParsedEntry
from producers.parse.htmltext import plain_text

__all__ = ["Candidate", "Known", "candidates", "guids_reused", "kept", "only_renamed"]

_SHARED_BY: Final = 3
_FEW: Final = 3
_REUSED_SHARE: Final = 0.5
_RENAMED_SHARE: Final = 0.8
_RENAMED_LEAST: Final = 5


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a document with all that it may be known by."""

    parsed: ParsedEntry
    link: str
    """Canonical; empty where the link does not tell entries apart."""
    guid: str
    """Empty where the GUID does not tell entries apart."""
    guids: tuple[str, ...]
    content: str


class Known(msgspec.Struct, frozen=True):
    """What is remembered of a feed, ready for look-ups."""

    by_id: Mapping[str, Seen]
    by_article: Mapping[str, str]
    by_content: Mapping[str, str]

    @classmethod
    def of(cls, seen: Mapping[str, Seen]) -> "Known":
        """Index the remembered entries; where two share a link or content, the one seen last counts."""
        in_order = sorted(seen.items(), key=lambda item: item[1].at)
        return cls(
            by_id=seen,
            by_article={entry.article: key for key, entry in in_order},
            by_content={entry.content: key for key, entry in in_order},
        )

    def find(self, feed: str, candidate: Candidate, *, trust_guids: bool = True, by_content: bool = False) -> str:
        """The id under which a candidate is remembered; empty if it is not."""
        if trust_guids:
            for guid in candidate.guids:
                if (key := entry_id(feed, guid)) in self.by_id:
                    return key
        if candidate.link and (found := self.by_article.get(article_id(candidate.link, "", ""))):
            return found
        nameless = not candidate.link and not candidate.guid
        if nameless or by_content:
            return self.by_content.get(candidate.content, "")
        return ""


def entry_hash(entry: ParsedEntry) -> str:
    """Hash of what a reader sees: title, summary and content, blind to markup, white space and dates."""
    if isinstance(entry, KeptEntry):
        return entry.content_hash
    parts = (entry.title, plain_text(entry.summary), plain_text(entry.content))
    return content_hash(*("".join(nfc(part).split()) for part in parts))


def candidates(entries: Iterable[ParsedEntry], home: str) -> list[Candidate]:
    """The entries of a document, each once: entries that differ only in their GUID are merged, empty ones left out.

    Args:
        entries: as parsed, in the order of the document.
        home: the site's address as the feed gives it; entries that only link there have no link of their own.
    """
    rows = [(entry, _canonical(entry)) for entry in entries if _is_something(entry)]
    shared_links = _shared_links(rows) | {canonical_url(home), ""}
    shared_guids = _shared_guids(rows)
    merged: dict[str, Candidate] = {}
    for entry, canonical in rows:
        link = "" if canonical in shared_links or _is_root(canonical) else canonical
        guid = "" if entry.guid in shared_guids else entry.guid
        key = link or guid or entry_hash(entry)
        first = merged.get(key)
        if first is None:
            guids = (guid,) if guid else ()
            merged[key] = Candidate(parsed=entry, link=link, guid=guid, guids=guids, content=entry_hash(entry))
        elif guid and guid not in first.guids:
            merged[key] = msgspec.structs.replace(first, guid=first.guid or guid, guids=(*first.guids, guid))
    return list(merged.values())


def kept(entry: ParsedEntry) -> KeptEntry:
    """What an entry is known by."""
    if isinstance(entry, KeptEntry):
        return entry
    return KeptEntry(
        guid=entry.guid,
        url=entry.url,
        title=entry.title,
        published_at=entry.published_at,
        canonical=canonical_url(entry.url),
        content_hash=entry_hash(entry) if _is_something(entry) else "",
    )


def _is_something(entry: ParsedEntry) -> bool:
    if isinstance(entry, KeptEntry):
        return bool(entry.content_hash)
    return bool(entry.title or entry.url or entry.summary or entry.content)


def _canonical(entry: ParsedEntry) -> str:
    return entry.canonical if isinstance(entry, KeptEntry) else canonical_url(entry.url)


def _shared_links(rows: Sequence[tuple[ParsedEntry, str]]) -> set[str]:
    """Links of three entries and more under different titles: a live page or a home page, not an article."""
    titles: dict[str, set[str]] = defaultdict(set)
    for entry, link in rows:
        titles[link].add(entry.title)
    return {link for link, names in titles.items() if len(names) >= _SHARED_BY}


def _shared_guids(rows: Sequence[tuple[ParsedEntry, str]]) -> set[str]:
    """GUIDs that stand for several links or, without links, for several titles."""
    things: dict[str, set[str]] = defaultdict(set)
    for entry, link in rows:
        things[entry.guid].add(link or entry.title)
    return {guid for guid, named in things.items() if len(named) > 1}


def _is_root(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path in {"", "/"} and not parts.query


def guids_reused(feed: str, found: Sequence[Candidate], known: Known) -> bool:
    """Tell whether the feed gives old GUIDs to other news: most known GUIDs have come to mean another link and content."""
    verdicts: Counter[bool] = Counter()
    for candidate in found:
        seen = known.by_id.get(entry_id(feed, candidate.guid)) if candidate.guid else None
        if seen is not None and candidate.link:
            moved = seen.article != article_id(candidate.link, "", "")
            verdicts[moved and seen.content != candidate.content] += 1
    return verdicts[True] >= _FEW and verdicts[True] > _REUSED_SHARE * verdicts.total()


def only_renamed(feed: str, found: Sequence[Candidate], known: Known) -> bool:
    """Tell whether the feed gave new GUIDs and links to what it had: nearly all that seems new has known content."""
    strangers = [candidate for candidate in found if not known.find(feed, candidate)]
    familiar = sum(candidate.content in known.by_content for candidate in strangers)
    return len(strangers) >= _RENAMED_LEAST and familiar >= _RENAMED_SHARE * len(strangers)
