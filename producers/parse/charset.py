"""A feed document as text, whatever its labels say."""

import re
from typing import Final

from marsad.arabic.charset import decode

__all__ = ["declared_charsets", "document_text"]

_HEADER: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_PROLOG: Final = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", re.IGNORECASE)
_META: Final = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_HEAD: Final = 4_096
# Characters that XML 1.0 forbids and that real feeds carry; a parser stops at the first of them.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def declared_charsets(body: bytes, content_type: str) -> tuple[str, ...]:
    """The labels of a document: HTTP header, XML prolog, HTML meta."""
    header = _HEADER.search(content_type)
    labels = [header[1]] if header else []
    for pattern in (_PROLOG, _META):
        match = pattern.search(body[:_HEAD])
        if match is not None:
            labels.append(match[1].decode("ascii", "replace"))
    return tuple(labels)


def document_text(body: bytes, content_type: str) -> tuple[str, str]:
    """Decode a document.

    Returns:
        The text without characters that XML forbids, and the charset that it was read in.
    """
    text, charset = decode(body, declared_charsets(body, content_type))
    return _FORBIDDEN.sub("", text).lstrip("\ufeff"), charset
