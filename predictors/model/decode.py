"""From logits to entities: the one decoder of training, evaluation, the ONNX runtime and serving.

1. Log-probabilities of a token are averaged over the windows that see it with enough context.
2. Temperature and a bias against `O` are applied (see `calibration`).
3. The best path of tags under the BIO rules is found over *words* (Viterbi): the tokens of a word get `B-X I-X I-X …`,
   `I-X …` or `O …` together, so that no entity begins or ends inside a word.
4. Each run of one label is an entity; its score is the mean probability of the label over its tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Entity
from goldspan.annotation.wording import format_count
from goldspan.predictors.model.encoding import EncodedText
from goldspan.predictors.windows import Window

Floats = NDArray[np.float32]
CONTEXT = 32
"""Tokens of context on both sides with which a window's judgement of a token counts."""

FORBIDDEN = -10000.0
"""Score of a transition that the BIO rules forbid, as `crf_transitions.json` holds it."""


@dataclass(frozen=True, slots=True)
class DecodingOptions:
    """How log-probabilities become entities.

    `temperature` divides the logits, `bias` is added to the logit of every tag but `O` (both in natural-log units),
    and entities whose score is below `threshold`, or below their label's own, are left out.
    """

    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def average_windows(length: int, windows: Sequence[Window], rows: Sequence[NDArray[np.float32]]) -> Floats:
    """One row a token from the rows of all windows, of shape (length, columns).

    Args:
        length: tokens of the text.
        windows: the windows over them.
        rows: for each window its values, of shape (tokens of the window, columns).

    A window counts for a token that it sees with `CONTEXT` tokens on both sides (the text's own ends count as
    enough); a token for which there is no such window goes to the window that sees most around it.
    """
    if len(windows) == 1:
        return np.asarray(rows[0], dtype=np.float32)
    margins = [_measure_margins(window) for window in windows]
    best = np.zeros(length)
    for window, margin in zip(windows, margins, strict=True):
        part = best[window.start : window.end]
        np.maximum(part, margin, out=part)
    enough = np.minimum(best, CONTEXT)
    counts = np.zeros(length, dtype=np.float32)
    total = np.zeros((length, rows[0].shape[-1]), dtype=np.float32)
    for window, margin, values in zip(windows, margins, rows, strict=True):
        taken = margin >= enough[window.start : window.end]
        total[window.start : window.end][taken] += values[taken]
        counts[window.start : window.end] += taken
    averaged: Floats = total / counts[:, None]
    return averaged


def _measure_margins(window: Window) -> NDArray[np.float64]:
    """The tokens that a window sees on the narrower side of each of its tokens; the text's own ends are no limit."""
    places = np.arange(window.end - window.start, dtype=float)
    before = np.full(places.shape, np.inf) if window.first else places
    after = np.full(places.shape, np.inf) if window.last else places[::-1]
    margins: NDArray[np.float64] = np.minimum(before, after)
    return margins


def decode_entities(
    text: str, encoded: EncodedText, logits: Floats, tags: Sequence[str], options: DecodingOptions
) -> tuple[Entity, ...]:
    """The entities of one text, in text order and without overlap.

    Args:
        text: the verbatim text.
        encoded: its tokens.
        logits: averaged logits or log-probabilities, of shape (tokens, tags).
        tags: names of the tags, `O` first, then `B-X`, `I-X` for each label.
        options: how to decode.

    Raises:
        ServiceError: logits are NaN or infinite: that the model finds nothing may not be read from them.
    """
    if not len(encoded):
        return ()
    if not np.less(logits, np.inf).all():
        raise ServiceError(
            f"The model gave NaN or infinite values for a text of {format_count(len(encoded), 'token')}."
        )
    scaled = log_softmax(np.asarray(logits, dtype=np.float32) / np.float32(options.temperature))
    biased = scaled.copy()
    biased[:, 1:] += np.float32(options.bias)
    path = find_path(score_words(biased, encoded.words))
    names = [tag[2:] for tag in tags[1::2]]
    probabilities = np.exp(scaled)
    entities: list[Entity] = []
    for first, last, label in read_runs(path):
        begin, stop = find_tokens(encoded, first, last)
        start, end = trim_span(text, int(encoded.starts[begin]), int(encoded.ends[stop - 1]))
        columns = probabilities[begin:stop, 2 * label + 1 : 2 * label + 3]
        score = float(columns.sum(axis=1).mean())
        name = names[label]
        if start < end and score >= options.thresholds.get(name, options.threshold):
            entities.append(Entity(start, end, name, score=round(min(score, 1.0), 4)))
    return tuple(entities)


