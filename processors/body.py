"""Where the article stands on a page: the fast path before a full extractor.

Containers are scored by the running text right below them, as readability does (text in a paragraph speaks for its
parent, half as much for the parent above). What a page marks as its article (``itemprop=articleBody``, the JSON-LD
body, ``<article>``) decides between them. The answer says how sure it is; an unsure one goes to the full extractor.

However the container was found, ``cut`` reads the paragraphs out of it: a layout that was learned from other pages of the
site (``processors.layouts``) or the full extractor may name the place, and the text is the same.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from lxml import etree

from processors.html_text import INLINE, Block, Element, blocks

__all__ = ["Body", "agree", "cut", "find_body", "is_enough", "place_of", "states"]

_RUNNING_TEXT: Final = 40
"""Characters from which a block is running text and no label."""
_MAX_LINKS: Final = 0.4
"""Share of link text above which a block is a teaser."""
_CHROME: Final = re.compile(
    r"(?:^|[\s_-])(?:share|sharing|social|related|recommend\w*|read-?(?:more|also|next)|readalso|see-?also|sidebar|widget|"
    r"comments?|respond|breadcrumbs?|path|footer|nav|navbar|menu|newsletter|subscri\w*|tags?|tag-?list|author-?(?:box|bio|info)|"
    r"byline|entry-meta|post-meta|meta-info|copyright|cookies?|popup|modal|advert\w*|ads?|promo\w*|banner|trending|"
    r"most-?(?:read|viewed|popular)|latest|caption|credits?|toolbar|pagination|rating|sr-only|visually-hidden|screen-reader-text|"
    r"ticker|breaking|outbrain|taboola|teaser|inline-?(?:link|related)|also-?read|more-?(?:news|from)|jp-relatedposts|sharedaddy|"
    r"podcast\w*|poll|login|search)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BODY_NAME: Final = re.compile(
    r"article[-_]?(?:body|content|text)|(?:entry|post|story|news|single|field|detail|wysiwyg)[-_]?(?:body|content|text|details?)|"
    r"articlebody|body[-_]?(?:text|content)|td-post-content|paragraph-list|rich-text|content[-_]body",
    re.IGNORECASE,
)


_MARKS: Final = etree.XPath("//@itemprop | //@property")
_BODY_MARKS: Final = frozenset({"articlebody", "text"})


class Body(msgspec.Struct, frozen=True):
    """The article's paragraphs, and whether the page left no doubt."""

    paragraphs: tuple[str, ...]
    sure: bool
    container: Element | None = None
    """What holds them; None where the whole page had to be taken for the article's frame."""


class _Place:
    """A container with the text found in it."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self.score = 0.0


def find_body(root: Element, stated: str = "") -> Body:
    """Find the article's paragraphs.

    Args:
        root: The page.
        stated: The body that the page states in JSON-LD, if any.
    """
    found = list(blocks(root))
    chrome = _Chrome(root)
    text = [block for block in found if _is_text(block) and not chrome.holds(block.parent)]
    if not text:
        text = [block for block in found if _is_text(block)]
        chrome = _Chrome(None)
    if not text:
        return Body((), sure=False)
    container = _marked(root, text)
    if container is None:
        container = _best_place(text)
    inside = _within(container)
    chosen = [block for block in found if inside(block.parent) and _keep(block) and not chrome.holds(block.parent)]
    paragraphs = tuple(block.text for block in chosen)
    return Body(paragraphs, _sure(chosen, text, stated), container if chrome.active else None)


def cut(container: Element) -> tuple[str, ...]:
    """Return the article's paragraphs, given what holds them."""
    chrome = _Chrome(container)
    return tuple(block.text for block in blocks(container) if _keep(block) and not chrome.holds(block.parent))


def is_enough(paragraphs: Iterable[str]) -> bool:
    """Whether there is as much running text as an article has."""
    return sum(len(each) for each in paragraphs if len(each) >= _RUNNING_TEXT) >= _ENOUGH


