"""Whether an article comments on events and does not report one: opinion, analysis, interview, review of the press.

Such a text names the people, places and words of an event, often of several, and came out as one of its reports. Outlets
mark them alike: by a word and a colon before the headline, or by the first words of the text.
"""

import re
from typing import Final

__all__ = ["is_comment"]

_HEADLINE: Final = re.compile(
    r"\W*(?:(?:رأي|مقال|تحليل|مقابلة|حوار)\s*(?:[:|]|\.{2}|…)|(?:حوار|مقابلة|لقاء) (?:خاص|حصري)ة?\b)|[^:]{4,60} يكتب (?:ل|في )|[^:]{4,60} تكتب (?:ل|في )"
)
_BEGINNING: Final = 140
"""Characters of the text in which a note on its author or a review of the press begins."""
_TEXT: Final = re.compile(
    r".{0,60}?(?:هذا (?:المقال|التحليل|التقرير) بقلم|(?:المقال|التحليل) يعبر عن|(?:حوار|مقابلة|لقاء) (?:خاص|حصري)ة?\b"
    r"|اهتمت (?:الصحف|صحف)|(?:في )?جولة الصحف|في الصحف اليوم|تناولت (?:الصحف|صحف)|نتوقف (?:اليوم )?عند)",
    re.DOTALL,
)


def is_comment(title: str, text: str) -> bool:
    """Whether headline or beginning say so.

    Args:
        title: clean.
        text: clean.
    """
    return _HEADLINE.match(title) is not None or _TEXT.match(text[:_BEGINNING]) is not None
