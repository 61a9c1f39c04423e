"""How hard one site may be asked: few requests at once, a pause between them, silence when it says so."""

import asyncio
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

import tldextract

from marsad.addresses import literal_address
from marsad.clock import Clock
from marsad.config import PollSettings
from marsad.memo import remembered

__all__ = ["HostGate", "site_of"]

# The snapshot of the Public Suffix List inside the package: reading it over the network would make pacing depend on it.
_extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

_INSIDE_CONCURRENCY: Final = 8
_LONGEST_PAUSE: Final = 3_600.0
_IDLE_SITES: Final = 512
_KNOWN_HOSTS: Final = 4_096
# Every poll asks for the site of its feed's address: 3 µs where it is not kept.
_KNOWN_ADDRESSES: Final = 32_768


@remembered(_KNOWN_ADDRESSES)
def site_of(url: str) -> str:
    """What counts as one site: the registrable domain, or the bare host where there is none (IP addresses, localhost)."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return _site_of_host(host)


@remembered(_KNOWN_HOSTS)
def _site_of_host(host: str) -> str:
    if literal_address(host) is not None:
        return host
    return _extract(host).top_domain_under_public_suffix or host


class _Gate:
    """One site: who is in, and when the next may start."""

    __slots__ = ("free", "next_start", "paused_until", "spacing", "users")

    def __init__(self, places: int, spacing: float) -> None:
        self.free = asyncio.Semaphore(places)
        self.spacing = spacing
        self.next_start = 0.0
        self.paused_until = 0.0
        self.users = 0


class _Slot:
    """One request's place."""

    __slots__ = ("_gate", "_of")

    def __init__(self, of: "HostGate", gate: _Gate) -> None:
        self._of = of
        self._gate = gate

    async def __aenter__(self) -> None:
        await self._of.enter(self._gate)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._of.leave(self._gate)


class HostGate:
    """Keeps requests to one site apart. Every request goes through :meth:`slot`, feeds, pages and robots.txt alike.

    Args:
        settings: concurrency, spacing, and the networks inside which neither spacing nor the usual limit holds.
        clock: its monotonic seconds decide; waiting itself is done by the event loop.
    """

    def __init__(self, settings: PollSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._all = asyncio.Semaphore(settings.concurrency)
        self._gates: dict[str, _Gate] = {}
        self._inside = remembered(_KNOWN_HOSTS)(self._lies_inside)

    def __len__(self) -> int:
        return len(self._gates)

    def limit(self, site: str) -> int:
        """How many requests to the site may run at once."""
        return _INSIDE_CONCURRENCY if self._inside(site) else self._settings.host_concurrency

    def slot(self, url: str) -> "_Slot":
        """Wait until the site of ``url`` may be asked, and hold the place for as long as the request lasts.

        To be entered with ``async with``. The place among all requests is taken last: who waits for a site keeps nobody else
        waiting.
        """
        return _Slot(self, self._gate(site_of(url)))

    async def enter(self, gate: _Gate) -> None:
        """Take a place at a site and among all requests."""
        gate.users += 1
        try:
            await gate.free.acquire()
            try:
                await self._wait_for_turn(gate)
                await self._all.acquire()
            except BaseException:
                gate.free.release()
                raise
        except BaseException:
            self._leave(gate)
            raise

    def leave(self, gate: _Gate) -> None:
        """Give both places back."""
        self._all.release()
        gate.free.release()
        self._leave(gate)

    def _leave(self, gate: _Gate) -> None:
        gate.users -= 1
        if len(self._gates) > _IDLE_SITES:
            self._drop_idle()

    def throttle(self, url: str, seconds: float) -> None:
        """Leave the whole site alone for a while: it answered 429, or 503 with Retry-After. At most an hour each time."""
        gate = self._gate(site_of(url))
        until = self._clock.monotonic() + min(max(0.0, seconds), _LONGEST_PAUSE)
        gate.paused_until = max(gate.paused_until, until)

    def paused_for(self, url: str) -> float:
        """Seconds until the site may be asked again; 0 if now."""
        gate = self._gates.get(site_of(url))
        return 0.0 if gate is None else max(0.0, gate.paused_until - self._clock.monotonic())

    def _gate(self, site: str) -> _Gate:
        gate = self._gates.get(site)
        if gate is None:
            gate = self._gates[site] = _Gate(
                self.limit(site), 0.0 if self._inside(site) else self._settings.host_spacing
            )
        return gate

    def _lies_inside(self, site: str) -> bool:
        address = literal_address(site)
        return address is not None and any(address in network for network in self._settings.allow_networks)

    async def _wait_for_turn(self, gate: _Gate) -> None:
        """Take the next free start; a pause that begins during the wait is waited for as well."""
        now = self._clock.monotonic()
        start = max(now, gate.next_start)
        gate.next_start = start + gate.spacing
        if start > now:
            await asyncio.sleep(start - now)
        paused = gate.paused_until - self._clock.monotonic()
        if paused > 0:
            await asyncio.sleep(paused)

    def _drop_idle(self) -> None:
        """Forget sites that nobody asks and nothing holds back, so that memory does not grow with the web."""
        now = self._clock.monotonic()
        idle = [
            site
            for site, gate in self._gates.items()
            if not gate.users and max(gate.next_start, gate.paused_until) <= now
        ]
        for site in idle:
            del self._gates[site]
