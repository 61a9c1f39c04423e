"""A small news desk on one day: articles with evidence, stories, feeds in every state, alerts. For tests of whole surfaces.

The outlets and the events are made up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from marsad.records import (
    Alert,
    Article,
    CountryTag,
    DeliveryState,
    EntityTag,
    Evidence,
    FeedState,
    GapMark,
    Health,
    Story,
    TopicTag,
    Trigger,
)
from marsad.records.ids import digest
from marsad.testing.factories import (
    NOW,
    a_delivery,
    a_feed,
    a_quarantined,
    a_story,
    a_subscription,
    an_alert,
    an_article,
)
from marsad.testing.fakes import InMemoryStore

__all__ = ["PORT_CALL", "a_desk", "evidence_in"]

PORT_CALL: Final = digest("article", "port-call")
"""Id of the article about a port call, the desk's richest."""

_PORT_CALL_TEXT: Final = """\
أعلنت وزارة الدفاع الجزائرية، الثلاثاء 14 تموز/يوليو، وصول سفينة المسح الروسية KILDIN SSV-512 إلى ميناء الجزائر في زيارة تدوم ثلاثة أيام، في إطار التعاون العسكري بين البلدين.

وقال البيان إن قائد القوات البحرية استقبل طاقم السفينة، وإن الجانبين بحثا برنامج مناورات مشتركة مقررة في أكتوبر/تشرين الأول القادم، وسبل تعزيز الشراكة الدفاعية.

وكانت الجزائر وروسيا قد وقّعتا العام الماضي مذكرة تفاهم عسكرية تشمل التدريب وصيانة العتاد البحري."""

_LETTER_TEXT: Final = """\
دعا سبعة أعضاء في مجلس الشيوخ الأميركي، في رسالة إلى وزير الخارجية، إلى فرض عقوبات على الجزائر بسبب صفقات السلاح مع روسيا.

وتستند الرسالة إلى قانون «مكافحة أعداء أميركا بالعقوبات». ولم يصدر تعليق من الجزائر حتى مساء الاثنين."""

_GAS_TEXT: Final = """\
اتفقت قطر والكويت على تمديد عقود توريد الغاز المسال عشر سنوات، وفق بيان مشترك صدر عقب اجتماع وزيري الطاقة في الدوحة.

وينص الاتفاق على زيادة الكميات في أشهر الصيف، حين يبلغ الطلب على الكهرباء ذروته."""


def evidence_in(text: str, field: str, *terms: tuple[str, float]) -> tuple[Evidence, ...]:
    """Evidence for terms where they first stand in a text; those that do not are left out."""
    names = {"title": "title", "lead": "lead", "text": "text"}
    return tuple(
        Evidence(term, names[field], at, at + len(term), weight)  # type: ignore[arg-type]  # one of the three
        for term, weight in terms
        if (at := text.find(term)) >= 0
    )


def _port_call() -> Article:
    title = "سفينة مسح روسية ترسو في ميناء الجزائر ضمن التعاون العسكري بين البلدين"
    defence = (
        *evidence_in(title, "title", ("التعاون العسكري", 9.0)),
        *evidence_in(
            _PORT_CALL_TEXT,
            "text",
            ("التعاون العسكري", 3.0),
            ("الشراكة الدفاعية", 3.0),
            ("مذكرة تفاهم عسكرية", 3.0),
            ("مناورات مشتركة", 3.0),
        ),
    )
    exercise = evidence_in(_PORT_CALL_TEXT, "text", ("مناورات مشتركة", 4.0))
    return an_article(
        article_id=PORT_CALL,
        title=title,
        text=_PORT_CALL_TEXT,
        outlet="وكالة الأفق",
        outlet_country="DZ",
        authors=("قسم الشؤون العسكرية",),
        published_at=NOW - timedelta(hours=2),
        published_raw="14 تموز/يوليو 2026 - 08:30",
        sections=("سياسة",),
        topics=(TopicTag("defense-cooperation", 3.5, defence), TopicTag("military-exercise", 1.2, exercise)),
        countries=(
            CountryTag(
                "DZ", 5, "actor", evidence_in(_PORT_CALL_TEXT, "text", ("الجزائرية", 1.0), ("الجزائر وروسيا", 1.0))
            ),
            CountryTag("RU", 3, "actor", evidence_in(_PORT_CALL_TEXT, "text", ("الروسية", 1.0))),
        ),
        entities=(
            EntityTag(
                "kildin",
                "ship",
                "كيلدين",
                "KILDIN SSV-512",
                1,
                evidence_in(_PORT_CALL_TEXT, "text", ("KILDIN SSV-512", 1.0)),
            ),
        ),
        story_id="port-call",
        revision=2,
        updated_at=NOW - timedelta(hours=1),
        taxonomy_version="1",
    )


