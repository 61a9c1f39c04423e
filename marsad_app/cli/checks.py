"""The doctor's checks of the machine, the settings and the data files."""

import contextlib
import errno
import http.client
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marsad.clock import SystemClock
from marsad.config import Network, Settings
from marsad.errors import ConfigError
from marsad_app.cli.finding import Finding, fail, ok, warn
from marsad_app.web.exposure import is_loopback

__all__ = ["CHECKS"]

_GIGA: Final = 1_000_000_000
_LITTLE_SPACE, _NO_SPACE = 2 * _GIGA, _GIGA // 10
_FIRST_YEAR: Final = 2025
# Where clouds hand the machine's own credentials to whoever asks from inside: AWS, Google, Azure, Alibaba, Oracle; and AWS over IPv6.
_METADATA: Final = tuple(
    map(ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"))
)
_BROAD: Final = {4: 8, 6: 32}


def data_folder(settings: Settings) -> Iterator[Finding]:
    """``data.dir`` can be written, and there is room."""
    folder = settings.data.dir
    name = "data folder"
    place = next((part for part in (folder, *folder.absolute().parents) if part.exists()), Path("/"))
    if not place.is_dir():
        yield fail(name, f"{place} is a file, so {folder} cannot be a folder", "set data.dir to a folder")
        return
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield fail(
            name,
            f"{place} cannot be written: {error.strerror}",
            "set data.dir to a folder of yours, or change its owner",
        )
        return
    free = shutil.disk_usage(place).free
    detail = f"{folder.absolute()}{'' if place == folder else ' (made at the first run)'}, {free / _GIGA:.1f} GB free"
    if free < _NO_SPACE:
        yield fail(name, detail, "free some space, or set data.dir to another disk; nothing stored is lost")
    elif free < _LITTLE_SPACE:
        yield warn(
            name, detail, "a month of some hundred feeds takes a few GB: free some space, or lower data.keep_days"
        )
    else:
        yield ok(name, detail)


def web_page(settings: Settings) -> Iterator[Finding]:
    """Nobody else has the port, and the page is not open to the world by mistake."""
    host, port = settings.web.host, settings.web.port
    if not is_loopback(host) and not settings.web.token.get_secret_value():
        yield fail(
            "web access",
            f"web.host is {host} and web.token is not set: anybody who reaches it can change things",
            "set web.token, or web.host to 127.0.0.1 behind a proxy",
        )
    else:
        yield ok("web access", f"{host}, {'with' if settings.web.token.get_secret_value() else 'without'} a token")
    problem = _cannot_bind(host, port)
    if not problem:
        yield ok("web port", f"{port} is free" if port else "any free port")
    elif problem == errno.EADDRINUSE and _is_marsad(host, port):
        yield ok("web port", f"{port} is served by a Marsad that runs already")
    elif problem == errno.EADDRINUSE:
        yield fail(
            "web port",
            f"{port} on {host} is taken by another program",
            "set web.port (or MARSAD_WEB__PORT) to another port; 0 takes any free one",
        )
    else:
        yield fail(
            "web port",
            f"cannot listen on {host}:{port}: {os.strerror(problem)}",
            "set web.host to an address of this machine, and web.port above 1023",
        )


def networks(settings: Settings) -> Iterator[Finding]:
    """What the guard against requests to private addresses lets through."""
    allowed = settings.poll.allow_networks
    risky = [str(network) for network in allowed if _reaches_metadata(network)]
    broad = [str(network) for network in allowed if network.prefixlen < _BROAD[network.version]]
    if risky or broad:
        what = "reach a cloud's metadata service" if risky else "are very wide"
        yield warn(
            "allowed networks",
            f"{', '.join(risky or broad)} {what}: a hostile feed could read what only this machine may",
            "list the single networks that hold your feeds in poll.allow_networks",
        )
    elif allowed:
        yield ok("allowed networks", f"private addresses that feeds may have: {', '.join(map(str, allowed))}")
    else:
        yield ok("allowed networks", "private addresses are never asked")


def clock(settings: Settings) -> Iterator[Finding]:
    """The machine knows the time and the world's time zones."""
    now = SystemClock().now()
    if now.year < _FIRST_YEAR:
        yield fail(
            "clock", f"the machine says {now:%Y-%m-%d}", "set the clock (NTP): articles are dated and ordered by it"
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")
    try:
        ZoneInfo("Africa/Cairo")
    except ZoneInfoNotFoundError:
        yield fail(
            "time zones",
            "this machine has no time zone database",
            "install the system's tzdata, or `pip install tzdata`",
        )


def topics(settings: Settings) -> Iterator[Finding]:
    """All topic files can be read."""
    from marsad.taxonomy import load_taxonomy  # noqa: PLC0415 - so that a fault in it is a finding

    try:
        taxonomy = load_taxonomy(settings.process.topics_dir, learned=settings.process.learned_topics)
    except ConfigError as error:
        yield fail("topics", str(error), "correct the file; `marsad topics check` also runs the examples")
        return
    yield ok("topics", f"{len(taxonomy.topics)} topics, version {taxonomy.version}")


def catalogue(settings: Settings) -> Iterator[Finding]:
    """The shipped feeds can be read."""
    from producers.catalogue import load_catalogue  # noqa: PLC0415 - so that a fault in it is a finding

    feeds = load_catalogue()
    yield ok("catalogue", f"{len(feeds)} feeds from {len({feed.country for feed in feeds})} countries")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    data_folder,
    web_page,
    networks,
    clock,
    topics,
    catalogue,
)


def _reaches_metadata(network: Network) -> bool:
    return any(address in network for address in _METADATA if address.version == network.version)


def _cannot_bind(host: str, port: int) -> int:
    """The error number that listening would end with; 0 if it would not."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        return error.errno if error.errno and error.errno > 0 else errno.EADDRNOTAVAIL
    return 0


def _is_marsad(host: str, port: int) -> bool:
    """Whether what answers on the port is a Marsad: its metrics are named so."""
    connection = http.client.HTTPConnection(host if host not in {"0.0.0.0", "::"} else "127.0.0.1", port, timeout=2)  # noqa: S104 - compared, not bound
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/metrics")
        return b"marsad_" in connection.getresponse().read(1_000_000)
    return False
