"""The cluster as the web page takes it."""

from collections.abc import Callable, Mapping

from marsad.clock import Clock
from marsad.config import Settings
from marsad.errors import StoreError
from marsad.ports import HubInbox
from marsad_app.cluster.store import ClusterStore
from marsad_app.live_topics import Topics
from marsad_app.naming import CommonNames
from marsad_app.web.services import Services
from sinks.alerts.outlets import Outlets

__all__ = ["services_for"]


def services_for(
    settings: Settings,
    store: ClusterStore,
    clock: Clock,
    topics: Topics,
    parts: Callable[[], Mapping[str, str]],
    inbox: HubInbox | None = None,
) -> Services:
    """Everything that ``create_app`` needs.

    Args:
        settings: everything that can be set.
        store: followed, so that its view is at the end of the streams.
        clock: the time.
        topics: the topics, as they are at each time.
        parts: Kafka and Elasticsearch, with why one does not answer.
        inbox: takes what hubs of feeds tell.
    """

    def replay(item_id: str) -> bool:
        item = store.quarantine.quarantined_item(item_id)
        return item is not None and not store.redo(item)

    def status() -> Mapping[str, object]:
        failures = {part: problem for part, problem in parts().items() if problem}
        # A broker that is known to be away is not waited for.
        waiting: Mapping[str, int] = {}
        if "kafka" not in failures:
            try:
                waiting = store.waiting()
            except StoreError as error:
                failures["lag"] = str(error)
        return {"waiting": waiting, "failures": failures}

    base_url = settings.web.base_url.rstrip("/")
    outlets = Outlets(settings.alerts, clock, base_url, names=CommonNames(topics))
    return Services(
        registry=store.feeds,
        ledger=store.polls,
        search=store.search,
        stories=store.stories,
        subscriptions=store.subscriptions,
        owners=store.owners,
        alerts=store.alerts,
        deliveries=store.deliveries,
        quarantine=store.quarantine,
        settings=settings,
        clock=clock,
        topics=topics,
        replay=replay,
        status=status,
        parts=parts,
        accept=outlets.accept,
        reveal=outlets.seal.open,
        outlet_at=outlets.at,
        inbox=inbox,
    )
