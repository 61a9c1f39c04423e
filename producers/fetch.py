"""Requests over HTTP within limits. The only module of the producers that opens connections."""

import ssl
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from marsad.addresses import BlockedAddressError, is_allowed, literal_address
from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.memo import remembered
from marsad.records import FetchRequest, FetchResponse
from producers.guard import GuardedResolver
from producers.unpack import ACCEPT_ENCODING, BadEncodingError, Unpacker

__all__ = ["AiohttpFetcher"]

_PERMANENT: Final = frozenset({301, 308})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REPEATED: Final = frozenset({307, 308})
_NOT_MODIFIED: Final = int(HTTPStatus.NOT_MODIFIED)
_CONNECT_SECONDS: Final = 15.0
_LEAST_SECONDS: Final = 0.001
_KEEPALIVE_SECONDS: Final = 20.0
_DNS_CACHE_SECONDS: Final = 300
_KNOWN_HOSTS: Final = 4_096
_CHUNK: Final = 1 << 16
_LONGEST_HEADER_LINE: Final = 16_384
_MOST_HEADERS: Final = 128


class AiohttpFetcher:
    """Fetches over aiohttp. Use as an async context manager; one for the whole process.

    Args:
        settings: limits, allowed networks and the user agent.
        clock: measures how long answers took.
    """

    def __init__(self, settings: PollSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._resolver: GuardedResolver | None = None
        self._timeout = _limited(settings.timeout)
        self._may_be_asked = remembered(_KNOWN_HOSTS)(self._judged)

    async def __aenter__(self) -> Self:
        self._resolver = GuardedResolver(self._settings.allow_networks)
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            limit=self._settings.concurrency * 2,
            ttl_dns_cache=_DNS_CACHE_SECONDS,
            keepalive_timeout=_KEEPALIVE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._settings.user_agent, "Accept-Encoding": ACCEPT_ENCODING},
            max_line_size=_LONGEST_HEADER_LINE,
            max_field_size=_LONGEST_HEADER_LINE,
            max_headers=_MOST_HEADERS,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._resolver is not None:
            await self._resolver.close()

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        """GET the address, or POST the form to it, following redirects, within all limits of the settings.

        Raises:
            FetchError: no answer that could be read; ``health`` says which kind of failure. Any HTTP status is an answer.
        """
        try:
            return await self._follow(request)
        except TimeoutError as error:
            message = f"{request.url}: no whole answer within {self._settings.timeout:g} s"
            raise FetchError(message, health="slow") from error
        except BadEncodingError as error:
            raise FetchError(f"{request.url}: {error}", health="network") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _fetch_error(request.url, error) from error

    async def _follow(self, request: FetchRequest) -> FetchResponse:
        assert self._session is not None, "use the fetcher as an async context manager"
        started = self._clock.monotonic()
        url, permanent, unbroken, timeout = request.url, "", True, self._timeout
        for _ in range(self._settings.max_redirects + 1):
            async with self._asking(self._checked(url), request, timeout) as answer:
                if answer.status in _followed(request) and (location := answer.headers.get("Location", "")):
                    url = _joined(url, location)
                    unbroken = unbroken and answer.status in _PERMANENT
                    permanent = url if unbroken else permanent
                    timeout = _limited(self._settings.timeout - (self._clock.monotonic() - started))
                    continue
                body = await self._body(answer, request)
                return FetchResponse(
                    url=request.url,
                    final_url=url,
                    status=answer.status,
                    headers=_flat(answer),
                    body=body,
                    permanent_url=permanent,
                    elapsed=self._clock.monotonic() - started,
                )
        raise FetchError(f"{request.url}: more than {self._settings.max_redirects} redirects", health="network")

    def _asking(
        self, target: URL, request: FetchRequest, timeout: aiohttp.ClientTimeout
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None, "use the fetcher as an async context manager"
        headers = _headers(request)
        if request.form:
            form = dict(request.form)
            return self._session.post(target, data=form, headers=headers, allow_redirects=False, timeout=timeout)
        return self._session.get(target, headers=headers, allow_redirects=False, timeout=timeout)

    def _checked(self, url: str) -> URL:
        """The address ready for the wire; literal IP addresses are judged here, since no resolver sees them.

        Raises:
            FetchError: it is none that may be asked.
        """
        try:
            target = URL(url)
            host = target.raw_host
        except ValueError as error:
            raise FetchError(f"{url}: not a web address: {error}", health="blocked") from error
        if target.scheme not in {"http", "https"} or not host:
            raise FetchError(f"{url}: only http and https addresses are asked", health="blocked")
        if not self._may_be_asked(host):
            raise FetchError(
                f"{url}: poll.allow_networks does not let {literal_address(host)} through", health="blocked"
            )
        return target

    def _judged(self, host: str) -> bool:
        address = literal_address(host)
        return address is None or is_allowed(address, self._settings.allow_networks)

    async def _body(self, answer: aiohttp.ClientResponse, request: FetchRequest) -> bytes:
        limit = request.max_bytes
        if answer.status == _NOT_MODIFIED:
            return b""
        if (answer.content_length or 0) > limit:
            raise _too_large(request, answer.status)
        encoding = answer.headers.get("Content-Encoding", "")
        if not encoding and answer.content_length is not None and "Transfer-Encoding" not in answer.headers:
            return await answer.read()  # as long as it says: what follows is not taken for the body's
        unpacker = Unpacker(encoding, limit)
        body = bytearray()
        packed = 0
        async for chunk in answer.content.iter_chunked(_CHUNK):
            packed += len(chunk)
            body += unpacker.feed(chunk)
            if len(body) > limit or packed > limit:
                raise _too_large(request, answer.status)
        return bytes(body)


def _limited(seconds: float) -> aiohttp.ClientTimeout:
    """The whole answer must be there within that time; of a chain of redirects, within what is left of it."""
    return aiohttp.ClientTimeout(total=max(seconds, _LEAST_SECONDS), sock_connect=_CONNECT_SECONDS)


def _followed(request: FetchRequest) -> frozenset[int]:
    """The redirects that are followed: a form is posted again only where the server asks for exactly that (RFC 9110 15.4)."""
    return _REPEATED if request.form else _REDIRECTS


def _too_large(request: FetchRequest, status: int) -> FetchError:
    message = f"{request.url}: the body is larger than {request.max_bytes:,} bytes"
    return FetchError(message, health="too-large", status=status)


def _headers(request: FetchRequest) -> dict[str, str]:
    headers = {"Accept": request.accept}
    if request.etag:
        headers["If-None-Match"] = request.etag
    if request.last_modified:
        headers["If-Modified-Since"] = request.last_modified
    return headers


def _flat(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Header names in lower case, repeated ones joined by commas as RFC 9110 5.3 allows."""
    flat: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        text = value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        flat[key] = f"{flat[key]}, {text}" if key in flat else text
    return flat


def _joined(base: str, location: str) -> str:
    """Where a redirect leads; raw UTF-8 in the header, which Arabic sites send, is read as such."""
    text = location.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    return urljoin(base, text).partition("#")[0]


def _fetch_error(url: str, error: Exception) -> FetchError:
    """The failure in the words of the feed's health."""
    blocked = _cause(error, BlockedAddressError)
    if blocked is not None:
        return FetchError(f"{url}: {blocked}", health="blocked")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchError(f"{url}: the host name does not resolve", health="dns")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return FetchError(f"{url}: no trustworthy TLS connection: {_reason(error)}", health="tls")
    if isinstance(error, aiohttp.InvalidURL):
        return FetchError(f"{url}: not a web address", health="blocked")
    return FetchError(f"{url}: {_reason(error)}", health="network")


def _cause(error: BaseException, kind: type[OSError]) -> BaseException | None:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
