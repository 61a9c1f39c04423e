"""Feed lists in and out (OPML 2.0, http://opml.org/spec2.opml).

Whatever a list says of a feed, of a folder and of itself comes out again: what is ours as fields, all else as it was.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from lxml import etree

from marsad.errors import OpmlError
from marsad.records import Feed, FeedFolder, FeedKind, FeedList, ListHead
from marsad.records.ids import feed_id
from marsad.records.urls import is_web_url

__all__ = ["OpmlReport", "read_opml", "write_opml"]

_KINDS: Final[dict[str, FeedKind]] = {
    "rss": "rss", "rss1": "rss", "rdf": "rss", "atom": "atom", "json": "json", "jsonfeed": "json", "sitemap": "sitemap",
}  # fmt: skip
_FLAGS: Final = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_DEEPEST: Final = 50
_SEPARATOR: Final = "/"
_FOLDERS: Final = re.compile(r"(?:[^/\\]|\\.|\\$)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_MOST_KEPT: Final = 40
_MOST_FOLDERS: Final = 5_000
_LONGEST_KEPT: Final = 4_000
# What our own attributes carry beyond the standard; other programs pass over them.
_OWN: Final = ("country", "section", "outlet", "zone")


class OpmlReport(msgspec.Struct, frozen=True):
    """The feeds of a list, and what in it is none."""

    feeds: tuple[Feed, ...]
    problems: tuple[str, ...]
    """One sentence for each outline that was left out, with its line."""
    said: FeedList = FeedList()
    """What the list says beyond its feeds."""


def read_opml(data: bytes, name: str) -> OpmlReport:
    """Read a feed list. Broken outlines are problems, not errors; a feed that is there twice is read once.

    Args:
        data: the file's bytes.
        name: the file's name, for messages.

    Raises:
        OpmlError: no XML, no OPML, or one with a document type that declares entities; names file and line.
    """
    root = _root(data, name)
    feeds: dict[str, Feed] = {}
    folders: dict[str, FeedFolder] = {}
    head, problems = _head(root, name)
    full = False
    for outline, folder, inside in _outlines(root):
        url = _attribute(outline.attrib, "xmlurl").strip()
        if inside != folder and inside not in folders and len(folders) >= _MOST_FOLDERS:
            if not full:
                problems.append(f"{name}:{outline.sourceline}: of folders without feeds only {_MOST_FOLDERS} are kept")
            full = True
        elif inside != folder and inside not in folders:
            folders[inside] = FeedFolder(inside, _bounded(_pairs(outline.attrib)))
            if len(folders[inside].attributes) < len(outline.attrib):
                problems.append(f"{name}:{outline.sourceline}: the folder says more than is kept of one")
        if not url:
            continue
        if not is_web_url(url):
            problems.append(f"{name}:{outline.sourceline}: {url[:200]!r} is no http or https address")
        elif (identity := feed_id(url)) in feeds:
            problems.append(f"{name}:{outline.sourceline}: {url} is there twice")
        else:
            feeds[identity] = feed = _kept(_feed(outline.attrib, url, folder), outline.attrib)
            if len(feed.attributes) < len(_unwritten(outline.attrib, _attributes(feed))):
                problems.append(f"{name}:{outline.sourceline}: {url} says more than is kept of a feed")
    return OpmlReport(tuple(feeds.values()), tuple(problems), FeedList(head=head, folders=tuple(folders.values())))


def write_opml(feeds: Iterable[Feed], said: FeedList | None = None) -> bytes:
    """Write a feed list with folders; :func:`read_opml` gives the same feeds back.

    Args:
        feeds: in their order.
        said: what lists said beyond their feeds; it comes out as it was.
    """
    said = said or FeedList()
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    for element in said.head or (ListHead("title", "Marsad"),):
        etree.SubElement(head, element.name, dict(element.attributes)).text = element.text
    folders: dict[str, Any] = {"": etree.SubElement(root, "body")}
    for folder in said.folders:
        found = _folder(folders, folder.path)
        if folder.attributes:
            found.attrib.clear()
            found.attrib.update(folder.attributes)
    for feed in feeds:
        etree.SubElement(_folder(folders, feed.folder), "outline", _written(feed))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)
    return written


def _root(data: bytes, name: str) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    try:
        root = etree.fromstring(data.lstrip(), parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise OpmlError(f"{name}:{line}: not well-formed XML: {str(error.msg).rstrip('.')}") from error
    except ValueError as error:
        raise OpmlError(f"{name}:1: cannot be read: {error}") from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(True for _ in dtd.iterentities()):
        raise OpmlError(f"{name}:1: declares entities, which are not accepted in a feed list")
    if etree.QName(root).localname.lower() != "opml":
        raise OpmlError(f"{name}:{root.sourceline}: the root element is <{etree.QName(root).localname}>, not <opml>")
    return root


def _head(root: Any, name: str) -> tuple[tuple[ListHead, ...], list[str]]:
    """The elements of the list's head, and a problem where it says more than is kept."""
    within = [head for head in root if _is(head, "head")]
    found = [element for head in within for element in head if isinstance(element.tag, str)]
    kept = tuple(
        ListHead(element.tag, element.text or "", _bounded(_pairs(element.attrib)))
        for element in found[:_MOST_KEPT]
        if len(element.text or "") <= _LONGEST_KEPT
    )
    whole = len(kept) == len(found) and not any(len(element) for element in found)
    return kept, [] if whole else [f"{name}:{within[0].sourceline}: the head says more than is kept of a list"]


