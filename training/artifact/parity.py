"""Choose the smallest precision that is as good as fp32: strict F1, F1 of each label, and leakage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.annotation.types import Sample
from goldspan.predictors.model.decode import DecodingOptions
from goldspan.predictors.model.encoding import WindowSize
from goldspan.training.artifact.outputs import GoldOutputs, SpanScores, run_graph, score_predictions
from goldspan.training.artifact.quantise import FP32, PRECISIONS, quantise

MAX_F1_LOSS = 0.01
MAX_LABEL_LOSS = 0.03
MAX_LEAKAGE_GAIN = 0.002
LABEL_SUPPORT = 50
_NOT_FINITE = "it gives NaN or infinite values"


@dataclass(frozen=True, slots=True)
class ChosenGraph:
    """The graph that is served, its precision, its outputs on the gate's samples, and what was measured of each."""

    model: bytes
    precision: str
    outputs: GoldOutputs
    report: dict[str, Any]


def choose_precision(
    model: bytes,
    tokenizer: bytes,
    samples: Sequence[Sample],
    tags: Sequence[str],
    size: WindowSize,
    *,
    allowed: Sequence[str] = PRECISIONS,
) -> ChosenGraph:
    """Quantise step by step until the gate holds; fp32 always does.

    Args:
        model: the fp32 graph.
        tokenizer: `tokenizer.json`.
        samples: the validation split, with gold.
        tags: names of the tags by id.
        size: how texts are cut.
        allowed: precisions to try, in this order; fp32 comes last.

    Raises:
        StateError: the fp32 graph gives NaN or infinite values.
    """
    reference = run_graph(model, tokenizer, samples, tags, size)
    if not reference.is_finite:
        raise StateError(
            "The exported model gives NaN or infinite values for texts of the validation split. Train it again with a "
            "lower learning_rate."
        )
    scores = score_predictions(reference, reference.decode(DecodingOptions()))
    report: dict[str, Any] = {FP32: _describe(scores, model), "tried": []}
    for precision in (*(p for p in allowed if p != FP32),):
        smaller = quantise(model, precision)
        outputs = run_graph(smaller, tokenizer, samples, tags, size)
        if not outputs.is_finite:
            report["tried"].append({"precision": precision, "passed": False, "faults": [_NOT_FINITE]})
            continue
        found = score_predictions(outputs, outputs.decode(DecodingOptions()))
        faults = compare_scores(scores, found)
        report[precision] = _describe(found, smaller) | {"tags_alike": _measure_alike(reference, outputs)}
        report["tried"].append({"precision": precision, "passed": not faults, "faults": faults})
        if not faults:
            return ChosenGraph(smaller, precision, outputs, report | {"chosen": precision})
    return ChosenGraph(model, FP32, reference, report | {"chosen": FP32})


def compare_scores(reference: SpanScores, found: SpanScores) -> list[str]:
    """Why the gate does not hold; empty where it does."""
    if not reference.micro.gold:
        return ["the validation split has no entity to compare on"]
    faults = []
    if abs(loss := reference.f1 - found.f1) > MAX_F1_LOSS:
        faults.append(f"strict F1 differs by {loss:.4f}, at most {MAX_F1_LOSS} is allowed")
    for label, counts in reference.by_label.items():
        if counts.gold >= LABEL_SUPPORT:
            loss = (counts.measure_f() or 0.0) - (found.by_label[label].measure_f() or 0.0)
            if loss > MAX_LABEL_LOSS:
                faults.append(f"{label} loses {loss:.4f}, at most {MAX_LABEL_LOSS} is allowed")
    if (gain := found.leakage - reference.leakage) > MAX_LEAKAGE_GAIN:
        faults.append(f"leakage grows by {gain:.4f}, at most {MAX_LEAKAGE_GAIN} is allowed")
    return faults


def _describe(scores: SpanScores, model: bytes) -> dict[str, Any]:
    return {
        "f1": round(scores.f1, 4),
        "leakage": round(scores.leakage, 4),
        "entities": scores.micro.gold,
        "bytes": len(model),
    }


def _measure_alike(reference: GoldOutputs, other: GoldOutputs) -> float:
    same = total = 0
    for one, two in zip(reference.outputs, other.outputs, strict=True):
        if len(one.pii):
            same += int((one.pii.argmax(axis=1) == two.pii.argmax(axis=1)).sum())
            total += len(one.pii)
    return round(same / total, 4) if total else 1.0
