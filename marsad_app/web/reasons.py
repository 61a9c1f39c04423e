"""Why a feed is polled when it is, and what was wrong with an article's date, in the reader's language. Pure.

The stages say it in English, in sentences of few kinds (``producers.schedule``, ``producers.websub``, ``processors.published``); a part that is of
none of them stays as it is.
"""

import re
from typing import Final

from marsad_app.web.texts import Texts, span_after

__all__ = ["SPAN", "date_problem_in", "reason_in", "seconds_of"]

_SECONDS: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
SPAN: Final = r"\d+ (?:s|min|h|d)"
"""A length of time as ``producers.schedule.human`` tells it."""
_SPAN: Final = f"(?P<span>{SPAN})"
_HEALTH: Final = r"\((?:now )?(?P<health>[a-z0-9-]+)\)"
_RATE: Final = r"(?P<rate>(?:\d+ entries (?:a second|an hour|a day)|an entry in some days))"
_PARTS: Final = {
    name: re.compile(pattern)
    for name, pattern in {
        "share": r"(?P<count>\d+) of its (?P<total>\d+) entries were new",
        "gap": r"entries were missed since the last poll",
        "unknown": r"its rhythm is not known yet",
        "quiet": rf"nothing new for {_SPAN}",
        "window": rf"its (?P<total>\d+) entries roll over within {_SPAN}",
        "fresh": r"it is still new here",
        "rate-busy": rf"it brings about {_RATE} in these busy hours",
        "rate-quiet": rf"it brings about {_RATE} in these quiet hours",
        "rate": rf"it brings about {_RATE}",
        "cache": rf"the server says that its answer stays the same for {_SPAN}",
        "hint": rf"the feed asks for {_SPAN} between polls",
        "floor": r"not oftener than poll\.min_interval",
        "cap": r"at least every poll\.max_interval",
        "retry-after": rf"the server asked to wait {_SPAN}",
        "dead": rf"it has not answered for {_SPAN} {_HEALTH} and is taken for dead, though asked still",
        "flapping": rf"it fails now and then and comes back {_HEALTH}",
        "failed": rf"a poll failed {_HEALTH}",
        "failures": rf"(?P<count>\d+) polls failed in a row {_HEALTH}",
        "skip": r"the feed asks not to be polled before",
        "hub-news": r"its hub announced news that the feed does not show yet",
        "hub-proven": r"its hub has announced its news (?P<count>\d+) times in a row",
        "hub-still": rf"asked every {_SPAN} all the same",
        "hub-due": r"its subscription at the hub is due",
    }.items()
}
_RATES: Final = (
    (re.compile(r"(\d+) entries a second"), "rate-second"),
    (re.compile(r"(\d+) entries an hour"), "rate-hour"),
    (re.compile(r"(\d+) entries a day"), "rate-day"),
)


def reason_in(reason: str, texts: Texts) -> str:
    """The reason of a feed's next poll in the language of the interface."""
    if texts.language == "en":
        return reason
    return "؛ ".join(_part(part, texts) for part in reason.split("; "))


_DATE_PROBLEM: Final = re.compile(r"(?P<kind>[a-z ]+?)(?P<raw> \(.*\))?(?P<page>: the page's date is used)?", re.DOTALL)


def date_problem_in(problem: str, texts: Texts) -> str:
    """What was wrong with an article's date in the language of the interface."""
    match = _DATE_PROBLEM.fullmatch(problem)
    name = match and f"date-problem.{match['kind'].replace(' ', '-')}"
    if match is None or not name or not texts.has(name):
        return problem
    used = texts("date-problem.page-used") if match["page"] else ""
    return f"{texts(name)}{match['raw'] or ''}{used}"


def seconds_of(span: str) -> int:
    """The seconds of a length of time such as ``14 min``."""
    number, _, unit = span.partition(" ")
    return int(number) * _SECONDS[unit]


def _part(part: str, texts: Texts) -> str:
    for name, pattern in _PARTS.items():
        match = pattern.fullmatch(part)
        if match is not None:
            return texts(f"why.{name}", **{key: _value(key, value, texts) for key, value in match.groupdict().items()})
    return part


def _value(key: str, text: str, texts: Texts) -> str:
    if key == "span":
        return span_after(seconds_of(text), texts.language)
    if key == "health":
        return texts(f"health.{text}") if texts.has(f"health.{text}") else text
    return _rate(text, texts) if key == "rate" else texts.number(int(text))


def _rate(text: str, texts: Texts) -> str:
    for pattern, name in _RATES:
        match = pattern.fullmatch(text)
        if match is not None:
            return texts(f"why.{name}", n=int(match[1]))
    return texts("why.rate-seldom")
