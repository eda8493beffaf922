"""Charts as SVG text: no library, no script, no reference to anything outside. Text takes the colour of the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import NamedTuple

COLORS = ("#1b6ca8", "#e08a1e", "#5e9c76", "#8e5ea2", "#b3261e")
_WIDTH, _LABELS, _RIGHT = 760, 190, 60
_LINE = 14
_CHARACTER = 6.6
"""Width of a character of the labels, about."""


class Point(NamedTuple):
    """A point of a scatter chart; `marked` ones are filled and joined by a line."""

    name: str
    x: float
    y: float
    marked: bool


class CurvePoint(NamedTuple):
    """A point of a curve, with its interval."""

    x: float
    y: float
    low: float
    high: float


def draw_bars(title: str, groups: Mapping[str, Mapping[str, float | None]]) -> str:
    """Horizontal bars from 0 to 1: a group for each name, a bar for each measure; None is said to be not known."""
    measures = list(dict.fromkeys(measure for bars in groups.values() for measure in bars))
    span = _WIDTH - _LABELS - _RIGHT
    parts, y = [_draw_legend(measures)], 34.0
    for name, bars in groups.items():
        middle = y + _LINE * len(bars) / 2 + 4
        parts.append(_write(_LABELS - 8, middle, _cut(name), anchor="end"))
        for place, measure in enumerate(measures):
            value = bars.get(measure)
            width = span * max(0.0, min(1.0, value or 0.0))
            parts.append(_draw_box(_LABELS, y, width, _LINE - 2, COLORS[place % len(COLORS)], f"{name}, {measure}"))
            text = "not known" if value is None else f"{value:.3f}"
            parts.append(_write(_LABELS + width + 4, y + 10, text, size=10))
            y += _LINE
        y += 10
    return _finish(title, y + 4, parts)


def draw_stacks(title: str, rows: Mapping[str, Mapping[str, int]], colors: Mapping[str, str]) -> str:
    """Horizontal bars of counts, one a row, stacked by kind."""
    most = max((sum(kinds.values()) for kinds in rows.values()), default=0) or 1
    span = _WIDTH - _LABELS - _RIGHT
    parts, y = [_draw_legend(list(colors), list(colors.values()))], 34.0
    for name, kinds in rows.items():
        parts.append(_write(_LABELS - 8, y + 11, _cut(name), anchor="end"))
        x = float(_LABELS)
        for kind, color in colors.items():
            if count := kinds.get(kind, 0):
                width = span * count / most
                parts.append(_draw_box(x, y, width, _LINE, color, f"{name}, {kind}: {count}"))
                x += width
        parts.append(_write(x + 4, y + 11, str(sum(kinds.values())), size=10))
        y += _LINE + 5
    return _finish(title, y + 4, parts)


def draw_heatmap(title: str, rows: Mapping[str, Sequence[int]], ends: tuple[str, str]) -> str:
    """Counts by row and place; the darkest cell is the largest count. `ends` name the first and the last place."""
    most = max((count for row in rows.values() for count in row), default=0) or 1
    span = _WIDTH - _LABELS - _RIGHT
    parts, y = [], 24.0
    for name, row in rows.items():
        parts.append(_write(_LABELS - 8, y + 12, _cut(name), anchor="end"))
        width = span / len(row)
        for place, count in enumerate(row):
            if count:
                said = f"{name}, place {place + 1} of {len(row)}: {count}"
                parts.append(_draw_box(_LABELS + place * width, y, width - 1, 15, COLORS[4], said, count / most))
        y += 17
    parts += [_write(_LABELS, y + 12, ends[0], size=10), _write(_LABELS + span, y + 12, ends[1], "end", 10)]
    return _finish(title, y + 20, parts)


def draw_curves(title: str, curves: Mapping[str, Sequence[CurvePoint]], x_name: str, y_name: str) -> str:
    """Curves with the interval of each point as a pale band, in a legend's order; axes span the data."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return _finish(title, 24, ())
    right = max(point.x for point in points) or 1.0
    low, high = min(point.low for point in points), max(point.high for point in points)
    left, top, width, height = 56, 34, _WIDTH - 56 - 24, 260

    def place(x: float, y: float) -> str:
        return f"{left + x / right * width:.1f},{top + height - (y - low) / ((high - low) or 1.0) * height:.1f}"

    parts = [
        f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="currentColor"/>',
        _draw_legend(list(curves)),
        _write(left + width / 2, top + height + 34, x_name, "middle"),
        _write(left + width, top - 14, y_name, "end"),
    ]
    for step in range(6):
        value = low + (high - low) * step / 5
        parts.append(_write(left - 6, top + height * (1 - step / 5) + 4, f"{value:.3g}", "end", 10))
        parts.append(_write(left + width * step / 5, top + height + 16, f"{right * step / 5:.3g}", "middle", 10))
    for number, curve in enumerate(curves.values()):
        color = COLORS[number % len(COLORS)]
        band = [place(p.x, p.low) for p in curve] + [place(p.x, p.high) for p in reversed(curve)]
        parts.append(f'<polygon points="{" ".join(band)}" fill="{color}" fill-opacity="0.12"/>')
        line = " ".join(place(p.x, p.y) for p in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
    return _finish(title, top + height + 44, parts)


def draw_scatter(title: str, points: Iterable[Point], x_name: str, y_name: str) -> str:
    """Points over a logarithmic x axis and a y axis from 0 to 1; what costs nothing stands at the left edge."""
    found = sorted(points, key=lambda point: (point.x, point.y, point.name))
    positive = [point.x for point in found if point.x > 0]
    low = math.floor(math.log10(min(positive))) if positive else 0
    high = max(low + 1, math.ceil(math.log10(max(positive)))) if positive else 1
    left, top, width, height = 56, 24, _WIDTH - 56 - 150, 300

    def place(point: Point) -> tuple[float, float]:
        power = (math.log10(point.x) - low) / (high - low) if point.x > 0 else 0.0
        return left + power * width, top + (1 - point.y) * height

    parts = [
        f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="currentColor"/>',
        _write(left + width / 2, top + height + 34, x_name, "middle"),
        _write(left, top - 8, y_name),
    ]
    for tick in range(low, high + 1):
        x = left + (tick - low) / (high - low) * width
        parts.append(_write(x, top + height + 16, f"{10.0**tick:g}", "middle", 10))
    for step in range(6):
        y = top + height * (1 - step / 5)
        parts.append(_write(left - 6, y + 4, f"{step / 5:.1f}", "end", 10))
    joined = " ".join("{:.1f},{:.1f}".format(*place(point)) for point in found if point.marked)
    parts.append(f'<polyline points="{joined}" fill="none" stroke="{COLORS[0]}" stroke-dasharray="4 3"/>')
    taken: list[float] = []
    for point in found:
        x, y = place(point)
        fill = COLORS[0] if point.marked else "none"
        said = f"<title>{escape(point.name)}: {point.x:.4g}, {point.y:.3f}</title>"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{COLORS[0]}">{said}</circle>')
        at = y + 4
        while any(abs(at - other) < _LINE for other in taken):
            at += _LINE
        taken.append(at)
        parts.append(_write(x + 9, at, _cut(point.name), size=11))
    return _finish(title, max([top + height + 44, *taken]) + 6, parts)


def _draw_legend(names: Sequence[str], colors: Sequence[str] = COLORS) -> str:
    parts, x = [], float(_LABELS)
    for place, name in enumerate(names):
        parts.append(_draw_box(x, 10, 10, 10, colors[place % len(colors)], name))
        parts.append(_write(x + 14, 19, name, size=11))
        x += 28 + _CHARACTER * len(name)
    return "".join(parts)


def _draw_box(x: float, y: float, width: float, height: float, color: str, said: str, opacity: float = 1.0) -> str:
    shade = "" if opacity >= 1 else f' fill-opacity="{max(0.08, opacity):.2f}"'
    box = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {box} fill="{color}"{shade}><title>{escape(said)}</title></rect>'


def _write(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{escape(text)}</text>'


def _cut(name: str) -> str:
    most = int((_LABELS - 12) / _CHARACTER)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _finish(title: str, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" '
        f'font-family="sans-serif" fill="currentColor"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
