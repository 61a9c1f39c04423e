"""The data views: what each index holds, in words."""

from typing import Final

from sinks.index.kibana.parts import Column, View

__all__ = ["VIEWS"]

_ARTICLES: Final = View(
    "articles",
    ("مرصد: المقالات", "Marsad: articles"),
    "published_at",
    (
        Column("title", ("العنوان", "Title")),
        Column("text", ("النص", "Text")),
        Column("url", ("الرابط", "Link"), "link"),
        Column("outlet", ("المصدر", "Outlet")),
        Column("outlet_country", ("بلد المصدر", "Outlet's country"), "country"),
        Column("sections", ("القسم", "Section")),
        Column("language", ("اللغة", "Language")),
        Column("authors", ("الكاتب", "Author")),
        Column("published_at", ("وقت النشر", "Published")),
        Column("first_seen_at", ("أول رصد", "First seen")),
        Column("updated_at", ("آخر تحديث", "Updated")),
        Column("date_problem", ("خلل التاريخ", "Problem with the date")),
        Column("topics.id", ("الموضوع", "Topic"), "topic"),
        Column("topics.score", ("درجة الموضوع", "Topic score")),
        Column("countries.code", ("البلد", "Country"), "country"),
        Column("countries.role", ("دور البلد", "Role of the country"), "role"),
        Column("countries.mentions", ("ذكر البلد", "Mentions of the country"), "count"),
        Column("places.name", ("المكان", "Place")),
        Column("entities.kind", ("نوع الكيان", "Kind of entity"), "entity"),
        Column("entities.name_ar", ("الكيان", "Entity (Arabic)")),
        Column("entities.name_en", ("الكيان بالإنجليزية", "Entity")),
        Column("story_id", ("القصة", "Story")),
        Column("duplicate_of", ("نسخة من", "Copy of")),
        Column("partial", ("سبب نقص النص", "Why the text is partial"), "fault"),
        Column("revision", ("رقم المراجعة", "Revision"), "count"),
        Column("search.score", ("أعلى درجة", "Best score")),
        Column("search.delay", ("تأخر الرصد", "Delay until seen"), "seconds"),
        Column("search.location", ("الموقع", "Location")),
    ),
)
_STORIES: Final = View(
    "stories",
    ("مرصد: القصص", "Marsad: stories"),
    "last_seen_at",
    (
        Column("headline", ("العنوان", "Headline")),
        Column("size", ("عدد المقالات", "Articles"), "count"),
        Column("texts", ("نصوص مختلفة", "Different texts"), "count"),
        Column("outlets", ("المصادر", "Outlets")),
        Column("countries", ("البلدان", "Countries"), "country"),
        Column("topics", ("المواضيع", "Topics"), "topic"),
        Column("first_seen_at", ("أول رصد", "First seen")),
        Column("last_seen_at", ("آخر رصد", "Last seen")),
    ),
)
_FEEDS: Final = View(
    "feeds",
    ("مرصد: الخلاصات", "Marsad: feeds"),
    "",
    (
        Column("title", ("الخلاصة", "Feed")),
        Column("outlet", ("المصدر", "Outlet")),
        Column("country", ("البلد", "Country"), "country"),
        Column("section", ("القسم", "Section")),
        Column("url", ("الرابط", "Address"), "link"),
        Column("health", ("الحالة", "State"), "health"),
        Column("standing", ("السيرة", "Standing"), "standing"),
        Column("health_since", ("على هذه الحالة منذ", "In this state since")),
        Column("detail", ("التفصيل", "Detail"), "fault"),
        Column("last_poll_at", ("آخر استعلام", "Last poll")),
        Column("next_poll_at", ("الاستعلام القادم", "Next poll")),
        Column("last_ok_at", ("آخر نجاح", "Last success")),
        Column("last_new_at", ("آخر جديد", "Last news")),
        Column("silence", ("مدة الصمت", "Silent for"), "seconds"),
        Column("interval", ("الفاصل", "Interval"), "seconds"),
        Column("rate", ("جديد في الساعة", "New an hour")),
        Column("failures", ("إخفاقات متتالية", "Failures in a row"), "count"),
        Column("gap_count", ("الثغرات", "Gaps"), "count"),
        Column("missed", ("فائت على الأقل", "Missed at least"), "count"),
        Column("backfilled", ("مستدرك", "Filled in later"), "count"),
        Column("entries_seen", ("مقالات مرصودة", "Entries seen"), "count"),
    ),
)
_ALERTS: Final = View(
    "alerts",
    ("مرصد: التنبيهات", "Marsad: alerts"),
    "at",
    (
        Column("at", ("الوقت", "At")),
        Column("subscription", ("الاشتراك", "Subscription")),
        Column("reason", ("السبب", "Reason"), "reason"),
        Column("title", ("العنوان", "Title")),
        Column("outlet", ("المصدر", "Outlet")),
        Column("url", ("الرابط", "Link"), "link"),
        Column("topics", ("المواضيع", "Topics"), "topic"),
        Column("countries", ("البلدان", "Countries"), "country"),
        Column("evidence", ("الدليل", "Evidence")),
        Column("story_id", ("القصة", "Story")),
        Column("feed_id", ("الخلاصة", "Feed")),
    ),
)

VIEWS: Final = {view.name: view for view in (_ARTICLES, _STORIES, _FEEDS, _ALERTS)}
"""By the last part of the index's name."""
