import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from lxml import html

from marsad.clock import FrozenClock
from marsad.config import AlertSettings
from marsad.errors import ConfigError, OutletGoneError, PoisonError, TransientError
from marsad.records import Alert, Subscription, Trigger
from marsad.testing.factories import NOW, a_subscription, an_alert
from sinks.alerts.links import Links
from sinks.alerts.mail import MailOutlet, compose, recipient
from sinks.alerts.render import render

OUTLET = "mailto:reader@example.org"
LINKS = Links("https://marsad.example")
SUBSCRIPTION = a_subscription(name="التعاون الدفاعي")


class Mailbox:
    """A mail server's handler that takes mails, or answers as told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.to_recipient = "250 OK"
        self.to_data = "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.to_data.startswith("2"):
            mail = message_from_bytes(envelope.content or b"", policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.to_data


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Controller(mailbox, hostname="127.0.0.1", port=port)
    running.start()
    yield running
    running.stop()


def settings(server: Controller, **changes: Any) -> AlertSettings:
    given = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_tls": "none",
        "mail_from": "مرصد <marsad@news.example>",
    }
    return AlertSettings(**{**given, "timeout": 5, **changes})


def send(
    server: Controller, *alerts: Alert, subscription: Subscription = SUBSCRIPTION, key: str = "key", **changes: Any
) -> None:
    outlet = MailOutlet(OUTLET, settings(server, **changes), LINKS, FrozenClock(NOW))
    outlet.send(key, subscription, alerts or [an_alert()])


def parts(mail: EmailMessage) -> tuple[str, str]:
    text, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert rich is not None
    return text.get_content(), rich.get_content()


def test_a_mail_has_text_and_html_from_right_to_left_and_ends_with_one_click(
    server: Controller, mailbox: Mailbox
) -> None:
    send(server)

    (mail,) = mailbox.mails
    text, rich = parts(mail)
    assert mail["to"] == "reader@example.org"
    assert mail["subject"] == "[التعاون الدفاعي] مباحثات عسكرية بين البلدين"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["list-unsubscribe"].startswith("<https://marsad.example/m/subscription-1/unsubscribe/")
    assert mail["auto-submitted"] == "auto-generated"
    root = html.fromstring(rich)
    assert (root.get("dir"), root.get("lang")) == ("rtl", "ar")
    assert "مذكرة تفاهم" in text
    assert root.xpath("//mark//text()") == ["مذكرة تفاهم"]
    assert not root.xpath("//script | //img | //*[@onclick]")


def test_the_message_id_is_the_same_however_often_it_is_sent_and_another_for_another_message(
    server: Controller, mailbox: Mailbox
) -> None:
    send(server)
    send(server)
    send(server, key="another")

    first, again, other = (mail["message-id"] for mail in mailbox.mails)
    assert first == again != other
    assert first.endswith("@news.example>")


def test_a_digest_groups_by_story_folds_copies_and_says_why(server: Controller, mailbox: Mailbox) -> None:
    send(
        server,
        an_alert(
            alert_id="1",
            article_id="a",
            title="توقيع اتفاق",
            topics=("defense-cooperation",),
            countries=("DZ",),
            story_outlets=4,
        ),
        an_alert(
            alert_id="2",
            article_id="b",
            title="توقيع اتفاق (نسخة)",
            outlet="ناقلة",
            copy_of="a",
            reason=Trigger.NEW_ARTICLE,
        ),
        an_alert(
            alert_id="3",
            article_id="c",
            title="تفاصيل الاتفاق",
            outlet="قناة",
            url="https://shorouk.example/other",
            reason=Trigger.STORY_OUTLETS,
        ),
        an_alert(alert_id="4", article_id="d", title="خبر آخر", story_id="story-2"),
    )

    (mail,) = mailbox.mails
    text, rich = parts(mail)
    assert mail["subject"] == "[التعاون الدفاعي] موجز: قصتان"
    assert html.fromstring(rich).xpath("count(//h2)") == 2
    assert "توقيع اتفاق (نسخة)" not in text
    assert "نسخ منقولة: ناقلة" in text
    assert "وكذلك: تفاصيل الاتفاق (قناة) https://shorouk.example/other" in text
    assert html.fromstring(rich).xpath("//li/a/@href") == ["https://shorouk.example/other"]
    assert "قصة جديدة، مقال جديد، قصة تناقلتها مصادر عدة، 4 مصادر" in text
    assert "defense-cooperation" in text
    assert text.count("أوقف هذه القصة: https://marsad.example/m/") == 2
    assert text.count("أقلّ من مثل هذا: https://marsad.example/m/") == 2


def test_a_story_is_told_with_what_each_of_its_alerts_says(server: Controller, mailbox: Mailbox) -> None:
    first = an_alert(alert_id="1", article_id="a", evidence=("مذكرة تفاهم",), story_outlets=4)
    send(server, first, an_alert(alert_id="2", article_id="b", evidence=("تدريب مشترك",)))

    text, _ = parts(mailbox.mails[0])
    assert "مذكرة تفاهم، تدريب مشترك" in text
    assert "4 مصادر" in text


def test_a_mail_in_english_reads_from_the_left(server: Controller, mailbox: Mailbox) -> None:
    send(server, subscription=a_subscription(name="Defence", language="en"))

    text, rich = parts(mailbox.mails[0])
    assert html.fromstring(rich).get("dir") == "ltr"
    assert "Why: New story" in text
    assert "Mute this story" in text


@pytest.mark.parametrize("evil", ["x\r\nBcc: all@example.org", "x\nSubject: y", "x\u2028Bcc: z", "\x00x\x1b[2J"])
def test_what_a_feed_writes_cannot_add_headers(server: Controller, mailbox: Mailbox, evil: str) -> None:
    send(server, an_alert(title=evil, outlet=evil), subscription=a_subscription(name=evil))

    (mail,) = mailbox.mails
    assert mail["bcc"] is None
    assert len(mail.get_all("subject", [])) == 1
    assert "\x1b" not in mail["subject"]


def test_what_a_feed_writes_is_text_in_the_html(server: Controller, mailbox: Mailbox) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\" onmouseover='x"
    alert = an_alert(
        title=evil, outlet=evil, evidence=(evil,), url="javascript:alert(1)", topics=(evil,), countries=(evil,)
    )
    send(server, alert, subscription=a_subscription(name=evil))

    _, rich = parts(mailbox.mails[0])
    root = html.fromstring(rich)
    assert not root.xpath("//script | //img | //@onerror | //@onmouseover | //@href[starts-with(., 'javascript')]")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("450 busy", TransientError), ("452 later", TransientError), ("552 full", TransientError),
        ("550 no such user", OutletGoneError), ("554 no", PoisonError),
    ],
)  # fmt: skip
def test_refusals_of_a_recipient_are_told_from_what_may_pass(
    server: Controller, mailbox: Mailbox, answer: str, error: type[Exception]
) -> None:
    mailbox.to_recipient = answer

    with pytest.raises(error, match=answer):
        send(server)


@pytest.mark.parametrize(("answer", "error"), [("451 later", TransientError), ("554 looks like spam", PoisonError)])
def test_a_refused_text_is_no_lost_mailbox(
    server: Controller, mailbox: Mailbox, answer: str, error: type[Exception]
) -> None:
    mailbox.to_data = answer

    with pytest.raises(error, match=answer) as caught:
        send(server)
    assert not isinstance(caught.value, OutletGoneError)


def test_a_server_that_does_not_encrypt_is_not_given_a_mail_in_the_clear(server: Controller, mailbox: Mailbox) -> None:
    with pytest.raises(TransientError, match="lacks what is asked"):
        send(server, smtp_tls="starttls")

    assert mailbox.mails == []


def test_a_server_that_is_away_is_tried_again() -> None:
    outlet = MailOutlet(OUTLET, AlertSettings(smtp_host="127.0.0.1", smtp_port=9), LINKS, FrozenClock(NOW))

    with pytest.raises(TransientError, match="cannot be reached"):
        outlet.send("key", SUBSCRIPTION, [an_alert()])


@pytest.mark.parametrize(
    "wrong",
    [
        "mailto:", "mailto:nobody", "mailto:a@b@c", "mailto:a@x.org,b@x.org", "mailto:a@x.org?bcc=b@x.org",
        "mailto:a@x.org%0d%0aBcc:b@x.org", "mailto:a b@x.org", "mailto:<a@x.org>", "mailto:@x.org",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError):
        recipient(wrong)


def test_without_a_secret_or_an_address_for_links_a_mail_has_none() -> None:
    for subscription, links in ((a_subscription(secret=""), LINKS), (SUBSCRIPTION, Links(""))):
        mail = compose(AlertSettings(), "key", subscription, [an_alert()], outlet=OUTLET, links=links, now=NOW)
        assert mail["list-unsubscribe"] is None
        assert "/m/" not in mail.as_string()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ar", "12 مقالا في آخر 3 ساعات، والمعتاد في مثل هذا الوقت 1.5"),
        ("en", "12 articles within 3 hours; usual at this time is 1.5"),
    ],
)
def test_a_spike_says_how_many_and_what_is_usual(language: str, said: str) -> None:
    alert = an_alert(reason=Trigger.SPIKE, hits=12, usual=1.5, hours=3)

    message = render(a_subscription(language=language), [alert], Links(""))

    assert said in message.text
    assert said in html.fromstring(message.html).text_content()
