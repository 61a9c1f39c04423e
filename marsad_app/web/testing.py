"""The web over fakes: for tests and for looking at pages without any news."""

from collections.abc import Mapping
from pathlib import Path

from marsad.clock import Clock, FrozenClock
from marsad.config import DataSettings, ProcessSettings, Settings, WebSettings, WebSubSettings
from marsad.ports import HubInbox
from marsad.taxonomy import Taxonomy, load_taxonomy
from marsad.testing.factories import NOW
from marsad.testing.fakes import InMemoryStore
from marsad_app.live_topics import Topics
from marsad_app.web.services import Services

__all__ = ["services_over"]

_STATUS: Mapping[str, object] = {
    "polls": {"ok": 120, "unchanged": 310, "http-5xx": 4},
    "entries": 182,
    "pages": 40,
    "outcomes": {"indexed": 160, "duplicate": 12, "revised": 3},
    "topics": {"defense-cooperation": 9, "energy": 4},
    "alerts": 2,
    "failures": {},
}


def services_over(
    store: InMemoryStore,
    *,
    web: WebSettings | None = None,
    websub: WebSubSettings | None = None,
    taxonomy: Taxonomy | None = None,
    inbox: HubInbox | None = None,
    clock: Clock | None = None,
    process: ProcessSettings | None = None,
    topics: Topics | None = None,
    data: Path | None = None,
) -> Services:
    """Everything that ``create_app`` needs, over fakes; replaying drops the item from quarantine.

    ``data`` is the data folder, for those that remove feeds.
    """
    shipped = taxonomy or (load_taxonomy(None) if topics is None else topics())
    settings = Settings.model_construct(
        data=DataSettings(dir=data) if data else DataSettings(),
        web=web or WebSettings(),
        process=process or ProcessSettings(),
        websub=websub or WebSubSettings(),
    )
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
        clock=clock or FrozenClock(NOW),
        topics=topics or (lambda: shipped),
        replay=store.quarantine.drop_quarantined,
        status=lambda: _STATUS,
        inbox=inbox,
    )
