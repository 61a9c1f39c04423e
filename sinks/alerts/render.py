"""An alert in words, in Arabic and English. Latin names in Arabic lines are isolated, so that they do not turn the line around."""

import html
from collections.abc import Sequence

import msgspec

from marsad.arabic import balance, shown
from marsad.records import Alert, Subscription, Trigger

__all__ = ["Message", "render"]

_REASONS = {
    "ar": {
        Trigger.NEW_ARTICLE: "مقال جديد",
        Trigger.NEW_STORY: "قصة جديدة",
        Trigger.STORY_OUTLETS: "قصة تناقلتها مصادر عدة",
        Trigger.CORRECTION: "تصحيح لخبر سبق التنبيه إليه",
        Trigger.FEED_HEALTH: "تغيّر حال خلاصة",
    },
    "en": {
        Trigger.NEW_ARTICLE: "New article",
        Trigger.NEW_STORY: "New story",
        Trigger.STORY_OUTLETS: "Story carried by several outlets",
        Trigger.CORRECTION: "Correction of something you were alerted to",
        Trigger.FEED_HEALTH: "A feed's health has changed",
    },
}
_WORDS = {
    "ar": {
        "matched": "ما طابق",
        "source": "المصدر",
        "read": "المقال الأصلي",
        "here": "في مرصد",
        "digest": "موجز",
        "alerts": "تنبيهات",
    },
    "en": {
        "matched": "Matched",
        "source": "Outlet",
        "read": "Original",
        "here": "In Marsad",
        "digest": "Digest",
        "alerts": "alerts",
    },
}


class Message(msgspec.Struct, frozen=True):
    """What goes out: a title and the same body as plain text and as HTML."""

    title: str
    text: str
    html: str


def render(subscription: Subscription, alerts: Sequence[Alert], base_url: str) -> Message:
    """Write the message of one alert or of a digest.

    Args:
        subscription: whose alerts they are; its language decides.
        alerts: at least one, oldest first.
        base_url: the web page's address, without a slash at the end; empty leaves its links out.
    """
    language = "ar" if subscription.language == "ar" else "en"
    words = _WORDS[language]
    first = alerts[0]
    if len(alerts) == 1:
        title = f"[{balance(subscription.name)}] {first.title}"
    else:
        title = f"[{balance(subscription.name)}] {words['digest']}: {len(alerts)} {words['alerts']}"
    text = "\n\n".join(_text(alert, language, base_url) for alert in alerts)
    direction = "rtl" if language == "ar" else "ltr"
    body = "".join(_html(alert, language, base_url) for alert in alerts)
    return Message(_one_line(shown(title)), text, f'<div dir="{direction}" lang="{language}">{body}</div>')


def _one_line(text: str) -> str:
    """No line breaks or controls: titles end up in mail headers."""
    return " ".join(text.split())


def _text(alert: Alert, language: str, base_url: str) -> str:
    words = _WORDS[language]
    lines = [
        shown(alert.title),
        f"{_REASONS[language][alert.reason]} · {words['source']}: {shown(alert.outlet)}",
    ]
    if alert.evidence:
        lines.append(f"{words['matched']}: {'، '.join(shown(part) for part in alert.evidence[:5])}")
    if alert.url:
        lines.append(f"{words['read']}: {alert.url}")
    if base_url:
        lines.append(f"{words['here']}: {base_url}{alert.page}")
    return "\n".join(lines)


def _html(alert: Alert, language: str, base_url: str) -> str:
    words = _WORDS[language]
    parts = [f'<h2 dir="auto">{html.escape(shown(alert.title))}</h2>']
    parts.append(
        f"<p>{_REASONS[language][alert.reason]} · {words['source']}: <bdi>{html.escape(shown(alert.outlet))}</bdi></p>"
    )
    if alert.evidence:
        marks = "، ".join(f"<mark><bdi>{html.escape(shown(part))}</bdi></mark>" for part in alert.evidence[:5])
        parts.append(f"<p>{words['matched']}: {marks}</p>")
    links = []
    if alert.url.startswith(("http://", "https://")):
        links.append(f'<a href="{html.escape(alert.url)}">{words["read"]}</a>')
    if base_url:
        links.append(f'<a href="{html.escape(base_url + alert.page)}">{words["here"]}</a>')
    parts.append(f"<p>{' · '.join(links)}</p>")
    return "".join(parts)
