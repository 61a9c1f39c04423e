"""What the web needs of the world: ports, settings, the clock, and a few functions."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from marsad.clock import Clock
from marsad.config import Settings
from marsad.errors import PoisonError
from marsad.ports import (
    AlertLedger,
    ArticleSearch,
    DeliveryLedger,
    FeedRegistry,
    HubInbox,
    Outlet,
    Owners,
    PollLedger,
    QuarantineStore,
    Stories,
    Subscriptions,
)
from marsad.query import Node, parse
from marsad.records import Subscription
from marsad.taxonomy import Taxonomy
from marsad.taxonomy.resolve import topic_resolver
from marsad.taxonomy.synonyms import other_names
from marsad_app.backfilling import backfill

__all__ = ["Services"]


def _as_given(address: str) -> str:
    """Take every address as it is."""
    return address


def _no_outlet(address: str) -> Outlet:
    raise PoisonError("nothing is delivered from here")


def _no_parts() -> Mapping[str, str]:
    return {}


def _token() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Everything that ``create_app`` is given.

    Attributes:
        topics: the topics, as they are at each time.
        replay: sends a quarantined item through its stage again; False if it is not there.
        status: live counters: numbers, or numbers by kind; ``failures`` holds sentences by stage.
        parts: what it rests on besides this process, by name, with why it does not answer, or nothing; known without asking.
        accept: an outlet's address as it is to be stored; raises ``ConfigError`` for one that alerts cannot be delivered to.
        reveal: a stored address as it was given; raises ``ConfigError`` where it cannot be opened.
        outlet_at: the outlet at a stored address; raises ``PoisonError`` where there is none.
        inbox: takes what hubs of feeds tell; None where nobody would read it.
        new_token: 128 random bits, in hexadecimal.
    """

    registry: FeedRegistry
    ledger: PollLedger
    search: ArticleSearch
    stories: Stories
    subscriptions: Subscriptions
    owners: Owners
    alerts: AlertLedger
    deliveries: DeliveryLedger
    quarantine: QuarantineStore
    settings: Settings
    clock: Clock
    topics: Callable[[], Taxonomy]
    replay: Callable[[str], bool]
    status: Callable[[], Mapping[str, object]]
    parts: Callable[[], Mapping[str, str]] = _no_parts
    accept: Callable[[str], str] = _as_given
    reveal: Callable[[str], str] = _as_given
    outlet_at: Callable[[str], Outlet] = _no_outlet
    inbox: HubInbox | None = None
    new_token: Callable[[], str] = _token

    @property
    def taxonomy(self) -> Taxonomy:
        """The topics in force."""
        return self.topics()

    def backfill(self, one: Subscription, days: int) -> int:
        """Enter what a subscription that was just saved would have told before; how many alerts were new."""
        return backfill(
            one,
            days,
            self.clock.now(),
            search=self.search,
            stories=self.stories,
            ledger=self.alerts,
            resolve=topic_resolver(self.taxonomy),
        )

    def parse(self, text: str) -> Node:
        """Read a query as of now, topics by id or name.

        Raises:
            QueryError: it cannot be understood.
        """
        return parse(text, now=self.clock.now(), resolve=topic_resolver(self.taxonomy), names=other_names)
