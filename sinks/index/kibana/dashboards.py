"""The saved searches and dashboards."""

from typing import Final

from sinks.index.kibana.parts import (
    By,
    Control,
    Dashboard,
    Is,
    Listing,
    Measure,
    Note,
    Over,
    Panel,
    Search,
    Size,
)

__all__ = ["DASHBOARDS", "SEARCHES"]

_ARTICLES: Final = Measure(("مقالات", "Articles"))
_FEEDS: Final = Measure(("خلاصات", "Feeds"))
_ALERTS: Final = Measure(("تنبيهات", "Alerts"))
_OUTLET: Final = By("outlet", ("المصدر", "Outlet"), 15)
_TOPIC: Final = By("topics.id", ("الموضوع", "Topic"), 15)
_COUNTRY: Final = By("countries.code", ("البلد", "Country"), 20)
_PUBLISHED: Final = Over("published_at", ("وقت النشر", "Published"))
_NUMBER, _HALF, _THIRD, _TWO_THIRDS, _WHOLE = Size(12, 7), Size(24, 15), Size(16, 15), Size(32, 15), Size(48, 18)
_SICK: Final = (
    Is("health", "ok", wanted=False),
    Is("health", "unchanged", wanted=False),
    Is("health", "new", wanted=False),
)

SEARCHES: Final = (
    Search(
        "latest", ("أحدث المقالات", "Latest articles"), "articles", ("outlet", "title", "topics.id", "countries.code"),
        "published_at",
    ),
    Search(
        "stories", ("أهم القصص", "Top stories"), "stories", ("size", "headline", "outlets", "topics", "countries"), "size",
        (Is("size", above=1), Is("merged_into", "")),
        ("القصص التي كتب عنها أكثر من مقال", "Stories with more than one article"),
    ),
    Search(
        "partial", ("مقالات ناقصة النص", "Articles with partial text"), "articles", ("outlet", "title", "partial"),
        "published_at", (Is("partial", "", wanted=False),),
    ),
    Search(
        "feeds", ("الخلاصات المعتلة", "Feeds that are not well"), "feeds",
        ("title", "health", "health_since", "failures", "last_new_at", "detail"), "failures", _SICK,
    ),
    Search(
        "gaps", ("خلاصات فيها ثغرات", "Feeds with gaps"), "feeds", ("title", "gap_count", "missed", "backfilled", "interval"),
        "missed", (Is("gap_count", above=0),),
    ),
    Search(
        "alerts", ("أحدث التنبيهات", "Latest alerts"), "alerts", ("subscription", "reason", "title", "outlet", "evidence"), "at",
    ),
)  # fmt: skip

_TODAY: Final = Dashboard(
    "today",
    ("مرصد: اليوم", "Marsad: today"),
    ("ما نُشر في اليوم الأخير", "What was published in the last day"),
    "now-24h",
    (
        Panel("articles", "number", ("مقالات", "Articles"), "articles", (_ARTICLES,), _NUMBER),
        Panel(
            "outlets", "number", ("مصادر", "Outlets"), "articles", (Measure(("مصادر", "Outlets"), "unique", "outlet"),),
            _NUMBER,
        ),
        Panel(
            "stories", "number", ("قصص", "Stories"), "articles", (Measure(("قصص", "Stories"), "unique", "story_id"),), _NUMBER
        ),
        Panel(
            "countries", "number", ("بلدان", "Countries"), "articles",
            (Measure(("بلدان", "Countries"), "unique", "countries.code"),), _NUMBER,
        ),
        Panel(
            "volume", "columns", ("النشر حسب المصدر", "Articles by outlet"), "articles", (_ARTICLES,), _TWO_THIRDS,
            (_PUBLISHED, By("outlet", ("المصدر", "Outlet"), 8)),
        ),
        Panel("by-outlet", "table", ("المصادر", "Outlets"), "articles", (_ARTICLES,), _THIRD, (_OUTLET,)),
        Panel(
            "topics", "heat", ("المواضيع حسب الساعة", "Topics by hour"), "articles", (_ARTICLES,), _TWO_THIRDS,
            (Over("published_at", ("وقت النشر", "Published"), "1h"), _TOPIC),
        ),
        Panel("by-country", "bars", ("البلدان", "Countries"), "articles", (_ARTICLES,), _THIRD, (_COUNTRY,)),
        Listing("stories", _WHOLE),
        Listing("latest", _WHOLE),
    ),
    (
        Control("outlet", ("المصدر", "Outlet"), "articles"),
        Control("topics.id", ("الموضوع", "Topic"), "articles"),
        Control("countries.code", ("البلد", "Country"), "articles"),
    ),
)  # fmt: skip

