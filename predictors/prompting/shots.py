"""Choose examples for a text from a pool of samples: at random, by likeness, or so that many labels are shown.

Every choice is a function of the pool, the text and the seed, so that a request that was answered is found again.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.identity import digest
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Sample
from goldspan.predictors.embedding import Vectors

LONGEST_SHOT = 2_000
"""Characters; longer samples are not used as examples."""
_GRAM = 4


class Selection(StrEnum):
    """How examples are chosen: `per-label` shows as many labels as possible, `similar` counts common n-grams,
    `embedding` compares meanings.
    """

    PER_LABEL = "per-label"
    SIMILAR = "similar"
    EMBEDDING = "embedding"
    RANDOM = "random"


class Embedder(Protocol):
    """Gives each text a vector of length 1, as `predictors.embedding.TextEmbedder` does."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (texts, size)."""


class ShotPool:
    """Samples to take examples from. Those without an annotation, and long ones, are left out."""

    def __init__(
        self,
        samples: Sequence[Sample],
        selection: str = Selection.PER_LABEL,
        seed: int = 0,
        embedder: Embedder | None = None,
    ) -> None:
        self._samples = tuple(sorted((s for s in samples if is_usable(s)), key=lambda s: (s.sample_id, s.text)))
        self._seed = seed
        self._choose = _CHOICES[check_selection(selection)]
        texts = [s.text for s in self._samples]
        self._index: _GramIndex | _MeaningIndex | None = None
        if selection == Selection.SIMILAR:
            self._index = _GramIndex(texts)
        elif selection == Selection.EMBEDDING:
            if embedder is None:
                raise ConfigurationError("The selection embedding needs the option embedder: the folder of an encoder.")
            self._index = _MeaningIndex(embedder, texts)

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def digest(self) -> str:
        """Changes with the samples and with their annotations."""
        return digest(
            [[s.sample_id, s.text, render_tagged(s.text, s.best.entities if s.best else ())] for s in self._samples]
        )

    def choose(self, text: str, language: str, number: int) -> tuple[Sample, ...]:
        """At most `number` examples for a text, the most useful one last. The text itself is never one.

        Examples of the text's language come first; others only where there are too few.
        """
        own = [place for place, sample in enumerate(self._samples) if sample.text != text]
        same = [place for place in own if self._samples[place].language == language]
        chosen = self._choose(self, text, same, number)
        if len(chosen) < number:
            rest = [place for place in own if self._samples[place].language != language]
            chosen += self._choose(self, text, rest, number - len(chosen))
        return tuple(self._samples[place] for place in reversed(chosen))

    def _draw(self, text: str, places: Sequence[int], number: int) -> list[int]:
        ranked = sorted(places, key=lambda place: digest([self._seed, text, self._samples[place].sample_id]))
        return ranked[:number]

    def _cover_labels(self, _: str, places: Sequence[int], number: int) -> list[int]:
        """Greedy cover: each example adds as many labels as possible that no earlier one has."""
        labels = {place: _list_labels(self._samples[place]) for place in places}
        chosen: list[int] = []
        shown: set[str] = set()
        while labels and len(chosen) < number:
            best = min(labels, key=lambda p: (-len(labels[p] - shown), -len(labels[p]), self._samples[p].sample_id))
            shown |= labels.pop(best)
            chosen.append(best)
        return chosen

    def _find_similar(self, text: str, places: Sequence[int], number: int) -> list[int]:
        scores = self._index.score(text) if self._index else {}
        return sorted(places, key=lambda p: (-scores.get(p, 0.0), self._samples[p].sample_id))[:number]


_CHOICES: Mapping[Selection, Callable[[ShotPool, str, Sequence[int], int], list[int]]] = MappingProxyType(
    {
        Selection.PER_LABEL: ShotPool._cover_labels,
        Selection.SIMILAR: ShotPool._find_similar,
        Selection.EMBEDDING: ShotPool._find_similar,
        Selection.RANDOM: ShotPool._draw,
    }
)


class _MeaningIndex:
    """Likeness of texts: cosine of their embeddings."""

    def __init__(self, embedder: Embedder, texts: Sequence[str]) -> None:
        self._embedder = embedder
        self._vectors = embedder.embed(texts) if texts else None

    def score(self, text: str) -> dict[int, float]:
        """The likeness to each text, by place."""
        if self._vectors is None:
            return {}
        [vector] = self._embedder.embed([text])
        return dict(enumerate((self._vectors @ vector).tolist()))


class _GramIndex:
    """Likeness of texts: cosine of their character 4-grams, weighted by inverse document frequency.

    tf is 1 + ln(count), idf is ln(documents / documents with the gram) + 1 (Manning, Raghavan, Schütze, Introduction
    to Information Retrieval, 6.2–6.4).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counted = [_count_grams(text) for text in texts]
        frequency = Counter(gram for counts in counted for gram in counts)
        self._idf = {gram: math.log(len(texts) / found) + 1 for gram, found in frequency.items()}
        self._postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, counts in enumerate(counted):
            for gram, weight in self._weigh(counts).items():
                self._postings[gram].append((place, weight))

    def score(self, text: str) -> dict[int, float]:
        """The likeness to each text that shares a gram, by place."""
        scores: defaultdict[int, float] = defaultdict(float)
        for gram, weight in self._weigh(_count_grams(text)).items():
            for place, other in self._postings.get(gram, ()):
                scores[place] += weight * other
        return scores

    def _weigh(self, counts: Counter[str]) -> dict[str, float]:
        weights = {g: (1 + math.log(n)) * self._idf[g] for g, n in counts.items() if g in self._idf}
        norm = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {gram: weight / norm for gram, weight in weights.items()}


def check_selection(name: str) -> Selection:
    """The way to choose examples that a name stands for.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in set(Selection):
        raise ConfigurationError(f"The option selection is {', '.join(Selection)}, not {name[:40]!r}.")
    return Selection(name)


def is_usable(sample: Sample) -> bool:
    """True if a sample can be an example: it has an annotation and is short enough."""
    return sample.best is not None and len(sample.text) <= LONGEST_SHOT


def _list_labels(sample: Sample) -> set[str]:
    return {entity.label for entity in sample.best.entities} if sample.best else set()


def _count_grams(text: str) -> Counter[str]:
    folded = f" {text.casefold()} "
    return Counter(folded[place : place + _GRAM] for place in range(max(1, len(folded) - _GRAM + 1)))
