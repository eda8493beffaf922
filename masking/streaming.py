"""Mask a text that arrives in pieces, for gateways in front of language models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.types import Annotation, Entity
from goldspan.masking.detection import FoundSpan
from goldspan.masking.mask import Masker

HOLD = 200
"""Characters held back at the end: an entity that is not complete yet must not be given out."""

CONTEXT = 400
"""Characters before the held text that the predictor reads again."""

LIMIT = 65_536
"""Characters held at most; a text without white space for so long has no safe boundary."""


class StreamMasker:
    """Masks the pieces of one text; joined, what `feed` and `finish` give is the masked text.

    Text is given out up to a white space that lies `hold` characters or more before the end and in no entity: no
    entity of up to `hold` characters is cut. Replacements agree over the whole stream. After an error, nothing more
    comes out.
    """

    def __init__(self, masker: Masker, language: str = "", country: str = "", hold: int = HOLD) -> None:
        self._masker = masker.share_replacements()
        self._language, self._country, self._hold = language, country, hold
        self._given = self._held = ""
        self._failed = self._finished = False

    async def feed(self, piece: str) -> str:
        """Take a piece of text; returns the masked text that is safe now, often nothing.

        Raises:
            MaskingError: the stream failed or ended before, or there is no safe boundary.
            ServiceError: the predictor did not answer.

        """
        self._check()
        self._held += piece
        if len(self._held) < 2 * self._hold:
            return ""
        return await self._release(final=False)

    async def finish(self) -> str:
        """The rest of the masked text.

        Raises:
            MaskingError: the stream failed or ended before.
            ServiceError: the predictor did not answer.

        """
        self._check()
        rest = await self._release(final=True)
        self._finished = True
        return rest

    def _check(self) -> None:
        if self._failed or self._finished:
            raise MaskingError("The stream has ended; nothing more can be masked in it.")

    async def _release(self, *, final: bool) -> str:
        self._failed = True
        before = self._given[-CONTEXT:]
        text = before + self._held
        annotation = await self._masker.read(text, self._language, self._country)
        spans = self._masker.find(text, annotation, self._country)
        cut = len(text) if final else self._find_boundary(text, [(span.start, span.end) for span in spans])
        if cut <= len(before):
            if len(self._held) > LIMIT:
                raise MaskingError(f"There is no safe boundary in {LIMIT:,} characters of the stream.")
            self._failed = False
            return ""
        part = _cut(annotation, spans, len(before), cut)
        masked = self._masker.apply(text[len(before) : cut], part, self._language, self._country).text
        self._given, self._held = text[:cut], text[cut:]
        self._failed = False
        return masked

    def _find_boundary(self, text: str, spans: list[tuple[int, int]]) -> int:
        """The last white space at least `hold` before the end that is in no span; 0 if there is none."""
        cut = len(text) - self._hold
        while cut > 0:
            inside = next(((start, end) for start, end in spans if start < cut < end), None)
            if inside:
                cut = inside[0]
            elif text[cut - 1].isspace():
                return cut
            else:
                cut -= 1
        return 0


def _cut(annotation: Annotation, spans: Sequence[FoundSpan], start: int, end: int) -> Annotation:
    """What of an annotation lies in `[start, end)`, with offsets of that stretch; the spans are its entities."""
    entities = tuple(
        Entity(max(span.start, start) - start, span.end - start, span.label)
        for span in spans
        if start < span.end <= end
    )
    mentions = tuple(
        replace(mention, start=mention.start - start, end=mention.end - start)
        for mention in annotation.mentions
        if start <= mention.start and mention.end <= end
    )
    return replace(annotation, entities=entities, mentions=mentions)
