"""The map of a story's places: coastlines, a grid, labelled points. Pure but for its own data; nothing is fetched from anywhere.

Coastlines alone: where a border runs is often what the story is about.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from marsad.records import Article, Place

__all__ = ["Point", "WorldMap", "story_map"]

# All lengths are in tenths of a degree, as in the file of coastlines; y grows to the south.
_MOST_POINTS: Final = 12
_LEAST_WIDTH: Final = 260
_MARGIN: Final = 0.3
"""Of the distance between the outermost points, on each side: their names stand there."""
_SHAPE: Final = 0.7
"""Height to width."""
_GRID: Final = 100
_LETTER: Final = 0.55
"""Width of a letter to its height."""
_WORLD: Final = (-1800, -850, 1800, 600)


class Point(msgspec.Struct, frozen=True):
    """A place that the story's articles name."""

    name: str
    x: int
    y: int
    articles: int
    labelled: bool
    """Whether its name has room; of two places side by side the one that more articles name is labelled."""


class WorldMap(msgspec.Struct, frozen=True):
    """What is drawn, in the units of its view box."""

    x: int
    y: int
    width: int
    height: int
    land: str
    """Commands of an SVG path."""
    meridians: tuple[int, ...]
    parallels: tuple[int, ...]
    points: tuple[Point, ...]
    letter: int
    """Height of the letters."""


def story_map(articles: Iterable[Article]) -> WorldMap | None:
    """Lay out the places of a story, those that most articles name; None where none is named.

    Args:
        articles: of the story.
    """
    named: dict[str, list[Place]] = defaultdict(list)
    for article in articles:
        for place in {place.name: place for place in article.places}.values():
            named[place.name].append(place)
    most = sorted(named.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_POINTS]
    if not most:
        return None
    places = [(name, round(those[0].lon * 10), round(-those[0].lat * 10), len(those)) for name, those in most]
    x, y, width, height = _view([each[1] for each in places], [each[2] for each in places])
    letter = max(width // 20, 8)
    return WorldMap(
        x=x,
        y=y,
        width=width,
        height=height,
        land=_land(x, y, x + width, y + height),
        meridians=tuple(range(-(-x // _GRID) * _GRID, x + width, _GRID)),
        parallels=tuple(range(-(-y // _GRID) * _GRID, y + height, _GRID)),
        points=_labelled(places, letter),
        letter=letter,
    )


def _view(xs: Sequence[int], ys: Sequence[int]) -> tuple[int, int, int, int]:
    """The smallest view of the usual shape around the points, within the world."""
    west, north, east, south = _WORLD
    span = max(max(xs) - min(xs), round((max(ys) - min(ys)) / _SHAPE))
    needed = max(round(span * (1 + 2 * _MARGIN)), _LEAST_WIDTH)
    width = min(needed, east - west)
    height = min(round(width * _SHAPE), south - north)
    x = (min(xs) + max(xs)) // 2 - width // 2
    y = (min(ys) + max(ys)) // 2 - height // 2
    return min(max(x, west), east - width), min(max(y, north), south - height), width, height


def _labelled(places: Sequence[tuple[str, int, int, int]], letter: int) -> tuple[Point, ...]:
    taken: list[tuple[float, float, float, float]] = []
    points = []
    for name, x, y, articles in places:
        half = len(name) * letter * _LETTER / 2
        box = (x - half, y - 1.7 * letter, x + half, y + letter / 2)
        free = all(box[2] <= a or c <= box[0] or box[3] <= b or d <= box[1] for a, b, c, d in taken)
        if free:
            taken.append(box)
        points.append(Point(name, x, y, articles, free))
    return tuple(points)


def _land(west: int, north: int, east: int, south: int) -> str:
    return "".join(
        path for (x0, y0, x1, y1), path in _coastlines() if x0 <= east and x1 >= west and y0 <= south and y1 >= north
    )


@cache
def _coastlines() -> tuple[tuple[tuple[int, int, int, int], str], ...]:
    """The bounds and the path of each piece of land."""
    found = []
    for line in (resources.files(__package__) / "coastlines.txt").read_text("ascii").splitlines():
        points = [(int(lon), -int(lat)) for lon, _, lat in (pair.partition(",") for pair in line.split())]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        path = "M" + "L".join(f"{x} {y}" for x, y in points) + "Z"
        found.append(((min(xs), min(ys), max(xs), max(ys)), path))
    return tuple(found)