def agree(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two readings of a page are the same article: nine words of ten, with how often they occur."""
    ours, theirs = (Counter(word for each in reading for word in each.split()) for reading in (one, other))
    return 2 * (ours & theirs).total() >= _AGREEMENT * (ours.total() + theirs.total()) > 0


def states(stated: str, paragraphs: Iterable[str]) -> bool:
    """Whether paragraphs hold the body that the page states in JSON-LD."""
    wanted = set(stated.split())
    got = {word for each in paragraphs for word in each.split()}
    return bool(wanted) and len(wanted & got) >= _STATED * len(wanted)


def place_of(root: Element, paragraphs: Iterable[str]) -> Element | None:
    """Return the smallest element whose cut is the given paragraphs; None where there is none.

    Args:
        root: The page.
        paragraphs: What another extractor found on it.
    """
    paragraphs = tuple(paragraphs)
    known = {word for each in paragraphs for word in each.split()}
    held: dict[Element, int] = {}
    total = 0
    for block in blocks(root):
        words = block.text.split()
        if len(block.text) < _RUNNING_TEXT or sum(word in known for word in words) < _AGREEMENT * len(words):
            continue
        total += len(words)
        element: Element | None = block.parent
        for _ in range(_CLIMB):
            if element is None or element.tag == "html":
                break
            held[element] = held.get(element, 0) + len(words)
            element = element.getparent()
    # Those around it come after what they hold, so the first that holds enough of the text is the smallest.
    enough = (element for element, words in sorted(held.items(), key=_by_words) if words >= _AGREEMENT * total)
    for element in enough:
        return element if agree(cut(element), paragraphs) else None
    return None


def _by_words(item: tuple[Element, int]) -> int:
    return item[1]


def _is_text(block: Block) -> bool:
    return len(block.text) >= _RUNNING_TEXT and block.links <= _MAX_LINKS * len(block.text)


def _keep(block: Block) -> bool:
    """Short blocks inside the article stay (quotes, subheadings); links alone do not."""
    return block.parent.tag != "h1" and block.links <= _MAX_LINKS * len(block.text)


class _Chrome:
    """Which elements belong to the page's frame, judged by their class and id, remembered for each."""

    def __init__(self, root: Element | None) -> None:
        self._known: dict[Element, bool] = {} if root is None else {root: False}
        self.active = root is not None

    def holds(self, element: Element) -> bool:
        if not self.active:
            return False
        path = []
        answer = False
        current: Element | None = element
        while current is not None:
            known = self._known.get(current)
            if known is not None:
                answer = known
                break
            path.append(current)
            if _is_chrome(current):
                answer = True
                break
            current = current.getparent()
        for each in path:
            self._known[each] = answer
        return answer


def _is_chrome(element: Element) -> bool:
    if element.tag in {"body", "html", "main", "article"}:
        return False
    mark = f"{element.get('class', '')} {element.get('id', '')}"
    return len(mark) > 1 and _CHROME.search(mark) is not None and _BODY_NAME.search(mark) is None


def _marked(root: Element, text: list[Block]) -> Element | None:
    """Return the element that the page marks as the article's body, if it holds text."""
    total = sum(len(block.text) for block in text)
    for mark in _MARKS(root):
        if mark.lower() not in _BODY_MARKS:
            continue
        element = mark.getparent()
        while element.tag in INLINE:
            element = element.getparent()
        inside = _within(element)
        held = sum(len(block.text) for block in text if inside(block.parent))
        if held * 4 >= total:
            return element
    return None


def _best_place(text: list[Block]) -> Element:
    places: dict[Element, _Place] = {}
    for block in text:
        weight = float(len(block.text))
        element: Element | None = block.parent
        if element is not None and element.tag in {"p", "h2", "h3", "h4", "li", "blockquote", "td"}:
            element = element.getparent()
        for level in range(_LEVELS):
            if element is None or element.tag == "html" or (element.tag == "body" and level):
                break
            place = places.get(element)
            if place is None:
                place = places[element] = _Place(element)
            place.score += weight
            weight /= 2
            element = element.getparent()
    if not places:
        return text[0].parent
    for place in places.values():
        if _BODY_NAME.search(f"{place.element.get('class', '')} {place.element.get('id', '')}"):
            place.score *= 1.3
    return max(places.values(), key=lambda place: place.score).element


def _within(container: Element) -> Callable[[Element | None], bool]:
    known: dict[Element, bool] = {container: True}

    def inside(element: Element | None) -> bool:
        path = []
        answer = False
        while element is not None:
            if element in known:
                answer = known[element]
                break
            path.append(element)
            element = element.getparent()
        for each in path:
            known[each] = answer
        return answer

    return inside


_LEVELS: Final = 3
_CLIMB: Final = 8
_ENOUGH: Final = 250
_MOST: Final = 0.6
_AGREEMENT: Final = 0.9
_STATED: Final = 0.8


def _sure(chosen: list[Block], text: list[Block], stated: str) -> bool:
    """Whether what was chosen is clearly the article: most running text of the page, or what the page states."""
    held = sum(len(block.text) for block in chosen if _is_text(block))
    total = sum(len(block.text) for block in text)
    if stated:
        return states(stated, (block.text for block in chosen))
    return held >= _ENOUGH and held >= _MOST * total
