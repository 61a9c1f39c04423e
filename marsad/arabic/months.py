"""Names of months and weekdays in every Arabic country, in key form."""

from typing import Final

from marsad.arabic.datelex import Words, with_clitics
from marsad.arabic.keyform import key_form

# One line a month: Gulf and Egypt; Levant and Iraq; Algeria and Tunisia; Morocco; Mauritania; spellings met in news.
_GREGORIAN: Final = (
    "يناير كانون_الثاني جانفي كانون_ثاني كانون_ثان كانون_2 ك_2 جنفي ينائر",
    "فبراير شباط فيفري فبرائر فيبراير",
    "مارس آذار اذار",
    "أبريل إبريل نيسان أفريل ابرايل آبريل",
    "مايو أيار ماي مايس",
    "يونيو يونيه حزيران جوان يونية",
    "يوليو يوليه تموز جويلية يوليوز جولية",
    "أغسطس آب أوت غشت أغشت اوغسطس",
    "سبتمبر أيلول شتنبر شتمبر سيبتمبر",
    "أكتوبر تشرين_الأول تشرين_1 ت_1 اوكتوبر تشرين_اول",
    "نوفمبر تشرين_الثاني تشرين_2 ت_2 نونبر نوفنبر تشرين_ثاني تشرين_ثان",
    "ديسمبر كانون_الأول كانون_1 ك_1 دجنبر دجمبر كانون_اول ديسامبر",
)
_HIJRI: Final = (
    "محرم المحرم",
    "صفر",
    "ربيع_الأول ربيع_أول",
    "ربيع_الآخر ربيع_الثاني ربيع_ثاني",
    "جمادى_الأولى جمادى_الأول جمادى_أولى",
    "جمادى_الآخرة جمادى_الثانية جمادى_الثاني جمادى_الآخر",
    "رجب",
    "شعبان",
    "رمضان",
    "شوال",
    "ذو_القعدة ذي_القعدة ذوالقعدة ذا_القعدة ذو_قعدة ذي_قعدة",
    "ذو_الحجة ذي_الحجة ذوالحجة ذا_الحجة ذو_حجة ذي_حجة",
)
# What is said after a month of the Islamic calendar in its honour.
_HONOURS: Final = frozenset(
    map(key_form, ("المبارك", "الحرام", "المعظم", "المكرم", "الخير", "المظفر", "المرجب", "الفضيل"))
)
# As agencies' datelines and pages of the Maghreb have them between Arabic words.
_LATIN: Final = (
    "january jan janvier", "february feb février fevrier", "march mars", "april apr avril", "may mai", "june jun juin",
    "july jul juillet", "august aug août aout", "september sep sept septembre", "october oct octobre",
    "november nov novembre", "december dec décembre decembre",
)  # fmt: skip
_WEEKDAYS: Final = ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد")


def _table(rows: tuple[str, ...]) -> dict[str, int]:
    return {key_form(name.replace("_", " ")): month for month, row in enumerate(rows, start=1) for name in row.split()}


GREGORIAN: Final = _table(_GREGORIAN) | _table(_LATIN)
#: Names that are other words too (practised, May or Theresa May, father, June or Joan): they need a number beside them.
AMBIGUOUS: Final = frozenset(
    map(
        key_form,
        ("مارس", "ماي", "آب", "أيار", "جوان", "أوت", "نيسان", "تموز", "آذار", "مايس", "ت 1", "ت 2", "ك 1", "ك 2"),
    )
) | frozenset(_table(_LATIN))
HIJRI: Final = _table(_HIJRI)
WEEKDAYS: Final = {key_form(name): number for number, name in enumerate(_WEEKDAYS)} | {
    key_form("الثلثاء"): 1,
}

_ALL: Final = GREGORIAN | HIJRI
_FIRST_WORDS: Final = {name.split(" ", maxsplit=1)[0] for name in _ALL}
_UNSAFE: Final = frozenset({*AMBIGUOUS, "صفر", "رجب", "شعبان", "ذو", "ذي", "ذا", "ت", "ك"})
_CLITICS: Final = (
    {word: word for word in _FIRST_WORDS}
    | with_clitics(_UNSAFE & _FIRST_WORDS, only_and=True)
    | {
        spelling: word
        for spelling, word in with_clitics(_FIRST_WORDS - _UNSAFE).items()
        if spelling not in _FIRST_WORDS
    }
)
_DEFINITE_WEEKDAYS: Final = with_clitics(WEEKDAYS)
_WEEKDAY_FORMS: Final = with_clitics(word[2:] for word in WEEKDAYS) | _DEFINITE_WEEKDAYS
del _WEEKDAY_FORMS["واحد"]  # one, not "and Sunday"


#: What a month's name or a weekday can begin with.
BEGINNINGS: Final = frozenset({*_CLITICS, *_WEEKDAY_FORMS})


def month_word(key: str) -> str | None:
    """Return the first word of a month's name of which a key may be a spelling, clitics taken off."""
    return _CLITICS.get(key)


def month_at(words: Words, place: int) -> tuple[str, int] | None:
    """Return the name of the month that begins at a word, and the place after it."""
    word = month_word(words.key(place))
    if word is None:
        return None
    two = f"{word} {words.key(place + 1)}"
    if words.gap(place + 1) == "" and two in _ALL:
        return two, _honoured(words, place + 2, two)
    return (word, _honoured(words, place + 1, word)) if word in _ALL else None


def _honoured(words: Words, place: int, name: str) -> int:
    """Return the place after the word that honours a month: رمضان المبارك, محرم الحرام."""
    return place + 1 if name in HIJRI and words.key(place) in _HONOURS and not words.gap(place) else place


def weekday(key: str) -> int | None:
    """Return the number of a weekday, Monday 0, with or without article and clitics; None for another word."""
    word = _WEEKDAY_FORMS.get(key)
    if word is None:
        return None
    return WEEKDAYS[word] if word in WEEKDAYS else WEEKDAYS["ال" + word]


def surely_weekday(key: str) -> bool:
    """Tell whether a key is a weekday's name with article: without it أحد is anybody and جمعة a name."""
    return key in _DEFINITE_WEEKDAYS
