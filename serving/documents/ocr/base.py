"""What every OCR engine gives: the words of a picture with their boxes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldspan.serving.documents.pdf.areas import Area, join_lines

if TYPE_CHECKING:
    from PIL.Image import Image

UNSURE = 0.5
"""Words that are read with less confidence than this are covered whatever they say."""


@dataclass(frozen=True, slots=True)
class OcrWord:
    """A word and its box in pixels: left, top, right, bottom. `confidence` is 0 to 1."""

    text: str
    box: Area
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class OcrPage:
    """The lines of a picture of `width` × `height` pixels, in reading order."""

    lines: tuple[tuple[OcrWord, ...], ...]
    width: int
    height: int

    @property
    def text(self) -> str:
        """The words of a line apart by spaces, the lines by line breaks."""
        return "\n".join(" ".join(word.text for word in line) for line in self.lines)

    def locate(self) -> Iterator[tuple[int, int, OcrWord]]:
        """Each word with its place in `text`."""
        start = 0
        for line in self.lines:
            for word in line:
                yield start, start + len(word.text), word
                start += len(word.text) + 1
            if not line:
                start += 1

    def find_areas(self, start: int, end: int) -> list[Area]:
        """Boxes of the words that a span touches, one for each line, grown by an eighth of their height."""
        words = [word for begin, stop, word in self.locate() if begin < end and start < stop]
        return join_lines([_grow(word.box) for word in words], 2)

    def list_unsure(self) -> list[Area]:
        """Boxes of words whose reading is in doubt."""
        return [_grow(word.box) for line in self.lines for word in line if word.confidence < UNSURE]


class OcrEngine(ABC):
    """Reads pictures. Calls may come from any thread, one at a time."""

    name: str

    @abstractmethod
    def read(self, picture: Image) -> OcrPage:
        """The words of an RGB picture.

        Raises:
            ServiceError: the engine failed or gave no answer.
        """


def order_lines(lines: Sequence[Sequence[OcrWord]], width: int, height: int) -> OcrPage:
    """A page of lines that an engine gives in reading order; empty words and lines are left out."""
    kept = (tuple(word for word in line if word.text.strip()) for line in lines)
    return OcrPage(tuple(line for line in kept if line), width, height)


def _grow(box: Area) -> Area:
    margin = max(2.0, 0.12 * min(box[2] - box[0], box[3] - box[1]))
    return box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
