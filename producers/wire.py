"""Requests on the wire: libcurl on the event loop. Every limit holds while an answer comes in, not after it."""

import re
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Final, Self

import certifi
import msgspec
import pycurl  # type: ignore[import-untyped]  # its stubs say Any, and the distribution has no py.typed

from marsad.addresses import Network, is_allowed
from marsad.errors import FetchError
from producers.unpack import BadEncodingError, Unpacker

__all__ = ["REDIRECTS", "Call", "Reply", "Wire"]

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_NOT_MODIFIED: Final = int(HTTPStatus.NOT_MODIFIED)
_CONNECT_MS: Final = 15_000
_KEEPALIVE_SECONDS: Final = 20
# Connections to other sites that are kept for the next request, for each that may be open at once.
_KEPT_CONNECTIONS: Final = 4
_CHUNK: Final = 1 << 16
_LONGEST_HEADER_LINE: Final = 16_384
_MOST_HEADERS: Final = 128
_LONGEST_NUMBER: Final = 18
_STATUS: Final = re.compile(rb"HTTP/\S+ +([1-9]\d\d)(?!\d)")
# The page that comes with a redirect is read so far, since the connection can be used again only after its end.
_REDIRECT_BYTES: Final = 65_536
_TLS: Final = frozenset(
    {
        pycurl.E_SSL_CONNECT_ERROR,
        pycurl.E_SSL_ENGINE_NOTFOUND,
        pycurl.E_SSL_ENGINE_SETFAILED,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
        pycurl.E_SSL_INVALIDCERTSTATUS,
    }
)
_BROKEN: Final = frozenset({pycurl.E_GOT_NOTHING, pycurl.E_PARTIAL_FILE, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to one address, without redirects."""

    url: str
    """In ASCII."""
    route: str = ""
    """``host:port:address,address``, where the host is a name; the connection is made to one of these."""
    headers: tuple[bytes, ...] = ()
    """Whole lines, beside those that every request has."""
    form: bytes | None = None
    """The body of a POST; None for a GET."""
    max_bytes: int
    """Of the body, packed and unpacked."""
    seconds: float
    """The whole answer must be there within that time."""


class Reply(msgspec.Struct, frozen=True):
    """What came; of a redirect no body."""

    status: int
    headers: dict[str, str]
    """Names in lower case; repeated ones joined by commas as RFC 9110 5.3 allows, but for Location, of which the first counts."""
    body: bytes


class Wire:
    """Makes requests with libcurl. Use as an async context manager, in one event loop.

    Args:
        user_agent: sent with each request.
        accept_encoding: sent with each request.
        allow: networks that are let through although they are not public.
        concurrency: requests that may be under way at once.
    """

    def __init__(self, user_agent: str, accept_encoding: str, allow: Sequence[Network], concurrency: int) -> None:
        self._always = (b"User-Agent: " + user_agent.encode(), b"Accept-Encoding: " + accept_encoding.encode())
        self._allow = tuple(allow)
        self._trusted = _trusted()
        self._kept = concurrency * _KEPT_CONNECTIONS
        self._multi: pycurl.AsyncCurlMulti | None = None
        self._idle: list[_Transfer] = []

    async def __aenter__(self) -> Self:
        self._multi = pycurl.AsyncCurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, self._kept)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._multi is not None:
            await self._multi.aclose()
        self._idle.clear()

    async def send(self, call: Call) -> Reply:
        """Make a request.

        Raises:
            FetchError: no answer that could be read; its message names no address. Any HTTP status is an answer.
            TimeoutError: the answer was not there in time.
        """
        assert self._multi is not None, "use the wire as an async context manager"
        transfer = self._idle.pop() if self._idle else _Transfer(self._allow, self._trusted)
        transfer.begin(call, self._always)
        try:
            await self._multi.add_handle(transfer.curl)
        except pycurl.error as error:
            self._idle.append(transfer)
            if not transfer.is_enough:
                raise transfer.failure(error) from error
            return transfer.reply()
        # Where the request is cancelled, libcurl lets go of the handle a moment later: it is not used again.
        self._idle.append(transfer)
        return transfer.reply()


class _Transfer:
    """A handle of libcurl, used for one request after the other, and what comes in on it."""

    __slots__ = (
        "_allow", "_blocked", "_chunks", "_headers", "_in_head", "_lines", "_max_bytes", "_name", "_packed", "_posts", "_refused",
        "_routed", "_size", "_status", "_unpacker", "curl", "is_enough",
    )  # fmt: skip

    def __init__(self, allow: Sequence[Network], trusted: tuple[int, str]) -> None:
        self._allow = allow
        self._posts = self._routed = False
        self.curl = pycurl.Curl()
        for option, value in (*_CONSTANT, trusted):
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._header)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._chunk)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._opened)
        self._clear(0)

    def _clear(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._headers: dict[str, str] = {}
        self._name = ""
        self._chunks: list[bytes] = []
        self._unpacker: Unpacker | None = None
        self._refused: FetchError | None = None
        self._blocked = ""
        self._in_head = True
        self._status = self._lines = self._packed = self._size = 0
        self.is_enough = False

    def begin(self, call: Call, always: Sequence[bytes]) -> None:
        """Make ready for a request."""
        self._clear(call.max_bytes)
        curl = self.curl
        curl.setopt(pycurl.URL, call.url)
        curl.setopt(pycurl.HTTPHEADER, [*always, *call.headers])
        curl.setopt(pycurl.TIMEOUT_MS, max(1, int(call.seconds * 1_000)))
        if call.route:
            curl.setopt(pycurl.RESOLVE, [f"+{call.route}"])
        elif self._routed:
            curl.unsetopt(pycurl.RESOLVE)  # an empty list would change nothing
        if call.form is not None:
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.COPYPOSTFIELDS, call.form)
        elif self._posts:
            curl.setopt(pycurl.HTTPGET, 1)
        self._posts, self._routed = call.form is not None, bool(call.route)

    def reply(self) -> Reply:
        """What came."""
        body = b"" if self._is_redirect() or self._status == _NOT_MODIFIED else b"".join(self._chunks)
        reply = Reply(self._status, self._headers, body)
        self._chunks = []
        return reply

    def failure(self, error: pycurl.error) -> Exception:
        """What kept the answer away, in the words of the feed's health."""
        self._chunks = []
        if self._refused is not None:
            return self._refused
        if self._blocked:
            return FetchError(f"poll.allow_networks does not let {self._blocked} through", health="blocked")
        code, message = error.args
        return TimeoutError(message) if code == pycurl.E_OPERATION_TIMEDOUT else _failure(code, message)

    def _is_redirect(self) -> bool:
        return self._status in REDIRECTS and "location" in self._headers

    def _refuse(self, health: str, message: str) -> int:
        """End the transfer: libcurl does so where fewer bytes are taken than it gave."""
        self._refused = FetchError(message, health=health, status=self._status or None)
        return 0

    def _header(self, line: bytes) -> int | None:
        """Take a line of the head; of the lines after a body nothing is wanted."""
        if len(line) > _LONGEST_HEADER_LINE:
            return self._refuse("network", f"a header line of more than {_LONGEST_HEADER_LINE:,} bytes")
        if line.startswith(b"HTTP/"):
            self._headers, self._name, self._lines, self._in_head = {}, "", 0, True
            status = _STATUS.match(line)
            if status is None:
                return self._refuse("network", "no answer of HTTP: its first line has no status")
            self._status = int(status[1])
        elif not self._in_head:
            return None
        elif not line.strip():
            return self._head_ended()
        else:
            self._lines += 1
            if self._lines > _MOST_HEADERS:
                return self._refuse("network", f"more than {_MOST_HEADERS} header lines")
            self._keep(line.decode("utf-8", "replace"))
        return None

    def _keep(self, line: str) -> None:
        if line[0] in " \t" and self._name:  # a folded line, which RFC 9112 5.2 has read as one space
            self._headers[self._name] += f" {line.strip()}"
            return
        name, _, value = line.partition(":")
        self._name = key = name.strip().lower()
        text = value.strip()
        if key not in self._headers:
            self._headers[key] = text
        elif key != "location":
            self._headers[key] += f", {text}"

    def _head_ended(self) -> int | None:
        self._in_head = False
        if self._is_redirect() or self._status == _NOT_MODIFIED:
            return None
        length = self._headers.get("content-length", "")
        if length.isdecimal() and (len(length) > _LONGEST_NUMBER or int(length) > self._max_bytes):
            return self._too_large()
        try:
            encoding = self._headers.get("content-encoding", "")
            self._unpacker = Unpacker(encoding, self._max_bytes) if encoding else None
        except BadEncodingError as error:
            return self._refuse("network", str(error))
        return None

    def _chunk(self, data: bytes) -> int | None:
        self._packed += len(data)
        if self._is_redirect():
            self.is_enough = self._packed > _REDIRECT_BYTES
            return 0 if self.is_enough else None
        if self._unpacker is not None:
            try:
                data = self._unpacker.feed(data)
            except BadEncodingError as error:
                return self._refuse("network", str(error))
        self._size += len(data)
        if max(self._size, self._packed) > self._max_bytes:
            return self._too_large()
        self._chunks.append(data)
        return None

    def _too_large(self) -> int:
        return self._refuse("too-large", f"the body is larger than {self._max_bytes:,} bytes")

    def _opened(self, _: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        """A socket for an address that libcurl is about to connect to, if that may be asked."""
        with suppress(ValueError):
            if is_allowed(ip_address(address.addr[0]), self._allow):
                return _LentSocket(address.family, address.socktype, address.protocol)
        self._blocked = str(address.addr[0])
        return int(pycurl.SOCKET_BAD)


class _LentSocket(socket.socket):
    """A socket that libcurl copies at once: ours is closed as soon as nobody holds it."""

    def __del__(self) -> None:
        self.close()


def _failure(code: int, message: str) -> FetchError:
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return FetchError("the host name does not resolve", health="dns")
    if code in _TLS:
        return FetchError(f"no trustworthy TLS connection: {message}", health="tls")
    if code == pycurl.E_URL_MALFORMAT:
        return FetchError("not a web address", health="blocked")
    if code == pycurl.E_COULDNT_CONNECT:
        return FetchError(f"no connection: {message}", health="network")
    if code in _BROKEN:
        return FetchError(f"the connection broke: {message}", health="network")
    return FetchError(f"no answer of HTTP: {message}", health="network")


def _trusted() -> tuple[int, str]:
    """Whom to trust: what OpenSSL does on this machine (``SSL_CERT_FILE`` included), else the authorities of certifi."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        return pycurl.CAINFO, paths.cafile
    return (pycurl.CAPATH, paths.capath) if paths.capath else (pycurl.CAINFO, certifi.where())


_CONSTANT: Final = (
    (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
    (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
    (pycurl.PROXY, ""),  # what the environment says of proxies is not for us
    (pycurl.NOSIGNAL, 1),
    (pycurl.PATH_AS_IS, 1),
    (pycurl.BUFFERSIZE, _CHUNK),
    (pycurl.CONNECTTIMEOUT_MS, _CONNECT_MS),
    (pycurl.MAXAGE_CONN, _KEEPALIVE_SECONDS),
    # Each request brings its own route; looking for old ones among 400 at each took a thirtieth of the loop.
    (pycurl.DNS_CACHE_TIMEOUT, -1),
)
