"""``marsad deliver``: hands alerts to their outlets, each partition of them by one process at a time."""

import contextlib
import weakref
from collections.abc import Iterator, Mapping, Sequence

import structlog

from marsad.config import Settings
from marsad.errors import StoreError, TransientError
from marsad.ports import Journal, Outlet
from marsad.records import Alert, Subscription, encode
from marsad.streams import Message
from marsad_app.cluster.owned import owned
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.tables import Table
from marsad_app.cluster.writing import StreamWriter
from marsad_app.live_topics import LiveTopics
from marsad_app.naming import CommonNames
from sinks.alerts.deliver import Sender
from sinks.alerts.losing import lost_notice, without
from sinks.alerts.outlets import Outlets
from sinks.alerts.plan import TERMINAL
from sinks.alerts.shard import DeliveryShard

__all__ = ["LogOutlet", "delivering", "run"]

_log = structlog.get_logger(__name__)
_STAGE = "deliver"


class LogOutlet:
    """The terminal of a service is its log."""

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Write one line for each alert."""
        for alert in alerts:
            _log.info(
                "alert",
                delivery=key,
                subscription=subscription.name,
                reason=str(alert.reason),
                title=alert.title,
                outlet=alert.outlet,
                url=alert.url,
            )


@contextlib.contextmanager
def delivering(context: Context, outlets: Mapping[str, Outlet]) -> Iterator[Step]:
    """The step of a delivering process.

    Args:
        context: of the service.
        outlets: outlets by address, beside those that apprise reaches.

    Raises:
        TransientError: the subscriptions cannot be read.
    """
    settings, progress = context.settings, context.progress
    names = CommonNames(LiveTopics(settings.process, context.clock))
    reached = Outlets(settings.alerts, context.clock, settings.web.base_url, outlets, names)
    sender = Sender(reached.at, settings.alerts, context.clock)
    writer = StreamWriter(settings.kafka)
    operator = settings.alerts.operator.get_secret_value()
    opened: weakref.WeakSet[DeliveryShard] = weakref.WeakSet()

    def open_shard(journal: Journal) -> DeliveryShard:
        shard = DeliveryShard(journal, subscriptions, sender, context.clock, progress, lose=lose, operator=operator)
        opened.add(shard)
        return shard

    def lose(subscription_id: str, outlet: str, error: str) -> Alert | None:
        known = subscriptions.get(subscription_id)
        if known is None or outlet in known.lost:
            return None
        left = without(known, outlet)
        try:
            writer.write([Message(stream="subscriptions.v1", key=left.id, value=encode(left))])
        except StoreError as failure:
            raise TransientError(str(failure)) from failure
        return lost_notice(known, outlet, error, context.clock.now(), names)

    with contextlib.ExitStack() as held:
        held.callback(writer.close)
        subscriptions = Table(
            settings.kafka, "subscriptions.v1", Subscription, lambda why: progress.waits("subscriptions.v1", why)
        )
        subscriptions.start()
        held.callback(subscriptions.close)
        # What cannot be sent yet waits in the stream rather than in memory.
        shards = held.enter_context(
            owned(
                context,
                _STAGE,
                "alerts.v1",
                open_shard,
                may_take=lambda: sum(shard.backlog for shard in opened) < settings.kafka.max_lag,
            )
        )
        yield shards.step


def run(settings: Settings) -> int:
    """Deliver until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    outlets: dict[str, Outlet] = {TERMINAL: LogOutlet()} if settings.alerts.terminal else {}
    return run_stage(settings, _STAGE, lambda context: delivering(context, outlets))
