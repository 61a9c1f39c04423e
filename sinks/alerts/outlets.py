"""From an address to the outlet that it names: mail, a webhook, or one of the services of apprise, which only this module knows."""

from collections.abc import Mapping, Sequence

import apprise

from marsad.addresses import BlockedAddressError
from marsad.clock import Clock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, PoisonError, TransientError
from marsad.ports import Outlet
from marsad.records import Alert, Subscription
from sinks.alerts import mail, webhook
from sinks.alerts.links import Links
from sinks.alerts.plan import TERMINAL
from sinks.alerts.reach import guarded
from sinks.alerts.render import render
from sinks.alerts.seal import Seal
from sinks.alerts.wording import CODES, Names

__all__ = ["AppriseOutlet", "Outlets"]

# They do something on the machine that Marsad runs on.
_LOCAL = frozenset({"dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
_LONGEST = 2_000


class AppriseOutlet:
    """Chat and the other services that apprise reaches.

    Args:
        address: an apprise URL.
        settings: addresses that are let through.
        links: makes addresses.
        names: of topics and countries.
    """

    def __init__(self, address: str, settings: AlertSettings, links: Links, names: Names = CODES) -> None:
        self._address = address
        self._settings = settings
        self._links = links
        self._names = names

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Hand one message over.

        Raises:
            PoisonError: the address is no outlet, or leads where it may not.
            TransientError: the service did not take it.
        """
        target = _instance(self._address)
        if target is None:
            raise PoisonError("the outlet's address is not one that apprise knows")
        message = render(subscription, alerts, self._links, self._names)
        refused = _Refusal()
        try:
            # One instance, called here: apprise would hand several to threads of its own, out of the guard's sight.
            with guarded(self._settings.allow_networks, refused):
                sent = target.notify(title=message.title, body=message.text, body_format=apprise.NotifyFormat.TEXT)
        except BlockedAddressError as error:
            raise PoisonError(str(error)) from None
        if refused.reason:
            raise PoisonError(refused.reason)
        if not sent:
            raise TransientError("the service did not take the message")


class _Refusal:
    """Takes what the guard refused: client libraries swallow the error."""

    def __init__(self) -> None:
        self.reason = ""

    def __call__(self, reason: str) -> None:
        self.reason = reason


def _instance(address: str) -> "apprise.NotifyBase | None":
    if len(address) > _LONGEST or address.partition(":")[0].lower() in _LOCAL:
        return None
    return apprise.Apprise.instantiate(address)


class Outlets:
    """Finds the outlet of an address. As safe to use from several threads as the outlets that it is given.

    Args:
        settings: the mail server, what is let through, the key of stored addresses.
        clock: dates messages.
        base_url: the web page's address for links.
        given: outlets by address that come before all others.
        names: of topics and countries.

    Raises:
        ConfigError: the key is none.
    """

    def __init__(
        self,
        settings: AlertSettings,
        clock: Clock,
        base_url: str = "",
        given: Mapping[str, Outlet] | None = None,
        names: Names = CODES,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._links = Links(base_url)
        self._given = given or {}
        self._names = names
        self.seal = Seal(settings.key.get_secret_value())

    def at(self, stored: str) -> Outlet:
        """The outlet at a stored address.

        Raises:
            PoisonError: it cannot be opened.
        """
        if stored in self._given:
            return self._given[stored]
        try:
            address = self.seal.open(stored)
        except ConfigError as error:
            raise PoisonError(str(error)) from None
        if address.startswith(webhook.SCHEME):
            return webhook.WebhookOutlet(address, self._settings, self._links, self._clock)
        if _is_mail(address):
            return mail.MailOutlet(address, self._settings, self._links, self._clock, self._names)
        return AppriseOutlet(address, self._settings, self._links, self._names)

    def accept(self, address: str) -> str:
        """See that an address names an outlet; the address as it is to be stored.

        Raises:
            ConfigError: it does not; the message does not repeat the address, which may hold a password.
        """
        plain = self.seal.open(address)
        if plain == TERMINAL:
            return plain
        if plain.startswith(webhook.SCHEME):
            webhook.target(plain)
        elif _is_mail(plain):
            mail.recipient(plain)
            if not self._settings.smtp_host:
                raise ConfigError(
                    "no mail server is set: mailto: needs alerts.smtp_host; mailto://user:password@host brings its own"
                )
        elif _instance(plain) is None:
            scheme = plain.partition(":")[0][:20]
            raise ConfigError(
                f"the outlet {scheme}:… is no address that can be delivered to; see `marsad subscriptions add --help` for examples"
            )
        return self.seal.close(plain)


def _is_mail(address: str) -> bool:
    """``mailto:person@example.org``; with ``//`` it is apprise's, which brings its own mail server."""
    return address.startswith(mail.SCHEME) and not address.startswith(f"{mail.SCHEME}//")
