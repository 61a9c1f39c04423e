"""The web server over the embedded store."""

import socket
from typing import TYPE_CHECKING

from marsad.clock import Clock
from marsad.config import Settings
from marsad.ports import HubInbox
from marsad_app.embedded.board import Board
from marsad_app.embedded.store import Store
from marsad_app.live_topics import Topics
from marsad_app.web.server import WebServer

if TYPE_CHECKING:
    from marsad_app.web.services import Services

__all__ = ["web_server"]


def web_server(
    settings: Settings,
    store: Store,
    clock: Clock,
    board: Board,
    listener: socket.socket,
    topics: Topics | None = None,
    inbox: HubInbox | None = None,
) -> WebServer:
    """The page and the API on a bound socket.

    Args:
        settings: everything that can be set.
        store: what is shown.
        clock: the time.
        board: live counters.
        listener: from ``bind``.
        topics: the topics, as they are at each time; those of the settings if not given.
        inbox: takes what hubs of feeds tell; None where nothing polls.
    """

    def services(topics: Topics) -> "Services":
        from marsad_app.embedded.services import services_for  # noqa: PLC0415 - what it knows of outlets takes 0.3 s

        return services_for(settings, store, clock, board, topics, inbox)

    return WebServer(settings, listener, services, topics)
