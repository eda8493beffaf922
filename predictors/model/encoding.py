"""From a text to the tokens and windows that a token classifier sees; the same in training, evaluation and serving.

The whole text is encoded once and never truncated. Its tokens are cut into overlapping windows, each of which gets
the tokenizer's special tokens. Offsets are code points of the verbatim text, without white space at their edges:
byte-level and sentencepiece tokenizers count the leading blank into a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.text.words import splits_word_at, trim_span
from goldspan.predictors.windows import Window, split_range

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Integers = NDArray[np.int64]
_UNKNOWN = ("<unk>", "[UNK]")


@dataclass(frozen=True, slots=True)
class WindowSize:
    """How texts are cut: at most `tokens` a window, special tokens included; neighbours share `overlap`."""

    tokens: int = 256
    overlap: int = 64

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.tokens - 2:
            raise ValueError(f"An overlap of {self.overlap} does not fit windows of {self.tokens} tokens.")


@dataclass(frozen=True, slots=True)
class EncodedText:
    """The tokens of one text, without special ones.

    `ids`, `starts`, `ends` and `words` have one element a token: its id, its half-open range in code points, and the
    number of its word. Words are numbered from 0; a word is never cut by the border of an entity.
    `prefix` and `suffix` are the ids of the special tokens around a window.
    """

    ids: Integers
    starts: Integers
    ends: Integers
    words: Integers
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, size: WindowSize) -> tuple[Window, ...]:
        """The windows over the tokens; none for a text without tokens."""
        return split_range(len(self), size.tokens - len(self.prefix) - len(self.suffix), size.overlap)

    def wrap(self, window: Window) -> Integers:
        """The ids of a window with the special tokens around it."""
        return np.array([*self.prefix, *self.ids[window.start : window.end], *self.suffix], dtype=np.int64)


def load_tokenizer(data: bytes) -> Tokenizer:
    """A tokenizer from the bytes of a `tokenizer.json`, without truncation and padding.

    A special token that stands in a text is encoded as the text that it is.

    Raises:
        ValueError: the bytes are not a tokenizer.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_buffer(data)
    except Exception as error:  # noqa: BLE001
        raise ValueError(f"not a tokenizer: {error}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def encode_texts(tokenizer: Tokenizer, texts: Sequence[str]) -> list[EncodedText]:
    """Encode texts whole, in their order.

    A Unigram model (XLM-R) has its special tokens among the pieces of its vocabulary: where one stands in a text, the
    token is unknown.
    """
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=True)
    encoded = [_build(text, encoding) for text, encoding in zip(texts, encodings, strict=True)]
    unknown = next((found for name in _UNKNOWN if (found := tokenizer.token_to_id(name)) is not None), None)
    if unknown is not None:
        special = [number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special]
        for one in encoded:
            one.ids[np.isin(one.ids, special)] = unknown
    return encoded


def pad_rows(rows: Sequence[Integers], pad: int = 0) -> tuple[Integers, Integers]:
    """Ids and attention mask of shape (rows, longest row)."""
    width = max(len(row) for row in rows)
    ids = np.full((len(rows), width), pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def _build(text: str, encoding: object) -> EncodedText:
    ids: list[int] = encoding.ids  # type: ignore[attr-defined]
    special: list[int] = encoding.special_tokens_mask  # type: ignore[attr-defined]
    offsets: list[tuple[int, int]] = encoding.offsets  # type: ignore[attr-defined]
    first = next((place for place, flag in enumerate(special) if not flag), len(ids))
    last = len(ids) - next((place for place, flag in enumerate(reversed(special)) if not flag), 0)
    if first == len(ids):
        half = (len(ids) + 1) // 2
        empty = np.zeros(0, dtype=np.int64)
        return EncodedText(empty, empty, empty, empty, tuple(ids[:half]), tuple(ids[half:]))
    trimmed = [trim_span(text, start, end) for start, end in offsets[first:last]]
    starts = np.array([start for start, _ in trimmed], dtype=np.int64)
    ends = np.array([end for _, end in trimmed], dtype=np.int64)
    words = _number_words(text, starts, ends)
    return EncodedText(
        np.array(ids[first:last], dtype=np.int64), starts, ends, words, tuple(ids[:first]), tuple(ids[last:])
    )


def _number_words(text: str, starts: Integers, ends: Integers) -> Integers:
    words = np.zeros(len(starts), dtype=np.int64)
    for place in range(1, len(starts)):
        start, before = int(starts[place]), int(ends[place - 1])
        inside = start < before or (start == before and splits_word_at(text, start))
        words[place] = words[place - 1] + (not inside)
    return words
