"""Calibration on the validation split: temperature, reliability, operating points, thresholds per label.

Temperature scaling: Guo et al. 2017, "On Calibration of Modern Neural Networks". The expected calibration error has 15
bins of equal width over the tokens whose gold or predicted tag is not `O`. Recall here is the share of gold entities
that are covered whole, by whatever label: what masking needs. Thresholds maximise strict F2 of their label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from goldspan.predictors.model.calibration import Calibration, OperatingPoint
from goldspan.predictors.model.decode import DecodingOptions, log_softmax
from goldspan.training.artifact.outputs import GoldOutputs, score_predictions
from goldspan.training.models.labelling import choose_flat, tag_tokens

RECALLS = (0.90, 0.95, 0.99)
SENSITIVITIES = {"low": 0.1, "medium": 0.25, "high": 0.5}
"""kiji's three sensitivities and their thresholds on a token's probability."""

_BINS = 15
_BIASES = tuple(step / 2 for step in range(17))
_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_SUPPORT = 50


def calibrate(data: GoldOutputs) -> Calibration:
    """Calibration from outputs on the validation split; none where gold has no entity to measure on."""
    logs, gold = _stack(data)
    if not gold.any():
        return Calibration()
    temperature = fit_temperature(logs, gold)
    before, _ = measure_error(logs, gold, 1.0)
    after, reliability = measure_error(logs, gold, temperature)
    curve, points = trace_recall(data, temperature)
    return Calibration(
        round(temperature, 4),
        round(before, 6),
        round(after, 6),
        reliability,
        points,
        curve,
        choose_thresholds(data, temperature),
    )


def fit_temperature(logs: NDArray[np.float32], gold: NDArray[np.int64]) -> float:
    """The temperature (0.25 to 8) with the least negative log-likelihood of the gold tags."""
    rows = np.arange(len(gold))

    def loss(logarithm: float) -> float:
        return float(-log_softmax(logs / np.float32(np.exp(logarithm)))[rows, gold].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.25), np.log(8.0)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def measure_error(
    logs: NDArray[np.float32], gold: NDArray[np.int64], temperature: float
) -> tuple[float, tuple[tuple[float, float, int], ...]]:
    """The expected calibration error, and for each bin that is not empty: mean confidence, share right, count."""
    probabilities = np.exp(log_softmax(logs / np.float32(temperature)))
    best = probabilities.argmax(axis=1)
    counted = (best > 0) | (gold > 0)
    confidence, right = probabilities.max(axis=1)[counted], (best == gold)[counted]
    if not counted.any():
        return 0.0, ()
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    rows = []
    error = 0.0
    for number in range(_BINS):
        inside = bins == number
        if count := int(inside.sum()):
            mean, share = float(confidence[inside].mean()), float(right[inside].mean())
            rows.append((round(mean, 4), round(share, 4), count))
            error += count / len(bins) * abs(mean - share)
    return error, tuple(rows)


def trace_recall(
    data: GoldOutputs, temperature: float
) -> tuple[tuple[tuple[float, float, float], ...], tuple[OperatingPoint, ...]]:
    """The curve of `(bias, precision, recall)`, and for each wanted recall the smallest bias that reaches it."""
    curve, rows = [], []
    for bias in _BIASES:
        scores = score_predictions(data, data.decode(DecodingOptions(temperature, bias)))
        precision, recall = scores.micro.precision or 0.0, 1 - scores.leakage
        curve.append((bias, round(precision, 4), round(recall, 4)))
        rows.append((bias, precision, recall, scores.f1))
    points = []
    for wanted in RECALLS:
        reached = next((row for row in rows if row[2] >= wanted), None)
        if reached is not None:
            points.append(OperatingPoint(wanted, reached[0], *(round(value, 4) for value in reached[1:])))
    return tuple(curve), tuple(points)


def choose_thresholds(data: GoldOutputs, temperature: float) -> dict[str, float]:
    """Thresholds for labels with at least 50 gold entities, where one is better in strict F2 than none."""
    predicted = data.decode(DecodingOptions(temperature))
    chosen: dict[str, float] = {}
    base = score_predictions(data, predicted).by_label
    for label, counts in base.items():
        if counts.gold < _SUPPORT:
            continue
        best, best_score = 0.0, counts.measure_f(2.0) or 0.0
        for threshold in _THRESHOLDS:
            kept = [[e for e in found if e.label != label or (e.score or 0) >= threshold] for found in predicted]
            score = score_predictions(data, kept).by_label[label].measure_f(2.0) or 0.0
            if score > best_score + 1e-9:
                best, best_score = threshold, score
        if best:
            chosen[label] = best
    return chosen


def describe_sensitivities(data: GoldOutputs) -> dict[str, dict[str, float]]:
    """What kiji's sensitivities really give: tokens whose decoded tag is less probable become `O`."""
    described = {}
    for name, threshold in SENSITIVITIES.items():
        cut = [_drop_unsure(output.pii, threshold) for output in data.outputs]
        changed = GoldOutputs(
            data.texts,
            data.gold,
            data.encoded,
            tuple(output._replace(pii=rows) for output, rows in zip(data.outputs, cut, strict=True)),
            data.tags,
        )
        scores = score_predictions(changed, changed.decode(DecodingOptions()))
        described[name] = {
            "threshold": threshold,
            "precision": round(scores.micro.precision or 0.0, 4),
            "recall": round(scores.micro.recall or 0.0, 4),
            "f1": round(scores.f1, 4),
            "leakage": round(scores.leakage, 4),
        }
    return described


def _drop_unsure(logs: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    unsure = np.exp(logs.max(axis=1, initial=-np.inf)) < threshold
    changed = logs.copy()
    changed[unsure, 0] = 0.0
    changed[unsure, 1:] = -1e4
    return changed


def _stack(data: GoldOutputs) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    table: Mapping[str, int] = {tag: number for number, tag in enumerate(data.tags)}
    rows: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]] = [
        (output.pii, tag_tokens(one, ((e.start, e.end, e.label) for e in choose_flat(gold.entities)), table))
        for output, one, gold in zip(data.outputs, data.encoded, data.gold, strict=True)
        if len(one)
    ]
    if not rows:
        return np.zeros((0, len(data.tags)), dtype=np.float32), np.zeros(0, dtype=np.int64)
    return np.concatenate([logs for logs, _ in rows]), np.concatenate([tags for _, tags in rows])
