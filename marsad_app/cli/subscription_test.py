"""A test message to the outlets of a subscription."""

from collections.abc import Sequence

import typer

from marsad.clock import SystemClock
from marsad.errors import PoisonError, TransientError
from marsad.records import Alert, Article, Subscription, Trigger
from marsad.records.ids import alert_id
from marsad_app.cli.output import cell
from sinks.alerts.deliver import AppriseOutlet
from sinks.alerts.plan import TERMINAL

__all__ = ["send_test"]


def send_test(subscription: Subscription, articles: Sequence[Article], base_url: str) -> list[tuple[str, str]]:
    """Send one alert to each outlet, past the ledger: it leaves no trace and stops no true alert.

    Args:
        subscription: whose outlets are tried.
        articles: matching articles, newest first; the first is what the message shows.
        base_url: the web page's address for links.

    Returns:
        For each outlet its kind, and why it failed; empty where it took the message.
    """
    alert = _alert(subscription, articles[0] if articles else None)
    return [(outlet.partition(":")[0], _send(outlet, subscription, alert, base_url)) for outlet in subscription.outlets]


def _alert(subscription: Subscription, article: Article | None) -> Alert:
    return Alert(
        alert_id=alert_id(subscription.id, "test", "test"),
        subscription_id=subscription.id,
        story_id=article.story_id if article else "",
        article_id=article.article_id if article else "",
        reason=Trigger.NEW_ARTICLE,
        title=article.title if article else "رسالة تجريبية من مرصد (Marsad test message)",
        outlet=article.outlet if article else "Marsad",
        url=article.url if article else "",
        at=SystemClock().now(),
    )


def _send(outlet: str, subscription: Subscription, alert: Alert, base_url: str) -> str:
    if outlet == TERMINAL:
        typer.echo(f"● {cell(subscription.name)}  {cell(alert.title)}")
        return ""
    try:
        AppriseOutlet(outlet, base_url).send(alert.alert_id, subscription, [alert])
    except (PoisonError, TransientError) as error:
        return str(error)
    return ""
