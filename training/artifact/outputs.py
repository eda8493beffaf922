"""The outputs of a served graph on gold texts: computed once, read by calibration, parity and coreference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from goldspan.annotation.types import Annotation, Entity, Sample
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.strict import score_strict
from goldspan.predictors.model.decode import DecodingOptions, decode_entities
from goldspan.predictors.model.encoding import EncodedText, WindowSize
from goldspan.predictors.model.runtime import OnnxRuntime, TextOutputs


@dataclass(frozen=True, slots=True)
class GoldOutputs:
    """Texts with gold and with the graph's outputs, each in one order."""

    texts: tuple[str, ...]
    gold: tuple[Annotation, ...]
    encoded: tuple[EncodedText, ...]
    outputs: tuple[TextOutputs, ...]
    tags: tuple[str, ...]

    @property
    def is_finite(self) -> bool:
        """False where the graph gave NaN or infinite values for a text."""
        return all(np.isfinite(array).all() for output in self.outputs for array in output)

    def decode(self, options: DecodingOptions) -> list[tuple[Entity, ...]]:
        """The entities of each text."""
        return [
            decode_entities(text, one, output.pii, self.tags, options)
            for text, one, output in zip(self.texts, self.encoded, self.outputs, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Strict scores by label, and the share of gold entities that are not covered whole (`leakage`)."""

    by_label: dict[str, SpanCounts]
    leakage: float

    @property
    def micro(self) -> SpanCounts:
        """Counts over all labels."""
        return reduce(add, self.by_label.values(), SpanCounts())

    @property
    def f1(self) -> float:
        """Strict micro F1; 0 where it is not defined."""
        return self.micro.measure_f() or 0.0


def run_graph(
    model: bytes, tokenizer: bytes, samples: Sequence[Sample], tags: Sequence[str], size: WindowSize
) -> GoldOutputs:
    """Run a graph over samples that have an annotation; values that are not finite give no warnings here."""
    kept = [(sample, sample.best) for sample in samples if sample.best is not None]
    runtime = OnnxRuntime(model, tokenizer, size, name="in training")
    texts = tuple(sample.text for sample, _ in kept)
    encoded = runtime.encode(texts)
    with np.errstate(invalid="ignore"):
        outputs = tuple(runtime.run(encoded))
    return GoldOutputs(texts, tuple(best for _, best in kept), tuple(encoded), outputs, tuple(tags))


def score_predictions(data: GoldOutputs, predicted: Sequence[Sequence[Entity]]) -> SpanScores:
    """Score entities against gold."""
    gold = [annotation.entities for annotation in data.gold]
    return SpanScores(score_strict(gold, predicted), measure_leakage(data.texts, gold, predicted))


def measure_leakage(
    texts: Sequence[str], gold: Sequence[Sequence[Entity]], predicted: Sequence[Sequence[Entity]]
) -> float:
    """The share of gold entities with a letter or digit that no predicted entity covers; 0 without gold."""
    leaked = total = 0
    for text, golds, found in zip(texts, gold, predicted, strict=True):
        covered = np.zeros(len(text), dtype=bool)
        for entity in found:
            covered[entity.start : entity.end] = True
        covered |= np.fromiter((not letter.isalnum() for letter in text), dtype=bool, count=len(text))
        leaked += sum(not covered[entity.start : entity.end].all() for entity in golds)
        total += len(golds)
    return leaked / total if total else 0.0
