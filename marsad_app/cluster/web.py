"""``marsad web`` on the cluster: goes on while Kafka or Elasticsearch is away, and says which."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import structlog

from marsad.clock import SystemClock
from marsad.config import ElasticsearchSettings, Settings
from marsad.errors import MarsadError
from marsad_app.cluster.hub_news import StreamedInbox
from marsad_app.cluster.logs import few_library_lines
from marsad_app.cluster.store import ClusterStore
from marsad_app.live_topics import Topics
from sinks.index.client import connect
from sinks.index.document import read_alias
from sinks.index.reading import Reader

if TYPE_CHECKING:
    from marsad_app.web.services import Services

__all__ = ["IndexProbe", "opened_web"]

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 2.0
_ANSWER_S: Final = 3.0
_JOIN_S: Final = 4.0


class IndexProbe:
    """Asks Elasticsearch every two seconds, in a thread, so that nobody has to wait to know whether it answers.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._client = connect(settings, request_timeout=min(_ANSWER_S, settings.timeout), max_retries=0)
        self._index = Reader(self._client, settings, read_alias(settings.prefix))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-probe", daemon=True)
        self.problem = "was not asked yet"

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._thread.join(_JOIN_S)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            problem = self._ask()
            if problem != self.problem:
                _log.info("elasticsearch", answers=not problem, problem=problem)
            self.problem = problem
            self._stop.wait(_EVERY_S)

    def _ask(self) -> str:
        try:
            self._index.count()
        except MarsadError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a probe that died would call a dead index well
            _log.exception("elasticsearch")
            return f"{type(error).__name__}: {error}"
        return ""


@contextlib.contextmanager
def opened_web(settings: Settings) -> "Iterator[Callable[[Topics], Services]]":
    """Follow the streams and watch the index; what makes the services of the page from the topics.

    Raises:
        StoreError: the view cannot be made in ``data.dir``.
        ConfigError: the address of the index cannot be used.
    """
    clock = SystemClock()
    with contextlib.ExitStack() as opened:
        opened.enter_context(few_library_lines())
        store = opened.enter_context(contextlib.closing(ClusterStore(settings, clock)))
        probe = opened.enter_context(contextlib.closing(IndexProbe(settings.elasticsearch)))
        inbox = StreamedInbox(settings.kafka) if settings.websub.callback else None
        if inbox is not None:
            opened.enter_context(contextlib.closing(inbox))
        store.follow()
        probe.start()

        def parts() -> Mapping[str, str]:
            return {"kafka": store.materialiser.problem, "elasticsearch": probe.problem}

        def services(topics: Topics) -> "Services":
            from marsad_app.cluster.services import services_for  # noqa: PLC0415 - what it knows of outlets takes 0.3 s

            return services_for(settings, store, clock, topics, parts, inbox)

        yield services
