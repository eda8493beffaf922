"""Rectangles on a page, and one rectangle for the characters of a line."""

from __future__ import annotations

from collections.abc import Sequence

Area = tuple[float, float, float, float]
"""Two corners: the smaller coordinates, then the larger."""


def join_lines(areas: Sequence[Area], margin: float) -> list[Area]:
    """One area for each line: boxes of single characters would tell their widths. `margin`: how far each was grown."""
    lines: list[Area] = []
    for area in areas:
        if lines and _touches(lines[-1], area, margin):
            last = lines[-1]
            lines[-1] = (min(last[0], area[0]), min(last[1], area[1]), max(last[2], area[2]), max(last[3], area[3]))
        else:
            lines.append(area)
    return lines


def _touches(one: Area, other: Area, margin: float) -> bool:
    """True if two areas follow each other in one line, level or upright."""
    size = max(min(one[2] - one[0], one[3] - one[1]), min(other[2] - other[0], other[3] - other[1])) + 4 * margin
    level = min(one[3], other[3]) - max(one[1], other[1]) >= 0.5 * min(one[3] - one[1], other[3] - other[1])
    upright = min(one[2], other[2]) - max(one[0], other[0]) >= 0.5 * min(one[2] - one[0], other[2] - other[0])
    gap = max(other[0] - one[2], one[0] - other[2]) if level else max(other[1] - one[3], one[1] - other[3])
    return (level or upright) and gap <= size