_BY_TOPIC: Final = Dashboard(
    "topic",
    ("مرصد: موضوع", "Marsad: topic"),
    ("موضوع واحد: اختره من القائمة في الأعلى", "One topic: choose it from the list above"),
    "now-30d",
    (
        Panel("articles", "number", ("مقالات", "Articles"), "articles", (_ARTICLES,), Size(16, 7)),
        Panel(
            "stories", "number", ("قصص", "Stories"), "articles", (Measure(("قصص", "Stories"), "unique", "story_id"),),
            Size(16, 7),
        ),
        Panel(
            "outlets", "number", ("مصادر", "Outlets"), "articles", (Measure(("مصادر", "Outlets"), "unique", "outlet"),),
            Size(16, 7),
        ),
        Panel(
            "volume", "columns", ("المقالات عبر الزمن", "Articles over time"), "articles", (_ARTICLES,), _TWO_THIRDS,
            (_PUBLISHED,),
        ),
        Panel("by-outlet", "shares", ("المصادر", "Outlets"), "articles", (_ARTICLES,), _THIRD, (_OUTLET,)),
        Panel("by-country", "bars", ("البلدان", "Countries"), "articles", (_ARTICLES,), _HALF, (_COUNTRY,)),
        Panel(
            "entities", "words", ("أشخاص ومنظمات", "People and organisations"), "articles", (_ARTICLES,), _HALF,
            (By("entities.name_ar", ("الكيان", "Entity"), 40),),
        ),
        Panel(
            "beside", "table", ("مواضيع مرافقة", "Topics beside it"), "articles",
            (_ARTICLES, Measure(("متوسط الدرجة", "Mean score"), "average", "search.score")), _HALF, (_TOPIC,),
        ),
        Panel(
            "pairs", "heat", ("المصادر والبلدان", "Outlets and countries"), "articles", (_ARTICLES,), _HALF,
            (By("countries.code", ("البلد", "Country"), 12), By("outlet", ("المصدر", "Outlet"), 12)),
        ),
        Listing("latest", _WHOLE),
    ),
    (
        Control("topics.id", ("الموضوع", "Topic"), "articles", ("defense-cooperation",)),
        Control("countries.code", ("البلد", "Country"), "articles"),
        Control("outlet", ("المصدر", "Outlet"), "articles"),
    ),
)  # fmt: skip

