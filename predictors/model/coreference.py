"""Who is meant: from scored pairs of mentions to clusters, and the two rules that a learned scorer has to beat.

A mention is resolved to one earlier mention (its antecedent) or to none. The learned scorer gives a pair (i, j) the
score `q_i · k_j / sqrt(size) + bias(features)`; no antecedent has score 0. Clusters are the connected mentions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.text.words import fold

KINDS = ("MENTION", "PRONOUN", "REFERENCE")
_DISTANCES = (1, 2, 3, 5, 8, 16, 32)
FEATURES = len(KINDS) ** 2 + len(_DISTANCES) + 1 + 4
"""Numbers of the features of a pair; see `describe_pairs`."""

SINGLE = -1
"""Stands for "no antecedent"."""


class MentionPlace(NamedTuple):
    """A mention that is to be resolved: half-open code points, its kind and its text."""

    start: int
    end: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PairScorer:
    """The learned part that stays outside the network: one weight a feature, and which method is used.

    `method` is `head`, `recent` (the most recent name), `exact` (the same text) or `none`.
    """

    method: str = "none"
    weights: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The scorer as it stands in a model directory."""
        return {"method": self.method, "weights": list(self.weights)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PairScorer:
        """A scorer from its JSON."""
        return cls(str(document["method"]), tuple(float(weight) for weight in document["weights"]))


def describe_pairs(places: Sequence[MentionPlace]) -> NDArray[np.int64]:
    """Feature numbers of each pair, of shape (mentions, mentions, 3): kinds, distance in mentions, agreement of text.

    Row i, column j describes the pair of mention i and its candidate j < i; other elements are without meaning.
    """
    count = len(places)
    kinds = np.array([KINDS.index(place.kind) if place.kind in KINDS else 0 for place in places], dtype=np.int64)
    order = np.arange(count)
    distance = np.searchsorted(_DISTANCES, np.abs(order[:, None] - order[None, :]), side="left")
    base = len(KINDS) ** 2
    features = np.zeros((count, count, 3), dtype=np.int64)
    features[..., 0] = kinds[:, None] * len(KINDS) + kinds[None, :]
    features[..., 1] = base + distance
    base += len(_DISTANCES) + 1
    texts = [fold(place.text) for place in places]
    same = np.equal.outer(_number(texts), _number(texts))
    names = kinds == 0
    agreement = np.where(_share_words(texts), np.where(names[:, None] & names[None, :], 2, 1), 0)
    features[..., 2] = base + np.where(same, 3, agreement)
    return features


def score_pairs(
    queries: NDArray[np.float32], keys: NDArray[np.float32], features: NDArray[np.int64], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Scores of shape (mentions, mentions); only candidates before the mention are finite."""
    content = queries @ keys.T / np.sqrt(queries.shape[1])
    table = np.asarray(weights, dtype=np.float32)
    scores = content + table[features].sum(axis=-1)
    before = np.tril(np.ones(scores.shape, dtype=bool), -1)
    result: NDArray[np.float32] = np.where(before, scores, -np.inf).astype(np.float32)
    return result


def choose_antecedents(scores: NDArray[np.float32]) -> list[int]:
    """The best candidate of each mention, or `SINGLE` where none scores above 0."""
    best = [int(row.argmax()) for row in scores]
    return [j if row[j] > 0 else SINGLE for j, row in zip(best, scores, strict=True)]


def resolve_recent(places: Sequence[MentionPlace]) -> list[int]:
    """The most recent name for pronouns and other references; for a name, the last one that shares a word with it."""
    antecedents = []
    newest, by_word = SINGLE, dict[str, int]()
    for number, place in enumerate(places):
        if place.kind != "MENTION":
            antecedents.append(newest)
            continue
        words = fold(place.text).split()
        antecedents.append(max((by_word.get(word, SINGLE) for word in words), default=SINGLE))
        by_word.update(dict.fromkeys(words, number))
        newest = number
    return antecedents


def resolve_exact(places: Sequence[MentionPlace]) -> list[int]:
    """The last earlier mention with the same text, ignoring case."""
    antecedents, newest = [], dict[str, int]()
    for number, place in enumerate(places):
        text = fold(place.text)
        antecedents.append(newest.get(text, SINGLE))
        newest[text] = number
    return antecedents


RULES: dict[str, Callable[[Sequence[MentionPlace]], list[int]]] = {"recent": resolve_recent, "exact": resolve_exact}


def number_clusters(antecedents: Sequence[int]) -> list[str]:
    """The cluster of each mention, numbered from 1 in text order; empty for a mention that stands alone."""
    heads: list[int] = []
    for number, antecedent in enumerate(antecedents):
        heads.append(number if antecedent == SINGLE else heads[antecedent])
    sizes = Counter(heads)
    numbers: dict[int, str] = {}
    for head in heads:
        if sizes[head] > 1:
            numbers.setdefault(head, str(len(numbers) + 1))
    return [numbers.get(head, "") for head in heads]


def _number(values: Sequence[str]) -> NDArray[np.int64]:
    """A number for each value, the same for the same value."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.int64)


def _share_words(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which pairs of texts have a word in common, of shape (texts, texts)."""
    split = [(row, word) for row, text in enumerate(texts) for word in text.split()]
    table = np.zeros((len(texts), len(split)), dtype=np.float32)
    table[[row for row, _ in split], _number([word for _, word in split])] = 1
    shared: NDArray[np.bool_] = table @ table.T > 0
    return shared
