"""Mask or restore a text that arrives in pieces, for gateways in front of language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import splits_word_at
from goldspan.annotation.types import Annotation, Entity
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import Ledger
from goldspan.masking.mask import Masker
from goldspan.masking.repeats import IDENTIFIER
from goldspan.masking.restore import make_ledger, restore_text
from goldspan.masking.result import FoundSpan

HOLD = 200
"""Characters held back at the end: an entity that is not complete yet must not be given out."""

CONTEXT = 400
"""Characters before the held text that the predictor reads again."""

_NEAR = 4
"""Characters between two entities that may belong together, such as ` J. `."""

LIMIT = 65_536
"""Characters held at most; a text that is one word for so long has no safe boundary."""


_UNSPACED = regex.compile(
    r"(?:[\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]|[\u3000-\u303f\uff01\uff0c\uff1f])(?!\p{M})"
)
"""Letters and marks of scripts without spaces, after which a text can be cut."""


class StreamMasker:
    """Masks the pieces of one text; joined, what `feed` and `finish` give is the masked text.

    Text is given out up to a border between words that lies `hold` characters or more before the end and in no entity:
    no entity of up to `hold` characters is cut, and at most about `2 * hold` characters wait, or the words and entities
    that are longer. A value that was masked once is masked wherever it stands later. Replacements agree over the whole
    stream. After an error, nothing more comes out.
    """

    def __init__(self, masker: Masker, language: str = "", country: str = "", hold: int = HOLD) -> None:
        self._masker = masker.begin_conversation()
        self._language, self._country, self._hold = language, country, hold
        self._given = self._held = ""
        self._due = 2 * hold
        self._masked: dict[str, FoundSpan] = {}
        self._failed = self._finished = False

    async def feed(self, piece: str) -> str:
        """Take a piece of text; returns the masked text that is safe now, often nothing.

        Raises:
            MaskingError: the stream failed or ended before, or there is no safe boundary.
            ServiceError: the predictor did not answer.
        """
        self._check()
        self._held += piece
        if len(self._held) < self._due:
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
        spans = self._masker.find(text, annotation, self._country, self._masked)
        cut = len(text) if final else self._find_boundary(text, _join_near(spans))
        if cut <= len(before):
            if len(self._held) > LIMIT:
                raise MaskingError(f"There is no safe boundary in {LIMIT:,} characters of the stream.")
            self._due = len(self._held) + max(self._hold, len(self._held) // 4)
            self._failed = False
            return ""
        given = [span for span in spans if span.source != IDENTIFIER]
        part = _cut(annotation, given, len(before), cut)
        known = self._masked | {text[span.start : span.end]: span for span in given}
        masked = self._masker.apply(text[len(before) : cut], part, self._language, self._country, known).text
        self._masked |= {
            text[span.start : span.end]: span for span in given if len(before) <= span.start < span.end <= cut
        }
        self._given, self._held = text[:cut], text[cut:]
        self._due = max(2 * self._hold, len(self._held) + 1)
        self._failed = False
        return masked

    def _find_boundary(self, text: str, spans: list[tuple[int, int]]) -> int:
        """The last border between words at least `hold` before the end that is in no span; 0 if there is none.

        A border is white space, or what stands between letters that are written without spaces.
        """
        cut = len(text) - self._hold
        while cut > 0:
            inside = next(((start, end) for start, end in spans if start < cut < end), None)
            if inside:
                cut = inside[0]
            elif text[cut - 1].isspace() or _UNSPACED.match(text, cut - 1):
                return cut
            else:
                cut -= 1
        return 0


class StreamRestorer:
    """Takes the pieces of one masked text back to the original; joined, what comes out is what `restore_text` gives.

    Text is held back for the length of the longest replacement, and from a bracket on that is not closed.
    """

    def __init__(self, mapping: Mapping[str, str] | Ledger, key: MaskingKey | None = None) -> None:
        self._ledger, self._key = mapping if isinstance(mapping, Ledger) else make_ledger(mapping), key
        self._hold = max(map(len, self._ledger.list_values()), default=0) + 1
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take a piece of text; returns the restored text that is safe now, often nothing."""
        self._held += piece
        cut = max(len(self._held) - self._hold, 0)
        opened = self._held.rfind("[", max(cut - LIMIT, 0))
        if opened >= 0 and "]" not in self._held[opened:]:
            cut = min(cut, opened)
        places = list(self._ledger.find_replacements(self._held[: cut + self._hold]))
        while cut and (splits_word_at(self._held, cut) or any(start < cut < end for start, end in places)):
            cut -= 1
        return self._release(cut)

    def finish(self) -> str:
        """The rest of the restored text."""
        return self._release(len(self._held))

    def _release(self, cut: int) -> str:
        part, self._held = self._held[:cut], self._held[cut:]
        return restore_text(part, self._ledger, self._key).text


def _join_near(spans: Sequence[FoundSpan]) -> list[tuple[int, int]]:
    """The stretches of the spans, as one where little stands between: a first name and its surname belong together."""
    joined: list[tuple[int, int]] = []
    for span in spans:
        if joined and span.start - joined[-1][1] <= _NEAR:
            joined[-1] = (joined[-1][0], span.end)
        else:
            joined.append((span.start, span.end))
    return joined


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
