"""Which agency a text credits: who wrote it first, where an outlet carries wire copy."""

import re
from typing import Final

__all__ = ["credited_agency"]

_ENDS: Final = 400
"""Characters at the beginning and at the end in which a credit stands; further in, an agency is a source among others."""
_AGENCIES: Final[dict[str, str]] = {
    "رويترز": r"رويترز|Reuters",
    "أ ف ب": r"[أا]\.? ?ف\.? ?ب|(?:وكالة )?فرانس برس|AFP",
    "أ ب": r"[أا]\.? ?ب|[أا]سوش?يتد برس|AP",
    "د ب أ": r"د\.? ?ب\.? ?[أا]|DPA|dpa",
    "واس": r"واس|SPA",
    "وام": r"وام|WAM",
    "كونا": r"كونا|KUNA",
    "قنا": r"قنا|QNA",
    "بترا": r"بترا|Petra",
    "وفا": r"وفا|WAFA",
    "سانا": r"سانا|SANA",
    "واع": r"واع|INA",
    "أ ش أ": r"[أا]\.? ?ش\.? ?[أا]|MENA",
    "وأج": r"و[أا]ج|APS",
    "وات": r"وات|TAP",
    "و م ع": r"و\.? ?م\.? ?ع|MAP",
    "الأناضول": r"(?:وكالة )?الأناضول|AA",
    "شينخوا": r"شينخوا|Xinhua",
    "سبوتنيك": r"سبوتنيك|Sputnik",
}
_ANY: Final = "|".join(f"(?P<a{number}>{forms})" for number, forms in enumerate(_AGENCIES.values()))
# In brackets, after the dash of a dateline, or alone at the end of the text: not in a sentence, where an agency is quoted.
_CREDIT: Final = re.compile(
    rf"[(\[](?: ?(?:وكالة|وكالات|المصدر ?:) )?(?:{_ANY})[)\]]".replace("(?P<", "(?P<b_")
    + rf"|^[^\n.]{{0,40}}?[-–—] ?(?:{_ANY}) ?[-–—:]".replace("(?P<", "(?P<d_")
    + rf"|(?:^|\n)(?:المصدر ?: ?)?(?:وكالة )?(?:{_ANY})\s*$".replace("(?P<", "(?P<e_")
)


def credited_agency(text: str) -> str:
    """The agency that a text credits, by the name under which it is known; empty where none is.

    Args:
        text: clean, boilerplate off.
    """
    for part in (text[:_ENDS], text[-_ENDS:]):
        found = _CREDIT.search(part)
        if found is not None:
            group = next(name for name, value in found.groupdict().items() if value is not None)
            return tuple(_AGENCIES)[int(group.partition("a")[2])]
    return ""
