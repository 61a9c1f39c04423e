"""The web page alone, over a store that something else may be filling."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import typer

from marsad.clock import SystemClock
from marsad.config import Settings
from marsad_app.embedded.board import Board
from marsad_app.embedded.server import WebServer, bind
from marsad_app.embedded.store import Store

__all__ = ["serve_web"]


def serve_web(settings: Settings, store: Store) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        ConfigError: the port is taken.
    """
    listener = bind(settings.web)
    try:
        server = WebServer(settings, store, SystemClock(), Board(), listener)
        until_signal(server.serve, f"Web page: {server.address}  (Ctrl-C ends)")
    finally:
        listener.close()


def until_signal(serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]], announcement: str = "") -> None:
    """Run something that ends when its event is set, and set it at SIGTERM or SIGINT.

    Args:
        serve: the work.
        announcement: said on standard error once signals are heard.
    """

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if announcement:
            typer.echo(announcement, err=True)
        await serve(stop)

    asyncio.run(main())
