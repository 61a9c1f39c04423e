"""What a subscription would have told before there was it: entered in the ledger, and told as one digest."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from marsad.errors import ConfigError
from marsad.ports import AlertLedger, ArticleSearch, Stories
from marsad.query.ast import And, Range
from marsad.query.parse import Resolve, parse
from marsad.records import ABOUT_FEEDS, Alert, Article, Story, Subscription, Trigger
from marsad.records.ids import alert_id, digest
from marsad.taxonomy.synonyms import other_names
from processors.match import Matcher
from sinks.alerts.plan import MOST_IN_ONE, deliveries_for
from sinks.alerts.wording import REASONS, counted, language_of

__all__ = ["MOST_DAYS", "backfill", "days_of"]

MOST_DAYS: Final = 30
_PAGE: Final = 100
_MOST_ARTICLES: Final = 2_000
_MOST_KNOWN: Final = 10_000
_NOT_OF_THE_PAST: Final = {Trigger.CORRECTION, Trigger.SPIKE, *ABOUT_FEEDS}
_DAYS: Final = re.compile(r"([1-9][0-9]?)d?")


def days_of(text: str) -> int:
    """The days that a person means by ``7d``; none where nothing is written.

    Raises:
        ConfigError: it is no number of days.
    """
    if not text:
        return 0
    found = _DAYS.fullmatch(text)
    if found is None or int(found[1]) > MOST_DAYS:
        raise ConfigError(f"{text[:20]!r} is no time to go back; write days such as 7d, {MOST_DAYS}d at most")
    return int(found[1])


def backfill(
    one: Subscription,
    days: int,
    now: datetime,
    *,
    search: ArticleSearch,
    stories: Stories,
    ledger: AlertLedger,
    resolve: Resolve | None,
) -> int:
    """Enter what a subscription would have told in the days before ``now``; how many alerts were new.

    They are told as one digest, of the latest hundred at most, by the subscription's cadence and quiet hours; none of them is told
    again when its story goes on. To be called when the subscription is saved: what comes from then on is matched as it comes.

    Args:
        one: the subscription.
        days: how far back; 0 does nothing.
        now: the present instant.
        search: the articles.
        stories: their stories.
        ledger: where alerts are entered.
        resolve: names of topics and countries.
    """
    if not days or _NOT_OF_THE_PAST.issuperset(one.triggers):
        return 0
    articles = _articles(one, days, now, search, resolve)
    # Read last: what was told while we were searching is not told again.
    known = {alert.alert_id for alert in ledger.alerts(subscription_id=one.id, limit=_MOST_KNOWN)}
    missed = [alert for alert in _missed(one, articles, now, stories.story, resolve) if alert.alert_id not in known]
    if not missed:
        return 0
    told = _digest(one, missed, now)
    entered = [msgspec.structs.replace(alert, told_in=told.alert_id) for alert in missed]
    # The digest first: after a crash in between, rather something twice than something never.
    alerts = [told, *entered]
    ledger.record_alerts(alerts, [each for alert in alerts for each in deliveries_for(alert, one)])
    return len(missed)


def _articles(
    one: Subscription, days: int, now: datetime, search: ArticleSearch, resolve: Resolve | None
) -> list[Article]:
    """The latest that matched, oldest first."""
    node = And(
        (
            parse(one.query, now=now, resolve=resolve, names=other_names),
            Range("published", now - timedelta(days=days), None),
        )
    )
    found: list[Article] = []
    while len(found) < _MOST_ARTICLES:
        page = search.search(node, sort="date", limit=_PAGE, offset=len(found))
        found += [hit.article for hit in page.hits]
        if len(page.hits) < _PAGE:
            break
    return found[::-1]


def _missed(
    one: Subscription,
    articles: Sequence[Article],
    now: datetime,
    story_of: Callable[[str], Story | None],
    resolve: Resolve | None,
) -> list[Alert]:
    """The alerts that matching raises on these articles, each once."""
    past = tuple(trigger for trigger in one.triggers if trigger not in _NOT_OF_THE_PAST)
    asked = msgspec.structs.replace(one, triggers=past, enabled=True)
    matcher = Matcher([asked], now=now, resolve=resolve)
    alerts: dict[str, Alert] = {}
    for article in articles:
        story = story_of(article.story_id) or _alone(article)
        for alert in matcher.match(article, story, None, now):
            alerts.setdefault(alert.alert_id, alert)
    return list(alerts.values())


def _alone(article: Article) -> Story:
    """Stands in for a story that is not in the index yet."""
    return Story(
        story_id=article.story_id,
        headline=article.title,
        first_seen_at=article.first_seen_at,
        last_seen_at=article.first_seen_at,
        outlets=(article.outlet,),
    )


def _digest(one: Subscription, missed: Sequence[Alert], now: datetime) -> Alert:
    """What tells them: the same for the same alerts, so that asking twice tells once."""
    key = f"backfill:{digest(*(alert.alert_id for alert in missed))}"
    language = language_of(one)
    stories = counted(language, "stories", len({alert.story_id for alert in missed}))
    return Alert(
        alert_id=alert_id(one.id, key, Trigger.BACKFILL),
        subscription_id=one.id,
        story_id=key,
        article_id="",
        reason=Trigger.BACKFILL,
        title=f"{REASONS[language][Trigger.BACKFILL]}: {stories}",
        at=now,
        members=tuple(msgspec.structs.replace(alert, told_in=key) for alert in missed[-MOST_IN_ONE:]),
    )
