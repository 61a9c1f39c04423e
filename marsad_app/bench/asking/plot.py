"""The curves as a drawing: plain SVG, readable on light and on dark ground."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from marsad_app.bench.asking.run import Outcome

__all__ = ["svg"]

_WIDTH: Final = 300.0
_HEIGHT: Final = 260.0
_LEFT: Final = 52.0
_TOP: Final = 34.0
_BELOW: Final = 46.0
_PANELS: Final[tuple[tuple[str, Callable[[Outcome], float]], ...]] = (
    ("mean delay", lambda each: each.mean),
    ("median delay", lambda each: each.median),
    ("95th percentile", lambda each: each.p95),
)
_COLOURS: Final = ("#c2410c", "#7c3aed", "#0f766e", "#b91c1c")
_OURS: Final = "#2563eb"
_TICKS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)


def svg(curve: Sequence[Outcome], others: Sequence[Outcome]) -> str:
    """Three panels: delay over requests, each on a logarithmic scale; lower and further left is better."""
    every = [*curve, *others]
    low, high = _range([each.requests_a_day for each in every])
    parts = []
    for number, (title, measure) in enumerate(_PANELS):
        left = number * (_WIDTH + _LEFT) + _LEFT
        bottom, top = _range([measure(each) for each in every])

        def place(
            each: Outcome, left: float = left, measure: Callable[[Outcome], float] = measure
        ) -> tuple[float, float]:
            across = _share(each.requests_a_day, low, high)
            return left + across * _WIDTH, _TOP + (1 - _share(measure(each), bottom, top)) * _HEIGHT  # noqa: B023  # called at once

        parts += _axes(left, title, (low, high), (bottom, top))
        parts.append(_line([place(each) for each in sorted(curve, key=lambda each: each.requests_a_day)]))
        parts += [_ours(*place(each), f"{each.patience:.0f} s") for each in curve if each.patience]
        parts += [_other(*place(each), index, each.policy) for index, each in enumerate(others)]
    width = len(_PANELS) * (_WIDTH + _LEFT) + 24
    height = _TOP + _HEIGHT + _BELOW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'font-family="sans-serif" font-size="11" fill="#6b7280">\n'
        "<title>Delay of news over requests: Marsad and others</title>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values) / 1.45, max(values) * 1.25


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


def _axes(left: float, title: str, across: tuple[float, float], up: tuple[float, float]) -> list[str]:
    floor = _TOP + _HEIGHT
    parts = [
        f'<text x="{left:.0f}" y="18" font-size="13" font-weight="bold">{escape(title)}, minutes</text>',
        f'<rect x="{left:.1f}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#9ca3af"/>',
        f'<text x="{left + _WIDTH / 2:.1f}" y="{floor + 36:.1f}" text-anchor="middle">requests a day and feed</text>',
    ]
    for tick in _TICKS:
        if across[0] < tick < across[1]:
            x = left + _share(tick, *across) * _WIDTH
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{floor}" stroke="#9ca3af" opacity="0.3"/>')
            parts.append(f'<text x="{x:.1f}" y="{floor + 16:.1f}" text-anchor="middle">{tick}</text>')
        if up[0] < tick < up[1]:
            y = _TOP + (1 - _share(tick, *up)) * _HEIGHT
            parts.append(
                f'<line x1="{left:.1f}" x2="{left + _WIDTH:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#9ca3af" opacity="0.3"/>'
            )
            parts.append(f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick}</text>')
    return parts


def _line(points: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{_OURS}" stroke-width="2"/>'


def _ours(x: float, y: float, label: str) -> str:
    """A point of the curve, its label below and to the left, where lower and fewer is."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_OURS}"/>' + _label(x - 4, y + 13, label, _OURS, "end", 9)


def _other(x: float, y: float, number: int, label: str) -> str:
    """The point of another policy, its label to the right; every other one stands lower, since two are neighbours."""
    colour = _COLOURS[number % len(_COLOURS)]
    down = 14 if number % 2 else -4
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>' + _label(
        x + 7, y + down, label, colour, "start", 11
    )


def _label(x: float, y: float, label: str, colour: str, anchor: str, size: int) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(label)}</text>'
