"""Windows, and batches of windows of like length; their order follows from the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldspan.predictors.model.encoding import Integers, WindowSize, pad_rows
from goldspan.predictors.windows import Window
from goldspan.training.models.labelling import IGNORED, Example, TokenRange

_POOL = 50
"""Batches whose windows are sorted by length together."""


@dataclass(frozen=True, slots=True)
class ExampleWindow:
    """One window of an example, as the model sees it. `wrapped`: with special tokens around it."""

    example: int
    window: Window
    wrapped: bool
    tokens: int


@dataclass(frozen=True, slots=True)
class MentionGroup:
    """The mentions of one row of a batch, in text order, as token ranges within the row."""

    row: int
    ranges: tuple[TokenRange, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Arrays of shape (rows, width); padding has the tag `IGNORED`, special tokens `O`. `tokens` counts real ones."""

    ids: Integers
    mask: Integers
    tags: Integers
    mention_tags: Integers
    mentions: tuple[MentionGroup, ...]
    tokens: int
    rows: tuple[int, ...]


def cut_examples(
    examples: Sequence[Example], size: WindowSize, *, bare: float = 0.0, seed: int = 0
) -> list[ExampleWindow]:
    """Every window of every example.

    `bare` is the share of windows without special tokens around them, as kiji's app cuts the later windows of a text;
    which ones follows from the seed.
    """
    draws = np.random.default_rng([seed, len(examples)])
    windows: list[ExampleWindow] = []
    for number, example in enumerate(examples):
        special = len(example.encoded.prefix) + len(example.encoded.suffix)
        for window in example.encoded.cut(size):
            wrapped = bool(draws.random() >= bare)
            windows.append(
                ExampleWindow(number, window, wrapped, window.end - window.start + (special if wrapped else 0))
            )
    return windows


def order_batches(
    windows: Sequence[ExampleWindow], size: int, *, seed: int, epoch: int, bucketed: bool = True
) -> list[tuple[int, ...]]:
    """The batches of an epoch as window numbers.

    With `bucketed`, windows of like length stand together: they are shuffled, sorted by length within pools of
    50 batches, cut into batches, and the batches are shuffled.
    """
    draws = np.random.default_rng([seed, epoch])
    order = draws.permutation(len(windows)).tolist()
    if bucketed:
        pool = size * _POOL
        chunks = (order[start : start + pool] for start in range(0, len(order), pool))
        order = [number for chunk in chunks for number in sorted(chunk, key=lambda n: windows[n].tokens)]
    batches = [tuple(order[start : start + size]) for start in range(0, len(order), size)]
    return [batches[number] for number in draws.permutation(len(batches)).tolist()]


def build_batch(
    examples: Sequence[Example], windows: Sequence[ExampleWindow], numbers: Sequence[int], pad: int = 0
) -> Batch:
    """The batch of these windows."""
    rows, tags, mention_tags, groups = [], [], [], []
    for row, number in enumerate(numbers):
        one = windows[number]
        example = examples[one.example]
        window, encoded = one.window, example.encoded
        before = len(encoded.prefix) if one.wrapped else 0
        after = len(encoded.suffix) if one.wrapped else 0
        inner = slice(window.start, window.end)
        rows.append(encoded.wrap(window) if one.wrapped else encoded.ids[inner])
        tags.append(_surround(example.tags[inner], before, after))
        mention_tags.append(_surround(example.mention_tags[inner], before, after))
        ranges = tuple(
            TokenRange(m.first - window.start + before, m.last - window.start + before, m.cluster, m.place)
            for m in example.mentions
            if m.first >= window.start and m.last <= window.end
        )
        if len(ranges) > 1:
            groups.append(MentionGroup(row, ranges))
    ids, mask = pad_rows(rows, pad)
    width = ids.shape[1]
    return Batch(
        ids,
        mask,
        np.stack([_fill(row, width) for row in tags]),
        np.stack([_fill(row, width) for row in mention_tags]),
        tuple(groups),
        int(mask.sum()),
        tuple(numbers),
    )


def count_tokens(windows: Sequence[ExampleWindow]) -> int:
    """Tokens of one epoch, special ones included."""
    return sum(window.tokens for window in windows)


def _surround(tags: Integers, before: int, after: int) -> Integers:
    return np.concatenate([np.zeros(before, dtype=np.int64), tags, np.zeros(after, dtype=np.int64)])


def _fill(tags: Integers, width: int) -> Integers:
    return np.concatenate([tags, np.full(width - len(tags), IGNORED)])
