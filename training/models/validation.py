"""Strict scores of the network on held-out examples, with the decoder that serving uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.strict import score_strict
from goldspan.predictors.model.decode import DecodingOptions, decode_entities
from goldspan.predictors.model.encoding import WindowSize
from goldspan.predictors.model.runtime import TextOutputs
from goldspan.training.models.device import Device
from goldspan.training.models.inference import run_network
from goldspan.training.models.labelling import Example
from goldspan.training.models.network import SpanNetwork


@dataclass(frozen=True, slots=True)
class Validation:
    """Strict micro scores over all labels, 0 to 1."""

    precision: float
    recall: float
    f1: float


def validate(
    network: SpanNetwork,
    examples: Sequence[Example],
    labels: LabelSchema,
    size: WindowSize,
    device: Device,
    pad: int = 0,
) -> Validation:
    """Run the network over the examples and score the entities strictly."""
    outputs = run_network(network, [example.encoded for example in examples], size, device, pad)
    return score_outputs(examples, outputs, labels, DecodingOptions())


def score_outputs(
    examples: Sequence[Example], outputs: Sequence[TextOutputs], labels: LabelSchema, options: DecodingOptions
) -> Validation:
    """Decode outputs and score them strictly."""
    predicted = decode_all(examples, outputs, labels, options)
    counts = reduce(add, score_strict([example.gold for example in examples], predicted).values(), SpanCounts())
    return Validation(counts.precision or 0.0, counts.recall or 0.0, counts.measure_f() or 0.0)


def decode_all(
    examples: Sequence[Example], outputs: Sequence[TextOutputs], labels: LabelSchema, options: DecodingOptions
) -> list[tuple[Entity, ...]]:
    """The entities of each example."""
    return [
        decode_entities(example.text, example.encoded, output.pii, labels.bio_table, options)
        for example, output in zip(examples, outputs, strict=True)
    ]
