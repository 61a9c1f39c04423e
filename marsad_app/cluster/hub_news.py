"""What hubs tell, on its way through the stream from the web page to whichever process polls the feed."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from marsad.config import KafkaSettings
from marsad.errors import CodecError, MarsadError
from marsad.ports import HubInbox
from marsad.records import HubNews, decode, encode
from marsad.streams import Message
from marsad_app.cluster.reading import StreamReader
from marsad_app.cluster.view import Place
from marsad_app.cluster.writing import StreamWriter

__all__ = ["HubNewsFollower", "StreamedInbox"]

_log = structlog.get_logger(__name__)
_STREAM: Final = "hub-news.v1"
_POLL_S: Final = 0.2
_AGAIN_S: Final = 2.0
_JOIN_S: Final = 3.0


class StreamedInbox:
    """``marsad.ports.HubInbox`` of the web page.

    Args:
        settings: the broker.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._writer = StreamWriter(settings)

    def tell(self, news: HubNews) -> None:
        """Write it to the stream.

        Raises:
            StoreError: the broker does not answer: the hub is told so, and tries again.
        """
        self._writer.write([Message(stream=_STREAM, key=news.feed_id, value=encode(news))])

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


class HubNewsFollower:
    """Hands what hubs tell of this process's feeds to its poller, in a thread.

    It begins at the stream's end: what came before was another's, or is found by the poll that each feed gets anyway.

    Args:
        settings: the broker.
        inbox: the poller's.
        is_ours: whether the feed of that id is polled here.
        on_trouble: told why the stream cannot be read, and told ``""`` when it can be read again.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        inbox: HubInbox,
        is_ours: Callable[[str], bool],
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._is_ours = is_ours
        self._on_trouble = on_trouble
        self._places: dict[Place, int] = {}
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-news", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until what is written from now on is read; False if that takes longer."""
        return self._ready.wait(timeout)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - whatever it is, polling goes on and the stream is tried again
                if not isinstance(error, MarsadError):
                    _log.exception("what hubs tell cannot be read")
                self._on_trouble(str(error) or type(error).__name__)
            self._stop.wait(_AGAIN_S)

    def _follow(self) -> None:
        reader = StreamReader(self._settings, [_STREAM])
        try:
            ends = reader.ends()
            # A stream that was made anew is shorter than what was read of the old one.
            self._places = {place: min(self._places.get(place, end), end) for place, end in ends.items()}
            reader.go_on_from(self._places)
            self._on_trouble("")
            self._ready.set()
            while not self._stop.is_set():
                for piece in reader.read(_POLL_S):
                    for message in piece.messages:
                        self._hand_on(message)
                    self._places[piece.place] = piece.until
        finally:
            reader.close()

    def _hand_on(self, message: Message) -> None:
        if not self._is_ours(message.key) or message.value is None:
            return
        try:
            self._inbox.tell(decode(HubNews, message.value))
        except CodecError as error:
            _log.error("record passed over", stream=_STREAM, key=message.key, error=str(error))
