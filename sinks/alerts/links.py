"""The addresses in a message: where the page shows what it is about, and what its reader may do without signing in. Pure.

What changes something is signed with the subscription's secret, for one purpose and one subject each.
"""

import hashlib
import hmac
from typing import Final, Literal
from urllib.parse import quote

from marsad.records import Alert, Subscription
from marsad.records.ids import digest

__all__ = ["PURPOSES", "Links", "Purpose", "outlet_key", "signature", "signed_by"]

Purpose = Literal["mute", "fewer", "unsubscribe"]
PURPOSES: Final[tuple[Purpose, ...]] = ("mute", "fewer", "unsubscribe")


def outlet_key(outlet: str) -> str:
    """What names an outlet in an address, without giving it away."""
    return digest("outlet", outlet)


def signature(subscription: Subscription, purpose: Purpose, subject: str) -> str:
    """Proves that a link was made for this subscription, purpose and subject: 128 bits of an HMAC-SHA256 with its secret."""
    message = f"{purpose}\x1f{subscription.id}\x1f{subject}".encode()
    return hmac.new(subscription.secret.encode(), message, hashlib.sha256).hexdigest()[:32]


def signed_by(subscription: Subscription, purpose: Purpose, subject: str, given: str) -> bool:
    """Whether a signature is right, told in constant time; never for a subscription without a secret."""
    expected = signature(subscription, purpose, subject)
    return bool(subscription.secret) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


class Links:
    """Makes the addresses.

    Args:
        base_url: the web page's address; empty: there are none.
    """

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")

    def page(self, alert: Alert) -> str:
        """The article, or whatever else it is about."""
        return f"{self._base}{alert.page}" if self._base else ""

    def story(self, alert: Alert) -> str:
        """The story; empty for an alert about no article."""
        return f"{self._base}/stories/{quote(alert.story_id, safe='')}" if self._base and alert.article_id else ""

    def subscription(self, subscription: Subscription) -> str:
        """The subscription with its alerts."""
        return f"{self._base}/subscriptions/{quote(subscription.id, safe='')}" if self._base else ""

    def mute(self, subscription: Subscription, alert: Alert) -> str:
        """No more of this story."""
        return self._signed(subscription, "mute", alert.story_id) if alert.article_id else ""

    def fewer(self, subscription: Subscription, alert: Alert) -> str:
        """Fewer like this article."""
        return self._signed(subscription, "fewer", alert.article_id) if alert.article_id else ""

    def unsubscribe(self, subscription: Subscription, outlet: str) -> str:
        """No more to this outlet."""
        return self._signed(subscription, "unsubscribe", outlet_key(outlet))

    def _signed(self, subscription: Subscription, purpose: Purpose, subject: str) -> str:
        if not self._base or not subscription.secret:
            return ""
        proof = signature(subscription, purpose, subject)
        return f"{self._base}/m/{quote(subscription.id, safe='')}/{purpose}/{quote(subject, safe='')}/{proof}"
