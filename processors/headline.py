"""Titles without the outlet's name at their end or beginning, and leads that are real text."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from marsad.arabic import key_words

__all__ = ["lead_of", "strip_outlet"]

_SEPARATOR: Final = re.compile(r"\s+[-–—|:»«•·/\\]{1,2}\s+|\s*[|\uff5c]\s*|\s+::\s+")
_DANGLING: Final = " &|/\\·•–—-"
"""Signs that stand between two things: at the end of a title nothing came after them."""
_SHORTEST_TITLE: Final = 8
_LONGEST_NAME: Final = 50
_SHORTEST_HOST_PART: Final = 3

# Words that stand in outlets' names and say nothing about which one.
_GENERIC_LIST: Final = (
    "قناه صحيفه جريده موقع وكاله شبكه اذاعه راديو تلفزيون فضائيه مجله بوابه مركز نيوز اخبار الاخبار الاخباريه الاخباري "
    "اونلاين نت كوم عربيه عربي العربيه العربي بالعربي بالعربيه عاجل الرسمي الرسميه الالكترونيه الالكتروني للانباء الانباء "
    "news net com org arabic arab ar tv online agency channel the network website official"
)
_GENERIC: Final = frozenset(_GENERIC_LIST.split())

_LEAD_LENGTH: Final = 500
_SHORTEST_LEAD: Final = 80
_SENTENCE_END: Final = re.compile(r"[.!؟?…](?=\s)|[.!؟?…]$")
_CUT_MARKS: Final = " \n\t\r\u00a0.…[]()«»\"'،,:؛;–—-"
_REAL_TEXT: Final = 25


def strip_outlet(title: str, names: Iterable[str], url: str = "") -> str:
    """Return a title without the outlet's name before or after it, and without dangling separators.

    Args:
        title: The title, clean.
        names: What the outlet is called: its name, its feed's title.
        url: An address of the outlet: its host names it too (Sky News for skynewsarabia.com).

    Returns:
        The title; unchanged where the part beside the separator is not the outlet's name or too little would be left.
    """
    title = title.strip(_DANGLING)
    if not _SEPARATOR.search(title):
        return title
    known = [frozenset(key_words(name)) for name in names if name]
    host = _host_letters(url)
    for _ in range(2):
        parts = list(_SEPARATOR.finditer(title))
        if not parts:
            break
        if _is_outlet(title[parts[-1].end() :], known, host):
            shorter = title[: parts[-1].start()]
        elif _is_outlet(title[: parts[0].start()], known, host):
            shorter = title[parts[0].end() :]
        else:
            break
        if len(shorter.strip()) < _SHORTEST_TITLE:
            break
        title = shorter.strip()
    return title


def _host_letters(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return re.sub(r"[^a-z0-9]", "", host.removeprefix("www.").lower())


def _is_outlet(part: str, known: list[frozenset[str]], host: str) -> bool:
    if not part.strip() or len(part) > _LONGEST_NAME:
        return False
    words = frozenset(key_words(part))
    if not words:
        return False
    telling = words - _GENERIC
    for name in known:
        if words <= name and (telling or words == name):
            return True
        if telling and telling == name - _GENERIC:
            return True
    letters = "".join(word for word in key_words(part) if word.isascii())
    return len(letters) > _SHORTEST_HOST_PART and len(letters) >= len("".join(words)) and letters in host


def lead_of(summary: str, text: str) -> str:
    """Return the lead: the summary where it says something of its own, else the first paragraph, a sentence end at most.

    Args:
        summary: The feed's summary as clean text; often only the cut beginning of the text.
        text: The whole text.
    """
    stem = summary.rstrip(_CUT_MARKS)
    own = len(stem) >= _REAL_TEXT and not _letters(text[: 2 * len(stem)]).startswith(_letters(stem))
    return shorten(summary.replace("\n", " ") if own else text.split("\n", 1)[0])


_NO_LETTER: Final = re.compile(r"\W+")


def _letters(text: str) -> str:
    return _NO_LETTER.sub("", text)


def shorten(paragraph: str) -> str:
    """Return a paragraph cut at the end of a sentence, or of a word, where it is long."""
    if len(paragraph) <= _LEAD_LENGTH:
        return paragraph
    ends = [match.end() for match in _SENTENCE_END.finditer(paragraph[: _LEAD_LENGTH + 1])]
    if ends and ends[-1] >= _SHORTEST_LEAD:
        return paragraph[: ends[-1]]
    space = paragraph.rfind(" ", 0, _LEAD_LENGTH)
    return paragraph[: space if space > 0 else _LEAD_LENGTH]