_HEALTH: Final = Dashboard(
    "feed-health",
    ("مرصد: صحة الخلاصات", "Marsad: feed health"),
    ("حالة الخلاصات الآن، وصمتها وثغراتها، وتأخر الرصد", "How the feeds are now, their silence and gaps, and the delay"),
    "now-7d",
    (
        Panel("feeds", "number", ("خلاصات", "Feeds"), "feeds", (_FEEDS,), _NUMBER),
        Panel("sick", "number", ("معتلة", "Not well"), "feeds", (_FEEDS,), _NUMBER, where=_SICK),
        Panel(
            "missed", "number", ("مقالات فائتة على الأقل", "Missed at least"), "feeds",
            (Measure(("فائت", "Missed"), "sum", "missed"),), _NUMBER,
        ),
        Panel(
            "delay", "number", ("تأخر الرصد (الوسيط)", "Delay until seen (median)"), "articles",
            (Measure(("تأخر الرصد", "Delay"), "median", "search.delay"),), _NUMBER,
        ),
        Panel(
            "states", "shares", ("الحالات", "States"), "feeds", (_FEEDS,), _THIRD, (By("health", ("الحالة", "State"), 20),)
        ),
        Panel(
            "standing", "bars", ("السيرة في الأيام الأخيرة", "Standing over days"), "feeds", (_FEEDS,), _THIRD,
            (By("standing", ("السيرة", "Standing"), 5),),
        ),
        Panel(
            "silence", "table", ("الأطول صمتا", "Silent for longest"), "feeds",
            (Measure(("مدة الصمت", "Silent for"), "max", "silence"),), _THIRD,
            (By("title", ("الخلاصة", "Feed"), 15),),
        ),
        Panel(
            "lag", "lines", ("تأخر الرصد عبر الزمن", "Delay until seen, over time"), "articles",
            (
                Measure(("الوسيط", "Median"), "median", "search.delay"),
                Measure(("المئين 95", "95th percentile"), "percentile", "search.delay"),
            ),
            _HALF, (Over("first_seen_at", ("أول رصد", "First seen")),),
        ),
        Panel(
            "lag-outlets", "table", ("تأخر الرصد حسب المصدر", "Delay until seen, by outlet"), "articles",
            (Measure(("الوسيط", "Median"), "median", "search.delay"), _ARTICLES), _HALF, (_OUTLET,),
        ),
        Listing("feeds", _WHOLE),
        Listing("gaps", _WHOLE),
        Listing("partial", _WHOLE),
    ),
    (Control("country", ("البلد", "Country"), "feeds"), Control("outlet", ("المصدر", "Outlet"), "feeds")),
)  # fmt: skip

_RAISED: Final = Dashboard(
    "alerts",
    ("مرصد: التنبيهات", "Marsad: alerts"),
    ("ما نُبّه إليه، ولأي اشتراك", "What was alerted, and for which subscription"),
    "now-7d",
    (
        Panel("alerts", "number", ("تنبيهات", "Alerts"), "alerts", (_ALERTS,), Size(16, 7)),
        Panel(
            "subscriptions", "number", ("اشتراكات نبّهت", "Subscriptions that alerted"), "alerts",
            (Measure(("اشتراكات", "Subscriptions"), "unique", "subscription_id"),), Size(16, 7),
        ),
        Panel(
            "stories", "number", ("قصص", "Stories"), "alerts", (Measure(("قصص", "Stories"), "unique", "story_id"),),
            Size(16, 7),
        ),
        Panel(
            "volume", "columns", ("التنبيهات عبر الزمن", "Alerts over time"), "alerts", (_ALERTS,), _TWO_THIRDS,
            (Over("at", ("الوقت", "At")), By("subscription", ("الاشتراك", "Subscription"), 8)),
        ),
        Panel(
            "reasons", "shares", ("الأسباب", "Reasons"), "alerts", (_ALERTS,), _THIRD, (By("reason", ("السبب", "Reason"), 6),)
        ),
        Panel(
            "by-subscription", "table", ("الاشتراكات", "Subscriptions"), "alerts",
            (_ALERTS, Measure(("آخر تنبيه", "Last alert"), "max", "at")), _THIRD,
            (By("subscription", ("الاشتراك", "Subscription"), 20),),
        ),
        Panel(
            "topics", "bars", ("المواضيع", "Topics"), "alerts", (_ALERTS,), _THIRD, (By("topics", ("الموضوع", "Topic"), 12),)
        ),
        Panel(
            "outlets", "bars", ("المصادر", "Outlets"), "alerts", (_ALERTS,), _THIRD, (By("outlet", ("المصدر", "Outlet"), 12),)
        ),
        Note(
            "about",
            (
                "يرفع كل اشتراك تنبيها واحدا لكل قصة. يُدار الاشتراك ويُرى تسليم تنبيهاته في صفحة مرصد.",
                "Each subscription alerts once for each story. Subscriptions and deliveries are on Marsad's own page.",
            ),
            Size(48, 4),
        ),
        Listing("alerts", _WHOLE),
    ),
    (Control("subscription", ("الاشتراك", "Subscription"), "alerts"), Control("reason", ("السبب", "Reason"), "alerts")),
)  # fmt: skip

DASHBOARDS: Final = (_TODAY, _BY_TOPIC, _HEALTH, _RAISED)