def find_tokens(encoded: EncodedText, first: int, last: int) -> tuple[int, int]:
    """The half-open range of the tokens of the words from `first` to before `last`."""
    begin, stop = np.searchsorted(encoded.words, (first, last)).tolist()
    return begin, stop


def measure_certainty(logits: Floats, temperature: float = 1.0) -> list[float]:
    """The probability of each token's likeliest tag; `logits` of shape (tokens, tags)."""
    if not len(logits):
        return []
    best: list[float] = np.exp(log_softmax(np.asarray(logits, dtype=np.float32) / temperature).max(axis=1)).tolist()
    return best


def score_words(logs: Floats, words: NDArray[np.int64]) -> Floats:
    """Scores of each word's tags, of shape (words, tags): the sum over its tokens under the BIO rules.

    `B-X` is `B-X` on the first token and `I-X` on the others; `I-X` and `O` are the same tag on all of them.
    """
    first = np.flatnonzero(np.diff(words, prepend=-1))
    summed: Floats = np.add.reduceat(logs, first, axis=0)
    summed[:, 1::2] = summed[:, 2::2] - logs[first, 2::2] + logs[first, 1::2]
    return summed


def find_path(scores: Floats) -> list[int]:
    """The tags of the best path that keeps the BIO rules (Viterbi); `scores` is of shape (steps, tags).

    `I-X` may only follow `B-X` or `I-X`. Where the best tag of each step already makes such a path, it is that path.
    """
    greedy: list[int] = scores.argmax(axis=1).tolist()
    if all(tag == 0 or tag % 2 or before in (tag, tag - 1) for before, tag in zip([0, *greedy], greedy, strict=False)):
        return greedy
    steps, width = scores.shape
    begin, inside = np.arange(1, width, 2), np.arange(2, width, 2)
    best = scores[0].astype(np.float64).copy()
    best[inside] = -np.inf
    back = np.zeros((steps, width), dtype=np.int64)
    reached = np.empty(width)
    for step in range(1, steps):
        source = int(best.argmax())
        goes_on = best[2::2] >= best[1::2]
        back[step] = source
        back[step, 2::2] = np.where(goes_on, inside, begin)
        reached.fill(best[source])
        reached[2::2] = np.maximum(best[2::2], best[1::2])
        best = reached + scores[step]
    path = [int(best.argmax())]
    for step in range(steps - 1, 0, -1):
        path.append(int(back[step, path[-1]]))
    return path[::-1]


def read_runs(path: Sequence[int]) -> list[tuple[int, int, int]]:
    """`(first step, step behind the last, label number)` of each run; tag 2n+1 begins label n, tag 2n+2 goes on."""
    runs: list[tuple[int, int, int]] = []
    for step, tag in enumerate(path):
        if tag == 0:
            continue
        label = (tag - 1) // 2
        if tag % 2 == 0 and runs and runs[-1][1] == step and runs[-1][2] == label:
            runs[-1] = (runs[-1][0], step + 1, label)
        else:
            runs.append((step, step + 1, label))
    return runs


def make_transitions(tags: Sequence[str]) -> dict[str, list[float] | list[list[float]]]:
    """`crf_transitions.json` as kiji's app reads it: 0 where the BIO rules allow a step, `FORBIDDEN` elsewhere."""
    starts = [FORBIDDEN if tag.startswith("I-") else 0.0 for tag in tags]
    rows = [[FORBIDDEN if tag.startswith("I-") and before[2:] != tag[2:] else 0.0 for tag in tags] for before in tags]
    return {"transitions": rows, "start_transitions": starts, "end_transitions": [0.0] * len(tags)}
