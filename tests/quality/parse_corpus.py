"""feedparser's own test documents and recorded feeds through ``marsad pipe parse``: nothing may be lost against feedparser alone.

The recorded feeds are those of the evaluation data (the folder ``feeds`` of MARSAD_EVAL_DATA) and of the tests.

    python tests/quality/parse_corpus.py [--sdist FILE] [--all]

Every difference is listed with its reason in out/parse-corpus.txt. One without a reason, a lost entry, a lost field or an
exception is a fault.
"""

import argparse
import base64
import collections
import io
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import feedparser
from lxml import etree, html
from rich.console import Console

from marsad.arabic.repair import repair
from marsad.config import eval_data_dir
from producers.parse.htmltext import title_text
from producers.pipe import pipe_parse

_ROOT: Final = Path(__file__).parents[2]
_RECORDED: Final = _ROOT / "tests" / "recorded" / "feeds"
_KEPT: Final = _ROOT / "var" / "feedparser"
_OUT: Final = _ROOT / "out" / "parse-corpus.txt"
_URL: Final = "http://127.0.0.1:8097/feed"
_HEADER: Final = re.compile(rb"^\s*Header:\s*([\w-]+)\s*:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_HEAD: Final = 4_096
_FIELDS: Final = ("guid", "url", "title", "summary", "content", "published", "updated", "authors")
_MARKUP: Final = frozenset({"title", "summary", "content"})
_EXAMPLES: Final = 2
_WIDTH: Final = 160

_UNSANITISED: Final = "HTML as written: the cleaning step sanitises"
_SAME_TREE: Final = "the same HTML, written differently"
_TEXT: Final = "a title is text: markup and entities are resolved"
_PICTURE: Final = "a picture is no title"
_AS_WRITTEN: Final = "a GUID stays as written"
_LINK: Final = "the link is taken from the GUID, which is an address"
_ADDRESS: Final = "feedparser cuts addresses after four letters of the top-level domain"
_CREATED: Final = "the date of creation is the date of publication"
_CHARSET: Final = "neither reads it: no charset is named, and it is neither Arabic nor UTF-8"
_REPAIRED: Final = "text read in a wrong charset is repaired"
_BOMB: Final = "entities that grow are refused"
_SCHEMELESS: Final = "a host without its scheme is no path"
_LOOSE: Final = "feedparser's loose parser puts a semicolon behind what follows a bare ampersand"
_MORE: Final = "more was read than feedparser alone reads"


class Document(NamedTuple):
    """A document of the corpus."""

    name: str
    body: bytes
    content_type: str
    url: str = _URL
    source: str = "feedparser's own"


class Difference(NamedTuple):
    """Where two readings of a document differ; without a reason it is a fault."""

    document: str
    field: str
    theirs: str
    ours: str
    reason: str


class Counts:
    """What one source of documents had."""

    def __init__(self) -> None:
        self.documents = self.theirs = self.ours = self.raised = self.lost = 0


class Found:
    """What the run found."""

    def __init__(self) -> None:
        self.counts: dict[str, Counts] = {}
        self.faults: list[str] = []
        self.differences: list[Difference] = []


def compare(document: Document, found: Found) -> None:
    """Read a document both ways and note what differs."""
    theirs, plain = _feedparser(document, clean=True), _feedparser(document, clean=False)
    counts = found.counts.setdefault(document.source, Counts())
    counts.documents += 1
    counts.theirs += len(theirs)
    record = {"id": document.name, "url": document.url, "content_type": document.content_type}
    try:
        result = pipe_parse({**record, "body_base64": base64.b64encode(document.body).decode()})
    except Exception as error:  # noqa: BLE001 - any exception is what this looks for
        counts.raised += 1
        found.faults.append(f"{document.name}: {type(error).__name__}: {error}")
        return
    ours = result["entries"]
    counts.ours += len(ours)
    if len(ours) < len(theirs):
        counts.lost += len(theirs) - len(ours)
        found.faults.append(f"{document.name}: {len(theirs)} entries, {len(ours)} of them read; {result['problems']}")
        return
    if len(ours) > len(theirs):
        found.differences.append(Difference(document.name, "entries", str(len(theirs)), str(len(ours)), _MORE))
        return
    for one, bare, other in zip(theirs, plain if len(plain) == len(theirs) else theirs, ours, strict=True):
        _compare_entry(document, _flat(one), _flat(bare), _flat_ours(other), found)


def _compare_entry(
    document: Document, theirs: Mapping[str, str], plain: Mapping[str, str], ours: Mapping[str, str], found: Found
) -> None:
    for field in _FIELDS:
        one, other = theirs[field], ours[field]
        if one == other:
            continue
        reason = _reason(document, field, one, plain[field], other)
        found.differences.append(Difference(document.name, field, one, other, reason))
        if not reason:
            lost = "is lost" if one and not other else "differs without a known reason"
            found.faults.append(f"{document.name}: {field} {lost}: {one[:_WIDTH]!r} {other[:_WIDTH]!r}")


def _feedparser(document: Document, *, clean: bool) -> list[Mapping[str, Any]]:
    """feedparser's entries; none where it raises."""
    headers = {"content-type": document.content_type or "application/xml", "content-location": document.url}
    try:
        found = feedparser.parse(
            io.BytesIO(document.body), response_headers=headers, sanitize_html=clean, resolve_relative_uris=clean
        )
    except Exception:  # noqa: BLE001 - then ours cannot lose anything against it
        return []
    return list(found.get("entries", ()))


def _flat(entry: Mapping[str, Any]) -> dict[str, str]:
    """feedparser's fields by our names; ``dict.get`` passes by its substitution of one date for another."""
    fields = {ours: dict.get(entry, theirs) or "" for ours, theirs in (("guid", "id"), ("url", "link"))}  # type: ignore[arg-type]
    fields |= {name: dict.get(entry, name) or "" for name in ("title", "summary", "published", "updated")}  # type: ignore[arg-type]
    contents = [part.get("value") or "" for part in dict.get(entry, "content") or ()]  # type: ignore[arg-type]
    authors = dict.get(entry, "authors") or ()  # type: ignore[arg-type]
    fields["content"] = max(contents, key=len, default="")
    fields["authors"] = "; ".join(dict.fromkeys(a.get("name") or a.get("email") or "" for a in authors))
    return {name: value.strip(" ;") if name == "authors" else value.strip() for name, value in fields.items()}


def _flat_ours(entry: Mapping[str, Any]) -> dict[str, str]:
    return {name: "; ".join(entry[name]) if name == "authors" else entry[name].strip() for name in _FIELDS}


def _reason(document: Document, field: str, theirs: str, plain: str, ours: str) -> str:
    """Why the two differ; empty where nothing explains it."""
    if field in _MARKUP:
        return _reason_of_markup(document, field, theirs, plain, ours)
    reasons = (
        (_AS_WRITTEN, field == "guid" and urljoin(document.url, ours).lower() == theirs.lower()),
        (_LINK, field == "url" and not theirs),
        (_SCHEMELESS, field == "url" and theirs.endswith(f"/{ours.partition('//')[2]}")),
        (_CREATED, field == "published" and not theirs),
        (_ADDRESS, field == "authors" and ours and theirs.endswith(ours)),
        (_TEXT, field == "authors" and ours == "; ".join(map(title_text, theirs.split("; ")))),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _reason_of_markup(document: Document, field: str, theirs: str, plain: str, ours: str) -> str:
    is_text = field == "title" and ours in {title_text(theirs), title_text(plain), title_text(repair(plain))}
    reasons = (
        (_TEXT, is_text and ours),
        (_PICTURE, is_text and "<img" in theirs),
        (_UNSANITISED, ours == plain),
        (_REPAIRED, ours and ours == repair(plain)),
        (_CHARSET, ours and ("illformed/chardet/" in document.name or "linenoise" in document.name)),
        (_LOOSE, ours and ours == title_text(theirs.replace(";", ""))),
        (_BOMB, b"<!ENTITY" in document.body and "&" in ours),
        (_SAME_TREE, ours and _tree(ours) in (_tree(theirs), _tree(plain))),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _tree(markup: str) -> list[object]:
    """Elements with their attributes and texts, whatever the way in which they are written."""
    try:
        root = html.fragment_fromstring(markup.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "div")
    except (etree.LxmlError, ValueError):
        return [markup]
    return [(str(e.tag), sorted(e.attrib.items()), (e.text or "").strip(), (e.tail or "").strip()) for e in root.iter()]


def documents(sdist: Path, recorded: Path) -> Iterator[Document]:
    """All documents: feedparser's, those of the evaluation data, and our own recorded cases."""
    with tarfile.open(sdist) as archive:
        for member in archive:
            name = member.name.partition("/tests/")[2]
            stream = archive.extractfile(member) if name.endswith((".xml", ".z", ".gz")) else None
            if stream is not None:
                yield _with_header(name, stream.read())
    if not recorded.is_dir():
        sys.stderr.write(
            f"{recorded} is not there: its feeds are left out; MARSAD_EVAL_DATA names the folder above it\n"
        )
    for folder, source in ((recorded, "recorded, of the data"), (_RECORDED, "recorded, of the tests")):
        for path in sorted(folder.rglob("*.xml")):
            name = str(path.relative_to(folder.parent))
            yield Document(name, path.read_bytes(), "", "https://news.example/feed", source)


def _with_header(name: str, body: bytes) -> Document:
    """feedparser's tests write the headers of the answer into a comment."""
    headers = {match[1].decode().lower(): match[2].decode("latin-1") for match in _HEADER.finditer(body[:_HEAD])}
    return Document(name, body, headers.get("content-type", ""))


def _download() -> Path:
    """The source distribution of the feedparser that is installed."""
    wanted = f"feedparser=={feedparser.__version__}"
    if not list(_KEPT.glob(f"feedparser-{feedparser.__version__}.tar.gz")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "feedparser", wanted]
        subprocess.run([*command, "--dest", str(_KEPT)], check=True)
    return next(_KEPT.glob(f"feedparser-{feedparser.__version__}.tar.gz"))


def _report(found: Found, seconds: float, *, every: bool) -> int:
    console = Console(soft_wrap=True, markup=False, highlight=False)
    for source, counts in found.counts.items():
        entries = f"{counts.theirs} entries by feedparser alone, {counts.ours} by Marsad, {counts.lost} lost"
        console.print(f"{source}: {counts.documents} documents, {entries}, {counts.raised} exceptions")
    console.print(f"{seconds:.0f} s")
    groups = collections.defaultdict(list)
    for difference in found.differences:
        groups[difference.reason or "NO REASON"].append(difference)
    lines = [f"{d.document}\t{d.field}\t{d.reason or 'NO REASON'}\t{d.theirs!r}\t{d.ours!r}" for d in found.differences]
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text("\n".join(lines).encode("utf-8", "replace").decode(), encoding="utf-8")
    for reason, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        console.print(f"{len(members):5} {reason}")
        for d in members if every else members[:_EXAMPLES]:
            console.print(f"        {d.document} {d.field}: {d.theirs[:_WIDTH]!r} {d.ours[:_WIDTH]!r}")
    for fault in found.faults:
        console.print(f"FAULT {fault}")
    console.print(f"{len(found.faults)} faults; every difference is in {_OUT.relative_to(_ROOT)}")
    return int(bool(found.faults))


def main() -> int:
    """1 where anything is lost or differs without a reason."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdist", type=Path, help="feedparser's source distribution; downloaded by default")
    parser.add_argument("--all", action="store_true", help="print every difference, not two of each reason")
    arguments = parser.parse_args()
    found, began = Found(), time.monotonic()
    for document in documents(arguments.sdist or _download(), eval_data_dir() / "feeds"):
        compare(document, found)
    return _report(found, time.monotonic() - began, every=arguments.all)


if __name__ == "__main__":
    sys.exit(main())
