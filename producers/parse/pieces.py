"""A well-formed document cut into its entries, so that those that were read at the last poll need not be read again.

A feed that changes mostly brings one new entry among thirty known ones, and reading an entry costs feedparser a third of a
millisecond. The same text of an entry in the same surroundings reads the same, so its reading can be kept.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from producers.parse.model import ParsedEntry

__all__ = ["Pieces", "Readings", "TooFreshError", "pieces"]

Readings = Mapping[str, ParsedEntry]
"""What entries read as, by the digest of their text and surroundings."""

_EDGE: Final = re.compile(r"<(/?)(?:[\w-]{1,40}:)?(?:item|entry)(?=[\s/>])[^<>]*>", re.IGNORECASE)
_AROUND: Final = re.compile(r"<(?:[\w-]{1,40}:)?(?:rss|rdf|feed|channel)(?=[\s>])[^<>]*>", re.IGNORECASE)
# Elements of the channel between its entries or after them are read with what came before them; an entry in any other element
# that is still open, such as a link that nobody closed, changes how that one reads.
_END: Final = re.compile(r"(?:\s|</(?:[\w-]{1,40}:)?(?:rss|rdf|feed|channel)\s*>)*", re.IGNORECASE)
_SECTIONS: Final = (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>"))
_DIGEST: Final = 10


class TooFreshError(Exception):
    """More of the document has to be read than was to be read at most."""


class Pieces(msgspec.Struct, frozen=True):
    """The document as what stands around its entries, and the entries."""

    around: tuple[str, ...]
    """One more than entries."""
    entries: tuple[str, ...]
    digests: tuple[str, ...]
    """Equal for entries that read the same."""

    def without(self, known: Readings) -> str:
        """The document without the entries whose reading is known."""
        kept = ("" if digest in known else entry for entry, digest in zip(self.entries, self.digests, strict=True))
        return self.around[0] + "".join(a + b for a, b in zip(kept, self.around[1:], strict=True))

    def fresh(self, known: Readings) -> int:
        """How many entries have no known reading."""
        return sum(digest not in known for digest in self.digests)

    def joined(self, known: Readings, fresh: Sequence[ParsedEntry]) -> list[ParsedEntry] | None:
        """All entries in order, given what the document without the known ones reads as; None where that does not fit."""
        if len(fresh) != self.fresh(known):
            return None
        rest = iter(fresh)
        return [known[digest] if digest in known else next(rest) for digest in self.digests]


def pieces(text: str, url: str, known: Readings) -> Pieces | None:
    """Cut a well-formed document; None where its entries do not simply follow one another.

    Args:
        text: the document from its root element on.
        url: where it came from, which links are read against.
        known: readings of pieces, which were looked at when they were cut.
    """
    edges = list(_EDGE.finditer(text))
    if (
        not edges
        or len(edges) % 2
        or any(edge[1] != "/" * (n % 2) or edge.group().endswith("/>") for n, edge in enumerate(edges))
    ):
        return None
    spans = [(first.start(), last.end()) for first, last in zip(edges[::2], edges[1::2], strict=True)]
    starts = [0, *(end for _, end in spans)]
    around = tuple(text[a:b] for a, b in zip(starts, [*(start for start, _ in spans), len(text)], strict=True))
    entries = tuple(text[start:end] for start, end in spans)
    if _END.fullmatch(around[-1]) is None or any(map(str.strip, around[1:-1])):
        return None
    # What is spliced together has entries without a feed around them, or a feed in an entry.
    if not _is_whole(around[0]) or _AROUND.search(around[0]) is None:
        return None
    digests = _digests(entries, _context(around[0], url))
    fresh = [entry for entry, digest in zip(entries, digests, strict=True) if digest not in known]
    if not all(map(_is_whole, fresh)) or any(map(_AROUND.search, fresh)):
        return None
    return Pieces(around, entries, tuple(digests))


def _is_whole(piece: str) -> bool:
    """Tell whether no comment, CDATA section or instruction reaches beyond the piece: what looks like an entry in one is none."""
    return all(piece.count(opening) == piece.count(closing) for opening, closing in _SECTIONS)


def _context(head: str, url: str) -> bytes:
    """All that an entry inherits: namespaces, base and language of the elements around it."""
    return blake2b("\0".join((url, *_AROUND.findall(head))).encode(), digest_size=32).digest()


def _digests(entries: Sequence[str], context: bytes) -> list[str]:
    return [blake2b(entry.encode(), digest_size=_DIGEST, key=context).hexdigest() for entry in entries]
