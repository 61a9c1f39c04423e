"""Where the pages of a site keep their article: learned from a few of them, used on the next, given up when it fails.

A layout is the chain of tags, classes and ids that leads to the container of the body. It is a faster way to the cut that
the page alone would have given: it must lead to exactly one place, every twentieth page is read the long way as well, and a
layout that disagrees once is forgotten and learned anew. So nothing rests on what is remembered: a worker that has just begun
reads pages the long way and gives the same text. Only where a page alone leaves doubt about a few words does it decide.
"""

import re
from collections import OrderedDict
from functools import lru_cache
from typing import Final
from zlib import crc32

from lxml import etree

from processors.html_text import Element, looks_of

__all__ = ["Layouts", "Path", "path_of"]

_ENOUGH_PAGES: Final = 3
_CHECKED: Final = 20
"""One page of so many is read the long way too."""
_PATHS: Final = 8
"""Layouts of one site that are remembered: news, opinion, video and the like."""
_STEPS: Final = (4, 10)
"""Steps of a way: more where a few lead to several places."""
_TAG: Final = re.compile(r"[a-z][a-z0-9-]*")

# The last steps of the way to an element, itself first: tag, classes and id of each.
Path = tuple[str, ...]


class Layouts:
    """What was learned, for as many sites as were read last. Used by one thread.

    Args:
        sites: How many sites are remembered.
    """

    def __init__(self, sites: int = 2_000) -> None:
        self._sites: OrderedDict[str, OrderedDict[Path, int]] = OrderedDict()
        self._limit = sites

    def remembered(self) -> list[tuple[str, list[tuple[Path, int]]]]:
        """Return what was learned, for a file: each site's layouts with their pages, those used last at the end."""
        return [(site, list(paths.items())) for site, paths in self._sites.items()]

    def recall(self, sites: list[tuple[str, list[tuple[Path, int]]]]) -> None:
        """Take up what an earlier run learned, in place of what is known."""
        kept = sites[-self._limit :]
        self._sites = OrderedDict((site, OrderedDict(paths[-_PATHS:])) for site, paths in kept)

    def find(self, site: str, root: Element) -> Element | None:
        """Return the place of the article's body on a page, if a learned layout leads to exactly one."""
        paths = self._sites.get(site)
        if not paths:
            return None
        self._sites.move_to_end(site)
        learned = {path for path, pages in paths.items() if pages >= _ENOUGH_PAGES}
        places = [element for path in learned for element in _places(root, path)]
        return places[0] if len(places) == 1 else None

    def learn(self, site: str, container: Element) -> None:
        """Remember where a page that was read the long way kept its article."""
        path = _unmistakable(container) if site else ()
        if not path:
            return
        paths = self._sites.setdefault(site, OrderedDict())
        self._sites.move_to_end(site)
        paths[path] = min(paths.get(path, 0) + 1, _ENOUGH_PAGES)
        paths.move_to_end(path)
        if len(paths) > _PATHS:
            paths.popitem(last=False)
        if len(self._sites) > self._limit:
            self._sites.popitem(last=False)

    def forget(self, site: str, container: Element) -> None:
        """Give up the layouts that led to a place which was not the article's."""
        paths = self._sites.get(site, OrderedDict())
        for path in [path for path in paths if path_of(container, len(path)) == path]:
            del paths[path]

    @staticmethod
    def is_checked(text: str) -> bool:
        """Whether a page with this text is one of those that are read the long way as well."""
        return crc32(text.encode("utf-8", "replace")) % _CHECKED == 0


def path_of(element: Element, steps: int) -> Path:
    """Return the last steps of the way to an element, itself first."""
    path: list[str] = []
    current: Element | None = element
    while current is not None and len(path) < steps and current.tag not in {"body", "html"}:
        path.append(looks_of(current))
        current = current.getparent()
    return tuple(path)


def _unmistakable(container: Element) -> Path:
    """Return as many steps as lead to this place alone on its page; none where no number of them does."""
    root = container.getroottree().getroot()
    for steps in _STEPS:
        path = path_of(container, steps)
        tags = (step.split(" ", 1)[0] for step in path)
        if path and all(_TAG.fullmatch(tag) for tag in tags) and len(_places(root, path)) == 1:
            return path
    return ()


def _places(root: Element, path: Path) -> list[Element]:
    query, mark = _query(path)
    return [element for element in query(root, mark=mark) if path_of(element, len(path)) == path]


@lru_cache(maxsize=10_000)
def _query(path: Path) -> tuple[etree.XPath, str]:
    """Return what finds the candidates for a path: those below an element with the first name on it."""
    marked = next((place for place, step in enumerate(path) if " " in step), len(path) - 1)
    tag, _, marks = path[marked].partition(" ")
    below = "".join(f"/{step}" for step in reversed(path[:marked]))
    mark = max(marks.split(" "), key=len)
    return etree.XPath(f"//{tag}[contains(@class, $mark) or contains(@id, $mark)]{below}"), mark
