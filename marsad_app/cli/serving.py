"""The web page alone, over a store that something else may be filling."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import typer

from marsad.clock import SystemClock
from marsad.config import Settings
from marsad_app.cli.opening import check_exists
from marsad_app.embedded.board import Board
from marsad_app.embedded.server import web_server
from marsad_app.embedded.store import open_store
from marsad_app.web.server import WebServer, bind

__all__ = ["serve_cluster", "serve_web", "until_signal"]


def serve_web(settings: Settings) -> None:
    """Serve the embedded store until SIGTERM or SIGINT.

    Raises:
        ConfigError: the port is taken.
        StoreError: there is no store, or it cannot be opened.
    """
    check_exists(settings)
    with bind(settings.web) as listener:
        store = open_store(settings.data.dir)
        try:
            _serve(web_server(settings, store, SystemClock(), Board(), listener))
        finally:
            store.close()


def serve_cluster(settings: Settings) -> None:
    """Serve the cluster until SIGTERM or SIGINT, also while parts of it are away.

    Raises:
        ConfigError: the port is taken.
        StoreError: the view cannot be made in ``data.dir``.
    """
    from marsad_app.cluster.web import opened_web  # noqa: PLC0415 - the client libraries, for this size alone

    with bind(settings.web) as listener, opened_web(settings) as services:
        _serve(WebServer(settings, listener, services))


def _serve(server: WebServer) -> None:
    until_signal(server.serve, f"Web page: {server.address}  (Ctrl-C ends)")


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
