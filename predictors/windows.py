"""Long texts in overlapping windows, so that nothing is cut off in silence.

Each position is read by the window in which it stands farthest from a cut: near a cut a reader lacks context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from goldspan.annotation.types import Entity, sort_spans

_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch `[start, end)` to be read in one go, in characters or tokens.

    `first` and `last` say whether it begins or ends with the whole, where nothing was cut.
    """

    start: int
    end: int
    first: bool
    last: bool

    def measure_margin(self, start: int, end: int) -> float:
        """How far a stretch lies from the nearer cut of this window; infinite where there is none."""
        before = float("inf") if self.first else float(start - self.start)
        after = float("inf") if self.last else float(self.end - end)
        return min(before, after)


def split_range(length: int, size: int, overlap: int) -> tuple[Window, ...]:
    """Windows of at most `size` over `[0, length)`; neighbours share `overlap`. Nothing for length 0.

    Raises:
        ValueError: the overlap is not smaller than the size.
    """
    _check_sizes(size, overlap)
    windows: list[Window] = []
    start = 0
    while start < length:
        end = min(start + size, length)
        windows.append(Window(start, end, start == 0, end == length))
        if end == length:
            break
        start = end - overlap
    return tuple(windows)


def split_text(text: str, size: int, overlap: int) -> tuple[Window, ...]:
    """Windows of at most `size` characters over a text that begin and end at white space where there is some.

    Neighbours share at most `overlap` characters and at least half of that, less when there is no white space.

    Raises:
        ValueError: the overlap is not smaller than the size.
    """
    _check_sizes(size, overlap)
    windows: list[Window] = []
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            end = _find_space_before(text, max(start + overlap + 1, end - (size - overlap) // 2), end)
        windows.append(Window(start, end, start == 0, end == len(text)))
        if end == len(text):
            break
        start = _find_space_after(text, max(end - overlap, start + 1), max(end - overlap // 2, start + 1))
    return tuple(windows)


def merge_readings(readings: Iterable[tuple[Window, Sequence[Entity]]]) -> tuple[Entity, ...]:
    """The entities of all windows as one reading, in text order; offsets are those of the whole text.

    An entity that several windows found counts once. Where windows disagree (their entities overlap but differ) the
    entity farther from its window's cut stays; what one window reads, nested entities too, stays as it is.
    """
    found: dict[tuple[int, int, str], tuple[float, int, Entity]] = {}
    for number, (window, entities) in enumerate(readings):
        for entity in entities:
            margin = window.measure_margin(entity.start, entity.end)
            key = (entity.start, entity.end, entity.label)
            if key not in found or margin > found[key][0]:
                found[key] = (margin, number, entity)
    kept: list[tuple[int, Entity]] = []
    for _, number, entity in sorted(found.values(), key=lambda item: (-item[0], item[1], item[2].span)):
        if not any(number != other and _overlaps(entity, rival) for other, rival in kept):
            kept.append((number, entity))
    return sort_spans(entity for _, entity in kept)


def choose_windows(windows: Sequence[Window]) -> tuple[tuple[int, int, Window], ...]:
    """Parts `(start, end, window)` that tile the whole: each position goes to the window it is most central in."""
    borders = [0, *((one.end + other.start) // 2 for one, other in pairwise(windows))]
    ends = [*borders[1:], windows[-1].end] if windows else []
    return tuple(zip(borders, ends, windows, strict=False))


def _check_sizes(size: int, overlap: int) -> None:
    if not 0 <= overlap < size:
        raise ValueError(f"An overlap of {overlap} does not fit a window of {size}; it must be smaller.")


def _find_space_before(text: str, low: int, high: int) -> int:
    for position in range(high, low - 1, -1):
        if _SPACE.match(text, position - 1) or _SPACE.match(text, position):
            return position
    return high


def _find_space_after(text: str, low: int, high: int) -> int:
    for position in range(low, high + 1):
        if position == 0 or _SPACE.match(text, position - 1):
            return position
    return low


def _overlaps(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end
