"""The words of messages, in Arabic and English."""

from typing import Final, Literal, Protocol

from marsad.records import Alert, Subscription, Trigger

__all__ = ["CODES", "REASONS", "WORDS", "Codes", "Language", "Names", "counted", "language_of", "spike_figures"]

Language = Literal["ar", "en"]

REASONS: Final[dict[Language, dict[Trigger, str]]] = {
    "ar": {
        Trigger.NEW_ARTICLE: "مقال جديد",
        Trigger.NEW_STORY: "قصة جديدة",
        Trigger.STORY_OUTLETS: "قصة تناقلتها مصادر عدة",
        Trigger.STORY_COUNTRIES: "قصة بلغت بلدانا عدة",
        Trigger.CORRECTION: "تصحيح لخبر سبق التنبيه إليه",
        Trigger.SPIKE: "ارتفاع فوق المعتاد",
        Trigger.FEED_HEALTH: "تغيّر حال خلاصة",
        Trigger.SOURCE_SILENT: "مصدر صمت أو عاد",
        Trigger.OUTLET_LOST: "عنوان إرسال توقّف",
        Trigger.BACKFILL: "مما سبق الاشتراك",
    },
    "en": {
        Trigger.NEW_ARTICLE: "New article",
        Trigger.NEW_STORY: "New story",
        Trigger.STORY_OUTLETS: "Story carried by several outlets",
        Trigger.STORY_COUNTRIES: "Story that reached several countries",
        Trigger.CORRECTION: "Correction of something you were alerted to",
        Trigger.SPIKE: "Far more than usual",
        Trigger.FEED_HEALTH: "A feed's health has changed",
        Trigger.SOURCE_SILENT: "A source fell silent or is back",
        Trigger.OUTLET_LOST: "A delivery address was given up",
        Trigger.BACKFILL: "From before the subscription",
    },
}

WORDS: Final[dict[Language, dict[str, str]]] = {
    "ar": {
        "why": "السبب",
        "matched": "ما طابق",
        "topics": "المواضيع",
        "countries": "البلدان",
        "source": "المصدر",
        "also": "وكذلك",
        "copies": "نسخ منقولة",
        "read": "المقال الأصلي",
        "here": "في مرصد",
        "story": "القصة",
        "mute": "أوقف هذه القصة",
        "fewer": "أقلّ من مثل هذا",
        "digest": "موجز",
        "settings": "إعدادات الاشتراك",
        "unsubscribe": "إلغاء الإرسال إلى هذا العنوان",
        "comma": "، ",
    },
    "en": {
        "why": "Why",
        "matched": "Matched",
        "topics": "Topics",
        "countries": "Countries",
        "source": "Outlet",
        "also": "Also",
        "copies": "Copies",
        "read": "Original",
        "here": "In Marsad",
        "story": "Story",
        "mute": "Mute this story",
        "fewer": "Fewer like this",
        "digest": "Digest",
        "settings": "Settings of this subscription",
        "unsubscribe": "Send no more to this address",
        "comma": ", ",
    },
}

# Arabic plural forms by CLDR: one, two, 3 to 10, 11 to 99, whole hundreds.
_COUNTED: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "stories": ("قصة واحدة", "قصتان", "{n} قصص", "{n} قصة", "{n} قصة"),
    "outlets": ("مصدر واحد", "مصدران", "{n} مصادر", "{n} مصدرا", "{n} مصدر"),
    "articles": ("مقال واحد", "مقالان", "{n} مقالات", "{n} مقالا", "{n} مقال"),
    "hours": ("آخر ساعة", "آخر ساعتين", "آخر {n} ساعات", "آخر {n} ساعة", "آخر {n} ساعة"),
}
_ENGLISH: Final = {
    "stories": ("story", "stories"),
    "outlets": ("outlet", "outlets"),
    "articles": ("article", "articles"),
    "hours": ("hour", "hours"),
}
_SPIKE: Final[dict[Language, str]] = {
    "ar": "{hits} في {hours}، والمعتاد في مثل هذا الوقت {usual} (أربعة عشر يوما مضت)",
    "en": "{hits} within {hours}; usual at this time is {usual} (the last fourteen days)",
}


def counted(language: Language, what: Literal["stories", "outlets", "articles", "hours"], number: int) -> str:
    """A number of things in words that agree with it."""
    if language == "en":
        return f"{number} {_ENGLISH[what][number != 1]}"
    last = number % 100
    form = 0 if number == 1 else 1 if number == 2 else 2 if 3 <= last <= 10 else 3 if last >= 11 else 4  # noqa: PLR2004
    return _COUNTED[what][form].format(n=number)


def spike_figures(language: Language, alert: Alert) -> str:
    """What of a spike is far above what is usual, in words; empty for any other alert."""
    if not alert.hits:
        return ""
    return _SPIKE[language].format(
        hits=counted(language, "articles", alert.hits),
        hours=counted(language, "hours", alert.hours),
        usual=f"{alert.usual:g}",
    )


def language_of(subscription: Subscription) -> Language:
    """The language of its messages."""
    return "ar" if subscription.language == "ar" else "en"


class Names(Protocol):
    """What is called by ids, codes and English sentences elsewhere, as readers know it."""

    def topic(self, topic: str, language: Language) -> str:
        """The topic's name, or its id."""
        ...

    def country(self, code: str, language: Language) -> str:
        """The country's name, or its code."""
        ...

    def fault(self, error: str, language: Language) -> str:
        """What went wrong, as an outlet said it; in English where there is no translation."""
        ...


class Codes:
    """Stands in where no names are at hand: ids, codes and sentences themselves."""

    def topic(self, topic: str, language: Language) -> str:
        """The id."""
        return topic

    def country(self, code: str, language: Language) -> str:
        """The code."""
        return code

    def fault(self, error: str, language: Language) -> str:
        """The sentence."""
        return error


CODES: Final[Names] = Codes()
