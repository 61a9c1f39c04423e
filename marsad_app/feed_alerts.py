"""Alerts about the feeds themselves: who is told when one falls ill or has recovered. Pure but for the subscriptions it asks.

A poll decides by the state that it leads to, and the alerts are written together with that state. Their ids follow from the
change, so that a state that is written again raises none again.
"""

from collections.abc import Callable, Sequence

import structlog

from marsad.errors import QueryError
from marsad.query import MatchDoc, compile_predicate, parse
from marsad.records import Alert, Article, CountryTag, Feed, FeedState, Health, Subscription, Trigger
from marsad.records.ids import alert_id
from marsad.records.urls import shown_url
from producers.history import HealthChange, latest_change

__all__ = ["FeedAlerts"]

_log = structlog.get_logger(__name__)


class FeedAlerts:
    """Raises the alerts of subscriptions to the feeds' health.

    Args:
        feed: a feed by its id; it and the subscriptions are asked for only when a feed's health has changed.
        subscriptions: all subscriptions.
    """

    def __init__(self, feed: Callable[[str], Feed | None], subscriptions: Callable[[], Sequence[Subscription]]) -> None:
        self._feed = feed
        self._subscriptions = subscriptions

    def raised(self, state: FeedState) -> list[tuple[Alert, Subscription]]:
        """The alerts that the poll which led to a state raises, each with whose it is; nearly always none."""
        change = latest_change(state)
        feed = None if change is None else self._feed(state.feed_id)
        if change is None or feed is None:
            return []
        doc = MatchDoc.of(_as_article(feed, change))
        return [
            (_alert(feed, change, trigger, subscription), subscription)
            for subscription in self._subscriptions()
            for trigger in _fired(subscription, change)
            if subscription.enabled
            and subscription.created_at <= change.told_at
            and self._matches(subscription, doc, change)
        ]

    def _matches(self, subscription: Subscription, doc: MatchDoc, change: HealthChange) -> bool:
        try:
            return compile_predicate(parse(subscription.query, now=change.told_at))(doc)
        except QueryError as error:
            _log.warning("subscription cannot be matched", name=subscription.name, reason=error.reason)
            return False


def _as_article(feed: Feed, change: HealthChange) -> Article:
    """The feed as queries see it: ``feed:``, ``outlet:``, ``country:`` (the outlet's), ``lang:`` and words of its names."""
    return Article(
        article_id="",
        feed_ids=(feed.id,),
        title=f"{feed.outlet} {feed.title}",
        language=feed.language,
        outlet=feed.outlet,
        countries=(CountryTag(code=feed.country, mentions=1),) if feed.country else (),
        published_at=change.told_at,
        first_seen_at=change.told_at,
    )


def _fired(subscription: Subscription, change: HealthChange) -> tuple[Trigger, ...]:
    """The trigger that the change fires, if any: the wider one where both are set, so that it is told once."""
    if Trigger.FEED_HEALTH in subscription.triggers:
        return (Trigger.FEED_HEALTH,)
    silent = Health.SILENT in {change.health, change.was}
    return (Trigger.SOURCE_SILENT,) if silent and Trigger.SOURCE_SILENT in subscription.triggers else ()


def _alert(feed: Feed, change: HealthChange, trigger: Trigger, subscription: Subscription) -> Alert:
    from marsad_app.web.texts import Texts, language_of  # noqa: PLC0415 - names of languages and zones: 50 ms, seldom needed

    texts = Texts(language_of(subscription.language), change.told_at)
    said = texts("feeds.recovered") if change.recovered else texts(f"health.{change.health.value}")
    event = f"feed:{feed.id}:{change.health.value}:{int(change.at.timestamp())}"
    return Alert(
        alert_id=alert_id(subscription.id, event, trigger),
        subscription_id=subscription.id,
        story_id=event,
        article_id="",
        feed_id=feed.id,
        reason=trigger,
        title=f"{feed.title}: {said}",
        outlet=feed.outlet,
        url=shown_url(feed.url),
        at=change.told_at,
    )
