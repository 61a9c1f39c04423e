"""Mail: a message as RFC 5322 wants it, and the handing over to a mail server.

One click ends it (RFC 8058), its Message-ID is that of the message however often it is sent, and replies and out-of-office
answers are not asked for (RFC 3834).
"""

import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final
from urllib.parse import unquote

from marsad.clock import Clock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, OutletGoneError, PoisonError, TransientError
from marsad.records import Alert, Subscription
from marsad.records.ids import digest
from sinks.alerts.links import Links
from sinks.alerts.render import render
from sinks.alerts.wording import CODES, Names

__all__ = ["SCHEME", "MailOutlet", "compose", "recipient"]

SCHEME: Final = "mailto:"
_PERMANENT: Final = 500
# A full mailbox.
_MAY_PASS: Final = frozenset({552})
# Of a recipient: no such mailbox, not local, name not allowed (RFC 5321, 4.2.3).
_NO_MAILBOX: Final = frozenset({550, 551, 553})


def recipient(outlet: str) -> str:
    """The address of ``mailto:person@example.org``.

    Raises:
        ConfigError: it is none, or says more than an address.
    """
    address = unquote(outlet.removeprefix(SCHEME).strip())
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError, HeaderParseError):
        parsed = Address()
    if not parsed.username or not parsed.domain or not address.isascii() or not address.isprintable() or " " in address:
        raise ConfigError("after mailto: one mail address is expected, such as mailto:person@example.org")
    return address


def compose(
    settings: AlertSettings,
    key: str,
    subscription: Subscription,
    alerts: Sequence[Alert],
    *,
    outlet: str,
    links: Links,
    now: datetime,
    names: Names = CODES,
) -> EmailMessage:
    """Write the mail.

    Args:
        settings: the sender.
        key: the idempotency key, from which the Message-ID follows.
        subscription: whose alerts they are.
        alerts: at least one, oldest first.
        outlet: the ``mailto:`` address.
        links: makes addresses.
        now: its date.
        names: of topics and countries.
    """
    message = render(subscription, alerts, links, names, outlet)
    name, sender = parseaddr(settings.mail_from)
    domain = sender.rpartition("@")[2] or "localhost"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=name, addr_spec=sender)
    mail["To"] = Address(addr_spec=recipient(outlet))
    mail["Subject"] = message.title
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{digest('message', key, outlet)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-ID"] = f"<{digest('list', subscription.id)}.{domain}>"
    end = links.unsubscribe(subscription, outlet)
    if end:
        mail["List-Unsubscribe"] = f"<{end}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    story = alerts[0].story_id if len({alert.story_id for alert in alerts}) == 1 else ""
    if story:
        # One thread for each story: what comes later stands below what came first.
        mail["References"] = f"<{digest('thread', subscription.id, story)}@{domain}>"
    mail.set_content(message.text, cte="base64")
    mail.add_alternative(message.html, subtype="html", cte="base64")
    mail["Content-Language"] = subscription.language
    return mail


class MailOutlet:
    """Hands mails to the mail server of the settings.

    Args:
        outlet: ``mailto:person@example.org``.
        settings: the server and the sender.
        links: makes addresses.
        clock: the date of mails.
        names: of topics and countries.
    """

    def __init__(self, outlet: str, settings: AlertSettings, links: Links, clock: Clock, names: Names = CODES) -> None:
        self._outlet = outlet
        self._settings = settings
        self._links = links
        self._clock = clock
        self._names = names

    def send(self, key: str, subscription: Subscription, alerts: Sequence[Alert]) -> None:
        """Hand one mail over.

        Raises:
            PoisonError: the server refuses it for good, or there is none.
            TransientError: it may take it later.
        """
        if not self._settings.smtp_host:
            raise PoisonError("alerts.smtp_host is not set: no mail can be sent")
        mail = compose(
            self._settings,
            key,
            subscription,
            alerts,
            outlet=self._outlet,
            links=self._links,
            now=self._clock.now(),
            names=self._names,
        )
        try:
            self._hand_over(mail)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            judged = _judged(code, said)
            raise (OutletGoneError(str(judged)) if code in _NO_MAILBOX else judged) from None
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError as error:
            raise TransientError(f"the mail server lacks what is asked of it: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise TransientError(f"the mail server cannot be reached: {type(error).__name__}: {error}"[:300]) from None

    def _hand_over(self, mail: EmailMessage) -> None:
        settings = self._settings
        context = ssl.create_default_context()
        if settings.smtp_tls == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.smtp_host, settings.smtp_port, timeout=settings.timeout, context=context
            )
        else:
            client = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.timeout)
        with client:
            if settings.smtp_tls == "starttls":
                client.starttls(context=context)
            if settings.smtp_user:
                client.login(settings.smtp_user, settings.smtp_password.get_secret_value())
            client.send_message(mail)


def _judged(code: int, said: bytes | str) -> PoisonError | TransientError:
    """4yz may pass, 5yz does not (RFC 5321, 4.2.1); a login that is refused is for the operator to mend."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    sentence = f"the mail server answered {code} {' '.join(text.split())}"[:300]
    if code < _PERMANENT or code in _MAY_PASS or 530 <= code < 540:  # noqa: PLR2004 - RFC 4954: authentication
        return TransientError(sentence)
    return PoisonError(sentence)