def _others() -> Sequence[Article]:
    port_call = _port_call()
    letter = "رسالة من الكونغرس تدعو إلى فرض عقوبات على الجزائر بسبب السلاح الروسي"
    gas = "قطر والكويت تمددان عقود الغاز المسال عشر سنوات"
    return (
        an_article(
            title="كيلدين الروسية في الجزائر: زيارة ميناء ومباحثات بحرية",
            text=port_call.text.split("\n\n")[0] + "\n\n" + port_call.text.split("\n\n")[1],
            outlet="شبكة المدار",
            published_at=NOW - timedelta(hours=1, minutes=20),
            topics=(
                TopicTag("defense-cooperation", 2.0, evidence_in(port_call.text, "text", ("التعاون العسكري", 3.0))),
            ),
            countries=(CountryTag("DZ", 3, "actor"), CountryTag("RU", 2, "actor")),
            story_id="port-call",
            duplicate_of=PORT_CALL,
        ),
        an_article(
            title="موسكو: الزيارات البحرية إلى المتوسط تجري وفق الخطة",
            lead="قال متحدث عسكري روسي إن زيارات السفن إلى موانئ البحر المتوسط تجري وفق خطة معلنة.",
            text="",
            partial="the page was not reachable",
            outlet="صحيفة الموانئ",
            published_at=NOW - timedelta(minutes=50),
            countries=(CountryTag("RU", 1, "actor"),),
            story_id="port-call",
        ),
        an_article(
            title=letter,
            text=_LETTER_TEXT,
            outlet="نبض المتوسط",
            published_at=NOW - timedelta(days=1, hours=5),
            topics=(
                TopicTag(
                    "sanctions",
                    2.4,
                    (
                        *evidence_in(letter, "title", ("فرض عقوبات", 9.0)),
                        *evidence_in(_LETTER_TEXT, "text", ("فرض عقوبات", 3.0)),
                    ),
                ),
                TopicTag("arms-trade", 1.4, evidence_in(_LETTER_TEXT, "text", ("صفقات السلاح", 4.0))),
            ),
            countries=(CountryTag("DZ", 3, "actor"), CountryTag("US", 2, "actor"), CountryTag("RU", 1)),
            story_id="letter",
        ),
        an_article(
            title=gas,
            text=_GAS_TEXT,
            outlet="وكالة الساحل",
            published_at=NOW - timedelta(days=3),
            published_precision="day",
            topics=(
                TopicTag(
                    "energy",
                    1.9,
                    (
                        *evidence_in(gas, "title", ("الغاز المسال", 6.0)),
                        *evidence_in(_GAS_TEXT, "text", ("الغاز المسال", 2.0)),
                    ),
                ),
            ),
            countries=(CountryTag("QA", 2, "actor"), CountryTag("KW", 1, "actor")),
            story_id="gas",
        ),
        an_article(
            title="انطلاق الجولة الأولى من الدوري بمشاركة ثمانية عشر فريقا",
            outlet="راديو الواحة",
            text="تنطلق الجمعة الجولة الأولى من الدوري الممتاز بمشاركة ثمانية عشر فريقا، على أن تقام المباريات مساء بسبب الحر.",
            published_at=NOW - timedelta(days=5),
            date_problem="future",
            topics=(TopicTag("sport", 1.1),),
            countries=(CountryTag("TN", 1, "actor"),),
        ),
    )