def _pairs(said: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in said.items()]


def _bounded(pairs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple([pair for pair in pairs if max(map(len, pair)) <= _LONGEST_KEPT][:_MOST_KEPT])


def _outlines(root: Any) -> Iterator[tuple[Any, str, str]]:
    """All outlines in the order of the file, each with the path of the folders it is in, and with that of what is in it."""
    stack = [(child, "", 0) for child in reversed(list(root))]
    while stack:
        element, folder, depth = stack.pop()
        inside = folder
        if _is(element, "outline"):
            said = element.attrib
            label = (_attribute(said, "text") or _attribute(said, "title")).strip()
            if not _attribute(said, "xmlurl") and label and depth < _DEEPEST:
                inside = _SEPARATOR.join(part for part in (folder, _escaped(label)) if part)
            yield element, folder, inside
        stack.extend((child, inside, depth + 1) for child in reversed(list(element)))


def _is(element: Any, name: str) -> bool:
    return isinstance(element.tag, str) and etree.QName(element).localname.lower() == name


def _attribute(said: Mapping[str, str], name: str) -> str:
    """An attribute by its name in any case: ``xmlurl`` and ``xmlURL`` are common."""
    return next((str(value) for key, value in said.items() if str(key).lower() == name), "")


def _attributes(feed: Feed) -> dict[str, str]:
    """What we write of a feed by ourselves."""
    attributes = {
        "type": feed.kind,
        "text": feed.title,
        "title": feed.title,
        "xmlUrl": feed.url,
        "language": feed.language,
        **{key: getattr(feed, key) for key in _OWN},
        "weight": f"{feed.weight!r}",
        "enabled": "true" if feed.enabled else "false",
        "fullText": "" if feed.full_text is None else str(feed.full_text).lower(),
    }
    return {key: _xml(value) for key, value in attributes.items() if value}


def _unwritten(said: Mapping[str, str], written: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a list said that we would write differently or not at all."""
    return [(key, value) for key, value in _pairs(said) if written.get(key) != value and key.lower() != "xmlurl"]


def _kept(feed: Feed, said: Mapping[str, str]) -> Feed:
    """The feed with what its list said beyond our own fields, within bounds."""
    return msgspec.structs.replace(feed, attributes=_bounded(_unwritten(said, _attributes(feed))))


def _written(feed: Feed) -> dict[str, str]:
    """The attributes of a feed: the words of its list where they still mean the same, else ours."""
    attributes = _attributes(feed)
    bare = msgspec.structs.replace(feed, attributes=())
    for key, value in feed.attributes:
        # ``Title`` stands for our ``title``.
        others = {name: text for name, text in attributes.items() if name.lower() != key.lower()}
        tried = {**others, key: value}
        if _same(_feed(tried, feed.url, feed.folder), bare):
            attributes = tried
    return attributes


def _same(one: Feed, other: Feed) -> bool:
    """Whether two are the same as far as a list tells."""
    unlisted = {"id": "", "added_at": None, "attributes": ()}
    return msgspec.structs.replace(one, **unlisted) == msgspec.structs.replace(other, **unlisted)


def _feed(outline: Mapping[str, str], url: str, folder: str) -> Feed:
    title = (_attribute(outline, "title") or _attribute(outline, "text")).strip() or url
    country = _attribute(outline, "country").strip().upper()
    return Feed(
        id=feed_id(url),
        url=url,
        title=title,
        outlet=_attribute(outline, "outlet").strip() or title,
        country=country if len(country) == 2 and country.isalpha() and country.isascii() else "",  # noqa: PLR2004  # ISO 3166-1 alpha-2
        language=_language(outline),
        section=(_attribute(outline, "section") or _attribute(outline, "category")).strip(),
        kind=_KINDS.get(_attribute(outline, "type").strip().lower(), "rss"),
        full_text=_FLAGS.get(_attribute(outline, "fulltext").strip().lower()),
        weight=_weight(outline),
        zone=_attribute(outline, "zone").strip(),
        enabled=_FLAGS.get(_attribute(outline, "enabled").strip().lower(), True),
        folder=folder,
    )


def _language(outline: Mapping[str, str]) -> str:
    primary = _attribute(outline, "language").strip().lower().replace("_", "-").partition("-")[0]
    return primary if 2 <= len(primary) <= 3 and primary.isascii() and primary.isalpha() else "ar"  # noqa: PLR2004  # ISO 639


def _weight(outline: Mapping[str, str]) -> float:
    try:
        weight = float(_attribute(outline, "weight") or 1.0)
    except ValueError:
        return 1.0
    return weight if 0.0 <= weight < float("inf") else 1.0


def _folder(folders: dict[str, Any], path: str) -> Any:
    """The outline of a folder, made with those above it where it is not there yet."""
    found = folders.get(path)
    if found is None:
        *above, last = _FOLDERS.findall(path) or [""]
        label = _ESCAPED.sub(r"\1", last)
        found = etree.SubElement(
            _folder(folders, _SEPARATOR.join(above)), "outline", {"text": _xml(label), "title": _xml(label)}
        )
        folders[path] = found
    return found


def _escaped(label: str) -> str:
    """The name of a folder as part of a path."""
    return label.replace("\\", "\\\\").replace(_SEPARATOR, f"\\{_SEPARATOR}")


def _xml(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        char
        for char in text
        if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff" and not "\ud800" <= char <= "\udfff")
    )
