"""The ports of the embedded store as the web page takes them."""

from collections.abc import Mapping

from marsad.clock import Clock
from marsad.config import Settings
from marsad.ports import HubInbox
from marsad_app.embedded.board import Board
from marsad_app.embedded.store import Store
from marsad_app.live_topics import Topics
from marsad_app.naming import CommonNames
from marsad_app.web.services import Services
from sinks.alerts.outlets import Outlets

__all__ = ["services_for"]


def services_for(
    settings: Settings,
    store: Store,
    clock: Clock,
    board: Board,
    topics: Topics,
    inbox: HubInbox | None = None,
) -> Services:
    """Everything that ``create_app`` needs, over one store."""

    def replay(item_id: str) -> bool:
        item = store.quarantine.quarantined_item(item_id)
        return item is not None and not store.redo(item)

    def status() -> Mapping[str, object]:
        return {**board.snapshot(), "waiting": store.queue.waiting(), "articles": store.search.count()}

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
        accept=outlets.accept,
        reveal=outlets.seal.open,
        outlet_at=outlets.at,
        inbox=inbox,
    )
