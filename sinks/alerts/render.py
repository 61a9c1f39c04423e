"""A message in words: alerts grouped by story, copies folded, and why each was raised. Pure.

What feeds wrote is escaped, its direction isolated (Unicode bidirectional algorithm, UAX 9), and its addresses are links only
where they are http or https.
"""

import html
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from marsad.arabic import balance, reads_from_the_right
from marsad.arabic import shown as displayed
from marsad.records import Alert, Subscription, Trigger
from sinks.alerts.links import Links
from sinks.alerts.wording import CODES, REASONS, WORDS, Language, Names, counted, language_of, spike_figures

__all__ = ["Message", "render"]

_WEB: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_TITLE: Final = 200
_MOST_WORDS: Final = 5
_MOST_SHOWN: Final = 8


class Message(msgspec.Struct, frozen=True):
    """What goes out: a title and the same body as plain text and as a whole HTML document."""

    title: str
    text: str
    html: str


class _Story(msgspec.Struct, frozen=True):
    """The alerts of one story: the report that is shown, other reports, and copies of one or the other."""

    shown: Alert
    alerts: tuple[Alert, ...]
    reasons: tuple[Alert, ...]
    """The last of each reason."""
    others: tuple[Alert, ...]
    copies: tuple[Alert, ...]


class _Fact(msgspec.Struct, frozen=True):
    """A line under a headline: a label and its values, marked where they are words of the article."""

    label: str
    values: tuple[str, ...]
    marked: bool = False


def render(
    subscription: Subscription, alerts: Sequence[Alert], links: Links, names: Names = CODES, outlet: str = ""
) -> Message:
    """Write the message of one alert or of a digest.

    Args:
        subscription: whose alerts they are; its language decides.
        alerts: at least one, oldest first.
        links: makes addresses.
        names: of topics and countries.
        outlet: where it goes, for the link that ends this.
    """
    language = language_of(subscription)
    stories = _stories(alerts)
    blocks = [_Block(subscription, story, links, names, language) for story in stories]
    if len(stories) == 1:
        title = f"[{balance(subscription.name)}] {stories[0].shown.title}"
    else:
        title = (
            f"[{balance(subscription.name)}] {WORDS[language]['digest']}: {counted(language, 'stories', len(stories))}"
        )
    foot = [
        (WORDS[language][key], address)
        for key, address in (
            ("settings", links.subscription(subscription)),
            ("unsubscribe", links.unsubscribe(subscription, outlet) if outlet else ""),
        )
        if address
    ]
    text = "\n\n".join([*(block.text() for block in blocks), *(f"{label}: {address}" for label, address in foot)])
    return Message(_one_line(displayed(title))[:_LONGEST_TITLE], text, _document(subscription, blocks, foot))


def _stories(alerts: Sequence[Alert]) -> list[_Story]:
    grouped: dict[str, list[Alert]] = {}
    for alert in alerts:
        grouped.setdefault(alert.story_id or alert.alert_id, []).append(alert)
    return [_story(group) for group in grouped.values()]


def _story(group: Sequence[Alert]) -> _Story:
    # The same article may have raised several alerts: it is shown once, with all reasons.
    articles = list({alert.article_id or alert.alert_id: alert for alert in reversed(group)}.values())[::-1]
    present = {alert.article_id for alert in articles}
    originals = [alert for alert in articles if not alert.copy_of]
    shown = (originals or articles)[0]
    copies = [alert for alert in articles if alert.copy_of and alert is not shown and present]
    return _Story(
        shown=shown,
        alerts=tuple(group),
        reasons=tuple({alert.reason: alert for alert in group}.values()),
        others=tuple(alert for alert in originals if alert is not shown),
        copies=tuple(copies),
    )


