"""What on a page is no article: its frame, told by the names of classes and ids, and the cards that lead to other articles."""

import re
from collections.abc import Callable
from typing import Final

from processors.html_text import Element

__all__ = ["Frame", "is_card", "is_named", "within"]

_FRAME: Final = re.compile(
    r"(?:^|[\s_-])(?:share|sharing|social|related|recommend\w*|read-?(?:more|also|next)|readalso|see-?also|sidebar|"
    r"comments?|discussions?|disqus\w*|replies|respond|breadcrumbs?|path|footer|nav|navbar|menu|newsletter|subscri\w*|tags?|tag-?list|author-?(?:box|bio|info)|"
    r"byline|entry-meta|post-meta|meta-info|copyright|cookies?|popup|modal|advert\w*|ads?|promo\w*|banner|trending|"
    r"most-?(?:read|viewed|popular)|latest|caption|credits?|toolbar|pagination|rating|sr-only|visually-hidden|screen-reader-text|"
    r"ticker|breaking|outbrain|taboola|teaser|inline-?(?:link|related)|also-?read|more-?(?:news|from)|jp-relatedposts|sharedaddy|"
    r"podcast\w*|poll|login|search|paywall|sign-?in|related\w*|inline-?(?:video|image)\w*|"
    r"prev[-_]?next|time[-_]to[-_]read|read(?:ing)?-?time|tooltip|whatsapp[\w-]*|photo-?(?:credit|source)|figure-?credit|duration\w*)(?:$|[\s_-])"
    r"|(?:^|\s)widget(?:$|[\s_])|(?:^|\s)(?:hidden|d-none|hide)(?=\s|$)(?!.*\b(?:sm|md|lg|xl)\b)",
    re.IGNORECASE,
)
_BODY_NAME: Final = re.compile(
    r"article[-_]?(?:body|content|text)|(?:entry|post|story|news|single|field|detail|wysiwyg)[-_]?(?:body|content|text|details?)|"
    r"articlebody|body[-_]?(?:text|content)|td-post-content|paragraph-list|rich-text|content[-_]body",
    re.IGNORECASE,
)
_CARD_PARTS: Final = 8
_HEADINGS: Final = frozenset({"h2", "h3", "h4", "h5"})


class Frame:
    """Which elements belong to the page's frame, judged by their class and id, remembered for each.

    Args:
        root: Where looking up ends; None if nothing is to be taken for the frame.
    """

    def __init__(self, root: Element | None) -> None:
        self._known: dict[Element, bool] = {} if root is None else {root: False}
        self.active = root is not None

    def holds(self, element: Element) -> bool:
        """Whether an element, or one around it, is of the frame."""
        return self.active and _inherited(element, self._known, _is_frame)


def _is_frame(element: Element) -> bool:
    if element.tag in {"body", "html", "main", "article"}:
        return False
    mark = f"{element.get('class', '')} {element.get('id', '')}"
    if element.tag == "figure":
        return "quote" not in mark and "table" not in mark
    if len(mark) <= 1 or _FRAME.search(mark) is None or _BODY_NAME.search(mark) is not None:
        return False
    # What is around the headline is around the article too: "has-sidebar" and "page-with-ads" are said of whole pages.
    return element.find(".//h1") is None


def is_card(element: Element) -> bool:
    """Whether a text stands under a linked heading of its own: the words of a teaser."""
    card = element.getparent() if element.tag == "p" else element
    if card is None or card.tag in {"body", "main", "td"} or len(card) > _CARD_PARTS:
        return False
    texts = sum(child.tag == "p" for child in card)
    return texts <= 1 and any(_is_linked_heading(child) for child in card)


def _is_linked_heading(element: Element) -> bool:
    if element.tag == "a":
        return any(child.tag in _HEADINGS for child in element)
    return element.tag in _HEADINGS and len(element) == 1 and element[0].tag == "a"


def is_named(element: Element) -> bool:
    """Whether an element is named as sites name the body of an article."""
    return _BODY_NAME.search(f"{element.get('class', '')} {element.get('id', '')}") is not None


def within(container: Element) -> Callable[[Element | None], bool]:
    """Make a test of what stands in a container; it remembers what it was asked."""
    known: dict[Element, bool] = {container: True}
    return lambda element: _inherited(element, known)


def _inherited(
    element: Element | None, known: dict[Element, bool], holds: Callable[[Element], bool] = lambda _: False
) -> bool:
    """Whether something is so of an element or of one around it; what was found out on the way is remembered."""
    path: list[Element] = []
    answer: bool | None = None
    while element is not None and answer is None:
        answer = known.get(element)
        if answer is None:
            path.append(element)
            answer = True if holds(element) else None
            element = element.getparent()
    found = bool(answer)
    known.update(dict.fromkeys(path, found))
    return found
