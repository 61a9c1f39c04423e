"""The ports over the view: read as in the embedded size, written to the streams. A call that writes returns when the view has it.

Feed states, alerts and deliveries are written by the services, each through the journal of its own stage. Here they are written
as these would, for tests and repairs.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from marsad.config import KafkaSettings
from marsad.errors import FencedError
from marsad.outcome import outcome
from marsad.records import Alert, Delivery, Entry, Feed, FeedState, Owner, Quarantined, Subscription, encode
from marsad.records.ids import story_root
from marsad.streams import Message, partition_of
from marsad_app.cluster.applying import VIEWED, is_forgotten, removed_at
from marsad_app.cluster.materialise import Materialiser
from marsad_app.cluster.view import Place
from marsad_app.cluster.writing import StreamWriter, placed
from marsad_app.embedded.alerts import SqliteAlertLedger, SqliteDeliveryLedger, SqliteSubscriptions
from marsad_app.embedded.database import Database
from marsad_app.embedded.feeds import SqliteFeeds, SqlitePollLedger
from marsad_app.embedded.owners import SqliteOwners
from marsad_app.embedded.quarantine import SqliteQuarantine
from marsad_app.embedded.store import Store
from processors.transact import TransactionalJournal
from producers.politeness import site_of

__all__ = [
    "ClusterAlerts",
    "ClusterDeliveries",
    "ClusterFeeds",
    "ClusterOwners",
    "ClusterPolls",
    "ClusterQuarantine",
    "ClusterSubscriptions",
    "Link",
]


class Link:
    """The way to the streams and back.

    Args:
        settings: the broker.
        materialiser: fills the view.
    """

    def __init__(self, settings: KafkaSettings, materialiser: Materialiser) -> None:
        self.settings = settings
        self._materialiser = materialiser
        self._writer = StreamWriter(settings)

    def publish(self, *messages: Message) -> None:
        """Write messages and wait until the view has them.

        Raises:
            StoreError: the broker does not answer.
        """
        self._wait(self._writer.write(messages))

    def commit(self, owner: str, partition: int, *messages: Message) -> None:
        """Write messages in one transaction and wait until the view has them.

        Args:
            owner: the stream whose owner would write them.
            partition: its partition.
            messages: what is written, all or none.
        """
        with contextlib.closing(TransactionalJournal(self.settings, "app", owner, partition)) as journal:
            offsets = journal.commit(messages)
        self._wait(
            ((message.stream, placed(self.settings, message)), offset)
            for message, offset in zip(messages, offsets, strict=True)
        )

    def _wait(self, written: Iterable[tuple[Place, int]]) -> None:
        last: dict[Place, int] = {}
        for place, offset in written:
            if place[0] in VIEWED:
                last[place] = max(offset, last.get(place, 0))
        for place, offset in last.items():
            self._materialiser.wait_for(place, offset)

    def close(self) -> None:
        """Let go of the connection."""
        self._writer.close()


class ClusterFeeds(SqliteFeeds):
    """``marsad.ports.FeedRegistry``."""

    def __init__(self, database: Database, link: Link) -> None:
        super().__init__(database)
        self._link = link

    def put_feeds(self, feeds: Iterable[Feed]) -> int:
        """Add or replace; the number of feeds that were not there before."""
        wanted = {feed.id: feed for feed in feeds}
        known = {feed.id for feed in self.feeds()}
        self._link.publish(*(Message(stream="feeds.v1", key=feed.id, value=encode(feed)) for feed in wanted.values()))
        return len(wanted.keys() - known)

    def remove_feed(self, feed_id: str) -> bool:
        """Forget the feed; the poller that has it forgets its state."""
        if self.feed(feed_id) is None:
            return False
        self._link.publish(Message(stream="feeds.v1", key=feed_id, value=None))
        return True


class ClusterPolls(SqlitePollLedger):
    """``marsad.ports.PollLedger``."""

    def __init__(self, view: Store, link: Link) -> None:
        super().__init__(view.database, view.queue, view.quarantine, lambda _feed, _entry: False)
        self._link = link
        self._view = view

    def state(self, feed_id: str) -> FeedState | None:
        """What is known of the feed; None before its first poll."""
        state = super().state(feed_id)
        return None if state is None or is_forgotten(state, removed_at(self._view)) else state

    def states(self) -> Iterator[FeedState]:
        """All states, by feed id."""
        removed = removed_at(self._view)
        return (state for state in super().states() if not is_forgotten(state, removed))

    def commit_poll(self, state: FeedState, entries: Sequence[Entry], quarantined: Sequence[Quarantined] = ()) -> None:
        """Write the new state and the entries in one transaction."""
        feed = self._view.feeds.feed(state.feed_id)
        shard = partition_of(site_of(feed.url) if feed else state.feed_id, self._link.settings.partitions)
        self._link.commit(
            "feed-states.v1",
            shard,
            Message(stream="feed-states.v1", key=state.feed_id, value=encode(state), partition=shard),
            *(Message(stream="entries.v1", key=entry.article_id, value=encode(entry)) for entry in entries),
            *map(_quarantine_message, quarantined),
        )

    def commit_polls(self, polls: Sequence[tuple[FeedState, Sequence[Entry]]]) -> Sequence[Exception | None]:
        """Write one after the other."""
        return [outcome(self.commit_poll, state, entries) for state, entries in polls]

    def put_states(self, states: Sequence[FeedState]) -> Sequence[Exception | None]:
        """Write one after the other, each with what is remembered in the view."""
        return [outcome(self._put_state, state) for state in states]

    def _put_state(self, state: FeedState) -> None:
        before = self.state(state.feed_id)
        if before is None:
            raise FencedError(f"nothing is stored of feed {state.feed_id}")
        self.commit_poll(replace(state, seen=before.seen), ())


class ClusterSubscriptions(SqliteSubscriptions):
    """``marsad.ports.Subscriptions``."""

    def __init__(self, database: Database, link: Link) -> None:
        super().__init__(database)
        self._link = link

    def put_subscription(self, subscription: Subscription) -> None:
        """Add or replace."""
        self._link.publish(Message(stream="subscriptions.v1", key=subscription.id, value=encode(subscription)))

    def remove_subscription(self, subscription_id: str) -> bool:
        """Forget it; its alerts stay in the ledger."""
        if self.subscription(subscription_id) is None:
            return False
        self._link.publish(Message(stream="subscriptions.v1", key=subscription_id, value=None))
        return True


class ClusterOwners(SqliteOwners):
    """``marsad.ports.Owners``."""

    def __init__(self, database: Database, link: Link) -> None:
        super().__init__(database)
        self._link = link

    def put_owner(self, owner: Owner) -> None:
        """Add or replace."""
        self._link.publish(Message(stream="owners.v1", key=owner.name, value=encode(owner)))

    def remove_owner(self, name: str) -> bool:
        """Forget it, and its token with it."""
        if all(owner.name != name for owner in self.owners()):
            return False
        self._link.publish(Message(stream="owners.v1", key=name, value=None))
        return True


class ClusterAlerts(SqliteAlertLedger):
    """``marsad.ports.AlertLedger``."""

    def __init__(self, database: Database, link: Link, known: Callable[[str], Alert | None]) -> None:
        super().__init__(database)
        self._link = link
        self._known = known

    def record_alerts(self, alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> Sequence[Alert]:
        """Enter alerts that are not there yet, with their deliveries, those of a partition in one transaction."""
        new = {alert.alert_id: alert for alert in alerts if self._known(alert.alert_id) is None}
        shards: dict[int, list[Message]] = {}
        places = {alert.alert_id: shard_of(alert, self._link.settings) for alert in new.values()}
        for alert in new.values():
            shard = places[alert.alert_id]
            message = Message(stream="alerts.v1", key=alert.alert_id, value=encode(alert), partition=shard)
            shards.setdefault(shard, []).append(message)
        for one in deliveries:
            if one.alert_id in places:
                shards[places[one.alert_id]].append(_delivery_message(one, places[one.alert_id]))
        for shard, messages in shards.items():
            self._link.commit("alerts.v1", shard, *messages)
        return list(new.values())


class ClusterDeliveries(SqliteDeliveryLedger):
    """``marsad.ports.DeliveryLedger``."""

    def __init__(self, database: Database, link: Link, known: Callable[[str], Alert | None]) -> None:
        super().__init__(database)
        self._link = link
        self._known = known

    def put_delivery(self, delivery: Delivery) -> None:
        """Replace by id; one whose alert is not in the ledger changes nothing."""
        alert = self._known(delivery.alert_id)
        if alert is not None:
            self._link.publish(_delivery_message(delivery, shard_of(alert, self._link.settings)))


class ClusterQuarantine(SqliteQuarantine):
    """``marsad.ports.QuarantineStore``."""

    def __init__(self, database: Database, link: Link) -> None:
        super().__init__(database)
        self._link = link

    def quarantine(self, items: Iterable[Quarantined]) -> None:
        """Add; the same fault of the same item is one row."""
        self._link.publish(*map(_quarantine_message, items))

    def drop_quarantined(self, item_id: str) -> bool:
        """Forget it; False if it was not there."""
        if self.quarantined_item(item_id) is None:
            return False
        self._link.publish(Message(stream="quarantine.v1", key=item_id, value=None))
        return True


def shard_of(alert: Alert, settings: KafkaSettings) -> int:
    """The partition of an alert and its deliveries: that of its article."""
    return partition_of(story_root(alert.story_id), settings.partitions)


def _delivery_message(delivery: Delivery, shard: int) -> Message:
    return Message(stream="deliveries.v1", key=delivery.delivery_id, value=encode(delivery), partition=shard)


def _quarantine_message(item: Quarantined) -> Message:
    return Message(stream="quarantine.v1", key=item.id, value=encode(item))
