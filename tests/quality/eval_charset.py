"""How many Arabic titles come back whole through legacy charsets with right, wrong and missing labels."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from marsad.arabic.charset import decode
from marsad.arabic.repair import repair

_CHARSETS = ("cp1256", "iso8859-6", "utf-8")
_WRONG = {
    "cp1256": ("utf-8", "iso-8859-1", "iso-8859-6", "no-such-charset"),
    "iso8859-6": ("utf-8", "windows-1252", "windows-1256", "no-such-charset"),
    "utf-8": ("windows-1256", "iso-8859-1", "iso-8859-6", "no-such-charset"),
}
_MISREAD = (("utf-8", "cp1256"), ("utf-8", "cp1252"), ("utf-8", "latin-1"), ("cp1256", "latin-1"), ("cp1256", "cp1252"))
_FEWEST_LETTERS = 20


def run(data: Path) -> list[dict[str, object]]:
    """Return the share of right round trips for each charset and label, and of repaired and untouched texts."""
    titles = sorted(set(_titles(data)))
    rows: list[dict[str, object]] = []
    for charset in _CHARSETS:
        fitting = [_fit(title, charset) for title in titles]
        cases = [title for title in fitting if sum(map(str.isalpha, title)) >= _FEWEST_LETTERS]
        for label, declared in _labels(charset):
            right = sum(decode(title.encode(charset), declared)[0] == title for title in cases)
            rows.append(_row(f"charset {charset}, label {label}", right, len(cases), 1.0))
    rows.extend(_repairs(titles))
    return rows


def _repairs(titles: list[str]) -> Iterator[dict[str, object]]:
    for written, read in _MISREAD:
        cases = [title for title in (_fit(title, written) for title in titles) if len(title) >= _FEWEST_LETTERS]
        right = sum(repair(_misread(title, written, read)) == title for title in cases)
        yield _row(f"repair of {written} read as {read}", right, len(cases), 0.99)
    same = sum(repair(title) == title for title in titles)
    yield _row("repair leaves good titles alone", same, len(titles), 1.0)


def _misread(title: str, written: str, read: str) -> str:
    """Read as browsers do: bytes that windows-1252 lacks become control characters."""
    images = [bytes([byte]).decode(read, errors="ignore") or chr(byte) for byte in range(256)]
    return "".join(images[byte] for byte in title.encode(written))


def _labels(charset: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "right", (charset,)
    yield "missing", ()
    for wrong in _WRONG[charset]:
        yield f"wrong ({wrong})", (wrong,)


def _titles(data: Path) -> Iterator[str]:
    with gzip.open(data / "ant-2018-h1.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["title"]


def _fit(title: str, charset: str) -> str:
    """Leave out what a charset cannot write: the case is about Arabic letters, not about its quotation marks."""
    return title.encode(charset, errors="ignore").decode(charset)


def _row(measure: str, right: int, total: int, target: float) -> dict[str, object]:
    return {"measure": measure, "value": right / total if total else None, "target": target, "n": total}