class _Block:
    """One story, as text and as HTML."""

    def __init__(
        self, subscription: Subscription, story: _Story, links: Links, names: Names, language: Language
    ) -> None:
        self._story = story
        self._language = language
        self._words = WORDS[language]
        shown = story.shown
        self._others = [(other, _original(other) or links.page(other)) for other in story.others[:_MOST_SHOWN]]
        addresses = (
            ("read", _original(shown)),
            ("here", links.page(shown)),
            ("story", links.story(shown)),
            ("mute", links.mute(subscription, shown)),
            ("fewer", links.fewer(subscription, shown)),
        )
        self._links = [(self._words[key], address) for key, address in addresses if address]
        self._facts = [fact for fact in self._all_facts(names) if fact.values]

    def _all_facts(self, names: Names) -> list[_Fact]:
        story, shown, language, words = self._story, self._story.shown, self._language, self._words
        # In the order in which they were raised, each once.
        evidence = dict.fromkeys(phrase for alert in story.alerts for phrase in alert.evidence)
        reasons = tuple(
            words
            for alert in story.reasons
            for words in (REASONS[language][alert.reason], spike_figures(language, alert))
            if words
        )
        if any(alert.told_in for alert in story.alerts):
            reasons = (*reasons, REASONS[language][Trigger.BACKFILL])
        outlets = max(alert.story_outlets for alert in story.alerts)
        if outlets > 1:
            reasons = (*reasons, counted(language, "outlets", outlets))
        return [
            _Fact(words["why"], reasons),
            _Fact(words["source"], (shown.outlet,) if shown.outlet else ()),
            _Fact(words["matched"], tuple(evidence)[:_MOST_WORDS], marked=True),
            _Fact(words["topics"], tuple(names.topic(topic, language) for topic in shown.topics[:_MOST_WORDS])),
            _Fact(words["countries"], tuple(names.country(code, language) for code in shown.countries[:_MOST_WORDS])),
            _Fact(words["copies"], tuple(dict.fromkeys(alert.outlet for alert in story.copies))[:_MOST_SHOWN]),
        ]

    def text(self) -> str:
        """As plain text."""
        comma = self._words["comma"]
        lines = [_fit(self._story.shown.title)]
        lines += [f"{fact.label}: {comma.join(_fit(each) for each in fact.values)}" for fact in self._facts]
        lines += [
            f"{self._words['also']}: {_fit(other.title)} ({_fit(other.outlet)}) {address}".rstrip()
            for other, address in self._others
        ]
        lines += [f"{label}: {address}" for label, address in self._links]
        return "\n".join(lines)

    def html(self) -> str:
        """As HTML."""
        shown = self._story.shown
        first = self._links[0][1] if self._links else ""
        headline = _linked(shown.title, first)
        rows = "".join(self._row(fact) for fact in self._facts)
        others = "".join(
            f'<li dir="{_direction(other.title)}">{_linked(other.title, address)} — <bdi>{html.escape(_fit(other.outlet))}</bdi></li>'
            for other, address in self._others
        )
        more = (
            f'<p style="margin:8px 0 0">{self._words["also"]}:</p>'
            # Inside, for a title that reads from the right puts its mark beyond the margin of a list that reads from the left.
            f'<ul style="margin:4px 0;padding:0;list-style-position:inside">{others}</ul>'
            if others
            else ""
        )
        links = " · ".join(
            f'<a href="{html.escape(address)}" style="color:#14505c;white-space:nowrap">{label}</a>'
            for label, address in self._links
        )
        return (
            '<div style="padding:16px 0;border-bottom:1px solid #d9d5c9">'
            f'<h2 dir="{_direction(shown.title)}" style="margin:0 0 8px;font-size:20px;line-height:1.5;text-align:start">{headline}</h2>'
            f'{rows}{more}<p style="margin:10px 0 0;font-size:14px">{links}</p></div>'
        )

    def _row(self, fact: _Fact) -> str:
        values = self._words["comma"].join(
            f'<mark style="background:#fbe9b0"><bdi>{html.escape(_fit(value))}</bdi></mark>'
            if fact.marked
            else f"<bdi>{html.escape(_fit(value))}</bdi>"
            for value in fact.values
        )
        return f'<p style="margin:2px 0"><span style="color:#6b675c">{fact.label}:</span> {values}</p>'


def _document(subscription: Subscription, blocks: Sequence[_Block], foot: Sequence[tuple[str, str]]) -> str:
    language = language_of(subscription)
    direction = "rtl" if language == "ar" else "ltr"
    ends = " · ".join(
        f'<a href="{html.escape(address)}" style="color:#6b675c;white-space:nowrap">{label}</a>'
        for label, address in foot
    )
    body = "".join(block.html() for block in blocks)
    return (
        f'<!DOCTYPE html><html dir="{direction}" lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body dir="{direction}" style="margin:0;padding:16px;background:#fff;color:#1d1b16;'
        "font:16px/1.7 'Noto Naskh Arabic','Segoe UI',Tahoma,sans-serif\">"
        f'<div style="max-width:640px;margin:0 auto"><p style="margin:0;color:#6b675c" dir="auto">'
        f"{html.escape(_fit(subscription.name))}</p>{body}"
        f'<p style="font-size:13px;color:#6b675c">{ends}</p></div></body></html>'
    )


def _original(alert: Alert) -> str:
    """The address of the article at its outlet, where it is one."""
    return alert.url if _WEB.fullmatch(alert.url) else ""


def _linked(title: str, address: str) -> str:
    """A title as HTML, a link where there is an address."""
    shown = html.escape(_fit(title))
    if not address:
        return shown
    return f'<a href="{html.escape(address)}" style="color:#14505c;text-decoration:none">{shown}</a>'


def _direction(title: str) -> str:
    return "rtl" if reads_from_the_right(title) else "auto"


def _fit(text: str) -> str:
    """In one line, and so that it turns nothing beside it round."""
    return displayed(_one_line(text))


def _one_line(text: str) -> str:
    """No line breaks or controls: titles end up in mail headers."""
    return " ".join(_CONTROLS.sub(" ", text).split())
