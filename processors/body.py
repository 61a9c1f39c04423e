"""Where the article stands on a page: the fast path before a full extractor.

Containers are scored by the running text right below them, as readability does (text in a paragraph speaks for its
parent, half as much for the parent above). What a page marks as its article (``itemprop=articleBody``, the JSON-LD
body, ``<article>``) decides between them. The answer says how sure it is; an unsure one goes to the full extractor.

However the container was found, ``cut`` reads the paragraphs out of it: a layout that was learned from other pages of the
site (``processors.layouts``) or the full extractor may name the place, and the text is the same.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec
from lxml import etree

from processors.html_text import INLINE, Block, Element, blocks, looks_of, text_of
from processors.page_frame import Frame, is_card, is_named, within

__all__ = ["Body", "agree", "cut", "find_body", "is_enough", "place_of", "states"]

_RUNNING_TEXT: Final = 40
"""Characters from which a block is running text and no label."""
_MAX_LINKS: Final = 0.4
"""Share of link text above which a block is a teaser."""
_MAX_LINKS_OF_SENTENCE: Final = 0.8
_ENDED: Final = re.compile(r".{40,}[.؟!?…][\"»”)]?$")

_MARKS: Final = etree.XPath("//@itemprop | //@property")
_TITLE: Final = etree.XPath("concat(//head/title, ' ', //head/meta[@property='og:title']/@content)")
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


def find_body(root: Element, stated: str = "", described: str = "") -> Body:
    """Find the article's paragraphs.

    Args:
        root: The page.
        stated: The body that the page states in JSON-LD, if any.
        described: What the page says of its article in one sentence, if anything.
    """
    found = list(blocks(root))
    frame = Frame(root)
    text = [block for block in found if _is_text(block) and not frame.holds(block.parent) and not is_card(block.parent)]
    if not text:
        text = [block for block in found if _is_text(block)]
        frame = Frame(None)
    if not text:
        return Body((), sure=False)
    container = _marked(root, text)
    if container is None:
        container = _first_article(root, _with_its_like(_best_place(text), text), text)
    inside = within(container)
    chosen = [block for block in found if inside(block.parent) and _keep(block) and not frame.holds(block.parent)]
    paragraphs = tuple(block.text for block in chosen)
    if frame.active:
        paragraphs = _with_standfirst(container, paragraphs)
    sure = states(stated, paragraphs) if stated else _sure(container, chosen, text)
    if not (sure or stated):
        sure = _is_flash(chosen, text, found, described)
    return Body(paragraphs, sure, container if frame.active else None)


def cut(container: Element) -> tuple[str, ...]:
    """Return the article's paragraphs, given what holds them."""
    frame = Frame(container)
    inside = tuple(block.text for block in blocks(container) if _keep(block) and not frame.holds(block.parent))
    return _with_standfirst(container, inside)