def _stories(articles: Sequence[Article]) -> list[Story]:
    of_story = [article for article in articles if article.story_id == "port-call"]
    first = next(article for article in articles if article.story_id == "letter")
    return [
        a_story(
            story_id="port-call",
            headline=of_story[0].title,
            first_seen_at=NOW - timedelta(hours=2),
            last_seen_at=NOW - timedelta(minutes=50),
            size=3,
            texts=2,
            outlets=tuple(article.outlet for article in of_story),
            countries=("DZ", "RU"),
            topics=("defense-cooperation", "military-exercise"),
        ),
        a_story(story_id="letter", headline=first.title, last_seen_at=first.published_at, outlets=(first.outlet,)),
    ]


def _feed_health(store: InMemoryStore, now: datetime) -> None:
    """One feed in each state."""
    outlets = ("وكالة الأفق", "شبكة المدار", "صحيفة الموانئ", "نبض المتوسط", "وكالة الساحل", "راديو الواحة")
    for number, health in enumerate(Health):
        failing = health not in {Health.OK, Health.UNCHANGED, Health.NEW}
        feed = a_feed(
            id=f"feed-{number}",
            url=f"https://feeds.example/{health.value}.xml",
            outlet=outlets[number % len(outlets)],
            title="آخر الأخبار",
            enabled=health is not Health.SLOW,
        )
        store.feeds.put_feeds([feed])
        if health is Health.NEW:
            continue
        store.polls.commit_poll(
            FeedState(
                feed_id=feed.id,
                health=health,
                health_since=now - timedelta(hours=number),
                detail="the server answered 503 Service Unavailable" if health is Health.HTTP_5XX else "",
                next_poll_at=now + timedelta(minutes=5 * number),
                reason="it brings about 12 entries a day",
                interval=300.0 * number,
                last_poll_at=now - timedelta(minutes=number),
                last_new_at=now - timedelta(hours=number),
                rate=2.5,
                polls=40,
                entries_seen=120,
                failures=number if failing else 0,
                gaps=(GapMark(now - timedelta(hours=3), None, None, 4),) if health is Health.OK else (),
                gap_count=1 if health is Health.OK else 0,
                muted=health is Health.GONE,
            ),
            [],
        )


def _alerts(store: InMemoryStore, articles: Sequence[Article]) -> None:
    subscription = a_subscription(outlets=("mailto://desk:password@example.org",))
    store.subscriptions.put_subscription(subscription)
    raised: list[Alert] = [
        an_alert(
            alert_id=digest("alert", article.article_id),
            subscription_id=subscription.id,
            story_id=article.story_id,
            article_id=article.article_id,
            title=article.title,
            outlet=article.outlet,
            url=article.url,
            reason=reason,
            topics=tuple(topic.id for topic in article.topics),
            evidence=("التعاون العسكري", "الشراكة الدفاعية"),
            at=article.published_at + timedelta(minutes=1),
        )
        for article, reason in ((articles[0], Trigger.NEW_STORY), (articles[1], Trigger.STORY_OUTLETS))
    ]
    deliveries = [
        a_delivery(delivery_id="d1", alert_id=raised[0].alert_id, state=DeliveryState.SENT, sent_at=NOW),
        a_delivery(
            delivery_id="d2",
            alert_id=raised[1].alert_id,
            outlet="mailto://desk:password@example.org",
            attempts=3,
            last_error="the service did not take the message",
        ),
    ]
    store.alerts.record_alerts(raised, deliveries)


def a_desk() -> InMemoryStore:
    """The desk, as of ``NOW``."""
    store = InMemoryStore()
    articles = (_port_call(), *_others())
    store.articles.put_articles(articles)
    store.stories.put_stories(_stories(articles))
    _feed_health(store, NOW)
    _alerts(store, articles)
    store.quarantine.quarantine(
        [
            a_quarantined(id="q1", payload='{"record":"entry","title":"خبر بلا نص"}'.encode()),
            a_quarantined(
                id="q2",
                stage="poll",
                reason="ValueError: embedded null byte",
                payload=b"\x00\x01\xff\xfe<script>alert(1)</script>",
            ),
        ]
    )
    return store
