"""Requests over HTTP within limits. With its wire the only module of the producers that opens connections."""

import asyncio
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode, urljoin

import msgspec
from yarl import URL

from marsad.addresses import BlockedAddressError, is_allowed, literal_address
from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.errors import FetchError
from marsad.memo import remembered
from marsad.records import FetchRequest, FetchResponse
from marsad.records.urls import shown_url
from producers.guard import GuardedResolver
from producers.unpack import ACCEPT_ENCODING
from producers.wire import REDIRECTS, Call, Reply, Wire

__all__ = ["CurlFetcher"]

_PERMANENT: Final = frozenset({301, 308})
_REPEATED: Final = frozenset({307, 308})
_KNOWN_ADDRESSES: Final = 32_768
_CONTROLS: Final = dict.fromkeys((*range(32), 127))


class _Target(msgspec.Struct, frozen=True):
    """An address ready for the wire."""

    url: str
    host: str
    """Empty where it is an IP address: nothing is to be resolved."""
    port: int


class CurlFetcher:
    """Fetches over libcurl. Use as an async context manager; one for the whole process.

    Args:
        settings: limits, allowed networks and the user agent.
        clock: measures how long answers took.
    """

    def __init__(self, settings: PollSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._wire = Wire(settings.user_agent, ACCEPT_ENCODING, settings.allow_networks, settings.concurrency * 2)
        self._resolver = GuardedResolver(settings.allow_networks, clock)
        self._target = remembered(_KNOWN_ADDRESSES)(self._checked)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)
        self._resolver.close()

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        """GET the address, or POST the form to it, following redirects, within all limits of the settings.

        Raises:
            FetchError: no answer that could be read; ``health`` says which kind of failure. Any HTTP status is an answer.
        """
        try:
            return await self._follow(request)
        except FetchError as error:
            raise FetchError(f"{shown_url(request.url)}: {error}", health=error.health, status=error.status) from error

    async def _follow(self, request: FetchRequest) -> FetchResponse:
        """The answer at the end of the redirects; errors do not yet name the address."""
        started = self._clock.monotonic()
        url, permanent, unbroken = request.url, "", True
        for _ in range(self._settings.max_redirects + 1):
            reply = await self._ask(url, request, self._settings.timeout - (self._clock.monotonic() - started))
            location = reply.headers.get("location", "") if reply.status in _followed(request) else ""
            if not location:
                return FetchResponse(
                    url=request.url,
                    final_url=url,
                    status=reply.status,
                    headers=reply.headers,
                    body=reply.body,
                    permanent_url=permanent,
                    elapsed=self._clock.monotonic() - started,
                )
            url = _joined(url, location)
            unbroken = unbroken and reply.status in _PERMANENT
            permanent = url if unbroken else permanent
        raise FetchError(f"more than {self._settings.max_redirects} redirects", health="network")

    async def _ask(self, url: str, request: FetchRequest, seconds: float) -> Reply:
        """One request of the chain, in the time that is left."""
        target, until = self._target(url), self._clock.monotonic() + seconds
        try:
            route = await self._route(target, seconds) if target.host else ""
            call = Call(
                url=target.url,
                route=route,
                headers=_headers(request),
                form=urlencode(request.form).encode() if request.form else None,
                max_bytes=request.max_bytes,
                seconds=until - self._clock.monotonic() if route else seconds,
            )
            return await self._wire.send(call)
        except TimeoutError as error:
            raise FetchError(f"no whole answer within {self._settings.timeout:g} s", health="slow") from error

    async def _route(self, target: _Target, seconds: float) -> str:
        """Where the connection may be made to."""
        try:
            async with asyncio.timeout(seconds):
                addresses = await self._resolver.resolve(target.host, target.port)
        except BlockedAddressError as error:
            raise FetchError(str(error), health="blocked") from error
        except TimeoutError:
            raise
        except OSError as error:
            raise FetchError("the host name does not resolve", health="dns") from error
        places = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
        return f"{target.host}:{target.port}:{places}"

    def _checked(self, url: str) -> _Target:
        """The address ready for the wire; literal IP addresses are judged here, since no resolver sees them.

        Raises:
            FetchError: it is none that may be asked.
        """
        try:
            target = URL(url)
            host = target.raw_host
        except ValueError as error:
            raise FetchError(f"not a web address: {error}", health="blocked") from error
        if target.scheme not in {"http", "https"} or not host or target.port is None:
            raise FetchError("only http and https addresses are asked", health="blocked")
        address = literal_address(host)
        if address is not None and not is_allowed(address, self._settings.allow_networks):
            raise FetchError(f"poll.allow_networks does not let {address} through", health="blocked")
        return _Target(str(target.with_fragment(None)), "" if address else host, target.port)


def _followed(request: FetchRequest) -> frozenset[int]:
    """The redirects that are followed: a form is posted again only where the server asks for exactly that (RFC 9110 15.4)."""
    return _REPEATED if request.form else REDIRECTS


def _joined(base: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        FetchError: nowhere.
    """
    try:
        return urljoin(base, location).partition("#")[0]
    except ValueError as error:
        raise FetchError(f"not a web address: {error}", health="blocked") from error


def _headers(request: FetchRequest) -> tuple[bytes, ...]:
    lines = [b"Accept: " + request.accept.encode()]
    if request.etag:
        lines.append(_line("If-None-Match", request.etag))
    if request.last_modified:
        lines.append(_line("If-Modified-Since", request.last_modified))
    return tuple(lines)


def _line(name: str, value: str) -> bytes:
    """A line of the head with what the server once sent, which must not become two."""
    return f"{name}: {value.translate(_CONTROLS)}".encode()