def _with_standfirst(container: Element, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
    """Put before the paragraphs what stands between the heading and their container: the words that sum the article up."""
    around: Element | None = container
    heading = None
    for _ in range(_CLIMB):
        if around is None or around.tag == "html":
            return paragraphs
        heading = next(around.iter("h1"), None)
        if heading is not None:
            break
        around = around.getparent()
    if heading is None or around is None or around is container or not _is_headline(heading):
        return paragraphs
    found = _between(around, heading, container)
    begun = "".join(paragraphs[:1])[:_SAME]
    kept = tuple(block.text for block in found if block.text[:_SAME] != begun)
    return (*kept, *paragraphs) if len(found) <= _MOST_STANDFIRST else paragraphs


def _is_headline(heading: Element) -> bool:
    """Whether a heading is the article's and not the site's name: its words stand in the page's title, if it has one."""
    titles = str(_TITLE(heading.getroottree())).split()
    words = text_of(heading).split()
    return not titles or 2 * sum(word in titles for word in words) > len(words)


def _is_dated(text: str) -> bool:
    return sum(map(str.isdigit, text)) * 8 > len(text)


def _between(around: Element, heading: Element, container: Element) -> list[Block]:
    frame = Frame(around)
    in_heading, in_container = within(heading), within(container)
    found: list[Block] = []
    begun = False
    for block in blocks(around):
        if in_heading(block.parent):
            begun = True
        elif in_container(block.parent):
            return found
        elif (
            begun
            and _is_text(block)
            and not _is_dated(block.text)
            and not frame.holds(block.parent)
            and not is_card(block.parent)
        ):
            found.append(block)
    return []


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
    long = len(block.text) >= _RUNNING_TEXT
    return long and block.parent.tag != "h1" and block.links <= _MAX_LINKS * len(block.text)


def _keep(block: Block) -> bool:
    """Short blocks inside the article stay (quotes, subheadings), whole sentences full of links too; links alone do not."""
    if block.parent.tag == "h1":
        return False
    length = len(block.text)
    if block.links <= _MAX_LINKS * length:
        return True
    return block.links <= _MAX_LINKS_OF_SENTENCE * length and _ENDED.match(block.text) is not None


def _marked(root: Element, text: list[Block]) -> Element | None:
    """Return the element that the page marks as the article's body, if it holds text."""
    total = sum(len(block.text) for block in text)
    for mark in _MARKS(root):
        if mark.lower() not in _BODY_MARKS:
            continue
        element = mark.getparent()
        while element.tag in INLINE:
            element = element.getparent()
        inside = within(element)
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
        if is_named(place.element):
            place.score *= 1.3
    return max(places.values(), key=lambda place: place.score).element


def _with_its_like(place: Element, text: list[Block]) -> Element:
    """Return what holds a place and its brothers, where the article is spread over widgets or sections of one kind."""
    inside = within(place)
    held = [block for block in text if not inside(block.parent)]
    current = place
    for _ in range(_LEVELS):
        parent = current.getparent()
        if (
            parent is None
            or parent.tag in {"body", "html"}
            or current.tag == "article"
            or current.find(".//h1") is not None
        ):
            break
        kind = looks_of(current)
        alike = {child for child in parent if child is not current and looks_of(child) == kind}
        if " " in kind and any(_climbs_to(block.parent, alike) for block in held):
            place = parent
        current = parent
    return place


def _climbs_to(element: Element | None, places: set[Element]) -> bool:
    for _ in range(_LEVELS + 1):
        if element is None:
            return False
        if element in places:
            return True
        element = element.getparent()
    return False


def _first_article(root: Element, place: Element, text: list[Block]) -> Element:
    """Return the place of the text in the first of several articles with headings: the others are the next pages to read."""
    article = place if place.tag == "article" else next(place.iterancestors("article"), None)
    if article is None or article.find(".//h1") is None:
        return place
    first = next(each for each in root.iter("article") if each.find(".//h1") is not None)
    inside = within(first)
    held = [block for block in text if inside(block.parent)]
    return place if inside(place) or not is_enough(block.text for block in held) else _best_place(held)


_LEVELS: Final = 3
_CLIMB: Final = 8
_ENOUGH: Final = 250
_SHORT: Final = 80
_TEASERS: Final = 6
"""Times that the other texts of a page may be as long as a flash."""
_MOST: Final = 0.6
_MOST_IF_NAMED: Final = 0.2
_SAME: Final = 60
"""Characters by which a standfirst is told from a first paragraph that repeats it."""
_MOST_STANDFIRST: Final = 2
_AGREEMENT: Final = 0.9
_STATED: Final = 0.8


def _sure(container: Element, chosen: list[Block], text: list[Block]) -> bool:
    """Whether what was chosen is clearly the article: most running text of the page."""
    held = sum(len(block.text) for block in chosen if _is_text(block))
    total = sum(len(block.text) for block in text)
    if _SHORT <= held < _ENOUGH and is_named(container):
        return held >= _AGREEMENT * total
    return held >= _ENOUGH and held >= (_MOST_IF_NAMED if is_named(container) else _MOST) * total


def _is_flash(chosen: list[Block], text: list[Block], found: list[Block], described: str) -> bool:
    """Whether what was chosen is an article of a sentence or two: the words that the page gives as its description."""
    held, total, everything = (
        sum(len(block.text) for block in kind if _is_text(block)) for kind in (chosen, text, found)
    )
    if not _SHORT <= held < _ENOUGH or held < _AGREEMENT * total or held * _TEASERS < everything:
        return False
    return any(block.text[:_SAME] == described[:_SAME] for block in chosen)
