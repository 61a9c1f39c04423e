"""Content-Encoding undone piece by piece with a limit, so that a small answer cannot grow without bound."""

import sys
import zlib
from typing import Final, Protocol

import brotli  # type: ignore[import-untyped]  # the distribution has no stubs and no py.typed

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ACCEPT_ENCODING", "BadEncodingError", "Unpacker"]

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"

_PIECE: Final = 1 << 16
_MOST_LAYERS: Final = 2
_GZIP_MAGIC: Final = b"\x1f\x8b"
# RFC 1950: the low half of the first byte names deflate, and the first two bytes are a multiple of 31.
_ZLIB_DEFLATE: Final = 8
_ZLIB_CHECK: Final = 31
# A frame that asks for more window than this is no web page: RFC 8878 recommends that decoders support 8 MB.
_ZSTD_WINDOW_LOG: Final = 23


class BadEncodingError(Exception):
    """A body that is not in the encoding it claims, or one in an encoding that nobody asked for."""


class _Layer(Protocol):
    def feed(self, data: bytes, limit: int) -> bytes:
        """Unpack a piece, at most about ``limit`` bytes of output."""
        ...


class _Plain:
    def feed(self, data: bytes, limit: int) -> bytes:
        return data


class _Zlib:
    """gzip (several members in a row included) and deflate, with or without the zlib header that RFC 9110 asks for."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj(wbits=31) if gzip else None

    def feed(self, data: bytes, limit: int) -> bytes:
        if not data:
            return b""
        if self._inflate is None:
            self._inflate = zlib.decompressobj() if _has_zlib_header(data) else zlib.decompressobj(wbits=-15)
        out = bytearray()
        while data and len(out) <= limit:
            out += self._inflate.decompress(data, limit + 1 - len(out))
            data = self._inflate.unconsumed_tail or self._next_member()
        return bytes(out)

    def _next_member(self) -> bytes:
        assert self._inflate is not None
        rest = self._inflate.unused_data
        if self._inflate.eof and self._gzip and rest.startswith(_GZIP_MAGIC):
            self._inflate = zlib.decompressobj(wbits=31)
            return rest
        return b""


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    def feed(self, data: bytes, limit: int) -> bytes:
        out = bytearray(self._decoder.process(data, output_buffer_limit=_PIECE))
        while not self._decoder.can_accept_more_data() and len(out) <= limit:
            out += self._decoder.process(b"", output_buffer_limit=_PIECE)
        return bytes(out)


class _Zstd:
    def __init__(self) -> None:
        self._decoder = self._new()

    @staticmethod
    def _new() -> zstd.ZstdDecompressor:
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    def feed(self, data: bytes, limit: int) -> bytes:
        out = bytearray()
        while len(out) <= limit:
            if self._decoder.eof:
                data = self._decoder.unused_data or data
                if not data:
                    break
                self._decoder = self._new()
            out += self._decoder.decompress(data, max_length=_PIECE)
            data = b""
            if self._decoder.needs_input or (self._decoder.eof and not self._decoder.unused_data):
                break
        return bytes(out)


class Unpacker:
    """Unpacks a body as it comes in.

    Args:
        encodings: the value of the Content-Encoding header.
        limit: bytes of output after which reading may stop; :meth:`feed` gives at most a little more.

    Raises:
        BadEncodingError: an encoding that is not known, or too many on top of each other.
    """

    def __init__(self, encodings: str, limit: int) -> None:
        names = [name.strip().lower() for name in encodings.split(",") if name.strip()]
        names = [name for name in names if name not in {"identity", "none", "utf-8"}]
        if len(names) > _MOST_LAYERS:
            raise BadEncodingError(f"{len(names)} content encodings on top of each other")
        self._layers: list[_Layer] = [_layer(name) for name in reversed(names)]
        self._limit = limit
        self._first = True

    def feed(self, data: bytes) -> bytes:
        """Unpack the next piece.

        Raises:
            BadEncodingError: the bytes are not what the header says.
        """
        if self._first and data:
            self._first = False
            if self._layers and isinstance(self._layers[0], _Zlib) and _looks_plain(data):
                self._layers[0] = _Plain()  # servers that label a stored plain file as gzip
        for layer in self._layers:
            try:
                data = layer.feed(data, self._limit)
            except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
                raise BadEncodingError(f"the body is not in its content encoding: {error}") from error
        return data


def _has_zlib_header(data: bytes) -> bool:
    return data[0] & 0x0F == _ZLIB_DEFLATE and int.from_bytes(data[:2].ljust(2, b"\0"), "big") % _ZLIB_CHECK == 0


def _looks_plain(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"<", b"{"}


def _layer(name: str) -> _Layer:
    match name:
        case "gzip" | "x-gzip":
            return _Zlib(gzip=True)
        case "deflate":
            return _Zlib(gzip=False)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case _:
            raise BadEncodingError(f"unknown content encoding {name!r}")
