"""Serves the web page and the API on a socket."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from marsad.clock import SystemClock
from marsad.config import Settings, WebSettings
from marsad.errors import ConfigError
from marsad_app.live_topics import LiveTopics, Topics
from marsad_app.switching import set_loaded_aside
from marsad_app.web.exposure import check_exposure

if TYPE_CHECKING:
    from fastapi import FastAPI

    from marsad_app.web.services import Services

__all__ = ["WebServer", "bind"]

_GRACE_S = 2


def bind(web: WebSettings) -> socket.socket:
    """Take the port before anything else starts.

    Raises:
        ConfigError: it is taken, the address is not this machine's, or it would be open to the network without a token.
    """
    check_exposure(web)
    host, port = web.host, web.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}; set web.port (or MARSAD_WEB__PORT) to another port, 0 for any free one"
        ) from error
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the program has one place that is told to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """The page and the API on a bound socket.

    Args:
        settings: everything that can be set.
        listener: from ``bind``.
        services: makes what the application is given, from the topics; called when serving begins.
        topics: the topics, as they are at each time; those of the settings if not given.
    """

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        services: "Callable[[Topics], Services]",
        topics: Topics | None = None,
    ) -> None:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.address = settings.web.base_url.rstrip("/") or f"http://{shown}:{port}"
        self._listener = listener
        self._settings = settings
        self._services = services
        self._topics = topics

    def _make_app(self) -> "FastAPI":
        """The application; imported here, since it takes half a second in which feeds can be polled already."""
        from marsad_app.web.app import create_app  # noqa: PLC0415 - see above

        services = self._services(self._topics or LiveTopics(self._settings.process, SystemClock()))
        app = create_app(services)
        # The names that queries are widened by are read with the first query: here no reader waits for that.
        services.parse("مرصد")
        set_loaded_aside()
        return app

    async def serve(self, stop: asyncio.Event) -> None:
        """Answer requests until ``stop``."""
        app = await asyncio.to_thread(self._make_app)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_S
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[self._listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving
