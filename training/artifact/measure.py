"""Evaluate predictors on gold, each as an `EvaluationResult` that `goldspan compare` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.evaluation.matching.documents import Document, pair_gold
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.results.cost import TokenPrices, describe_cost
from goldspan.evaluation.results.evaluate import EvaluationSettings, evaluate_pairing
from goldspan.evaluation.results.result import EvaluationResult, write_result
from goldspan.evaluation.results.timing import describe_system, run_predictor
from goldspan.predictors.base import Predictor
from goldspan.predictors.combined import combine_predictors
from goldspan.predictors.registry import open_predictor
from goldspan.training.artifact.external import ExternalGold
from goldspan.training.artifact.outputs import measure_leakage

BASELINES = ("regex", "rampart", "regex+rampart")


@dataclass(frozen=True, slots=True)
class SystemScores:
    """One system on one set: what tables and cards show. Rates are 0 to 1.

    `entities` counts those of the gold: without one, the rates mean nothing. `missed` is the share of them with a
    letter or digit that is not hidden.
    """

    gold: str
    system: str
    level: str
    documents: int
    entities: int
    f1: float
    f1_interval: tuple[float, float] | None
    recall: float
    character_f2: float
    missed: float

    def to_json(self) -> dict[str, Any]:
        """The row by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def evaluate_on(
    predictor: Predictor,
    gold: ExternalGold,
    labels: LabelSchema,
    system: str,
    split_kind: str = "unknown",
    prices: TokenPrices | None = None,
    workers: int = 1,
) -> tuple[EvaluationResult, SystemScores]:
    """Let a predictor read the gold texts, and score it.

    Where the gold is of groups, what the predictor gives of other groups than the source labels is left out of the
    span scores; whatever hides a character counts for the masking scores.
    """
    run = run_predictor(pair_gold(gold.samples), predictor, workers)
    pairing = run.pairing
    settings = EvaluationSettings(level=gold.level, split_kind=split_kind)
    result = evaluate_pairing(pairing, labels, settings, experiment=system)
    if gold.level is not Level.LABEL:
        limited = replace(pairing, documents=tuple(_limit(d, gold, labels) for d in pairing.documents))
        result = replace(evaluate_pairing(limited, labels, settings, experiment=system), masking=result.masking)
    result = replace(
        result,
        timing=run.timing,
        cost=describe_cost(run.usage, run.timing["documents"], prices),
        system=describe_system(predictor),
        data={**result.data, "name": gold.name},
    )
    golds = [d.gold.entities for d in pairing.documents]
    missed = measure_leakage(
        [d.text for d in pairing.documents], golds, [d.predicted.entities for d in pairing.documents]
    )
    return result, _describe(gold.name, system, result, sum(map(len, golds)), missed)


def evaluate_systems(
    model: Predictor,
    golds: Sequence[ExternalGold],
    labels: LabelSchema,
    folder: Path,
    *,
    baselines: bool = True,
    previous: Path | None = None,
) -> tuple[list[SystemScores], list[str]]:
    """Evaluate the model and what stands beside it on every gold set; writes `<gold>.<system>.json`.

    Returns the rows of the table, and a line for each system that could not be opened.
    """
    systems, notes = _open_systems(model, labels, baselines, previous)
    rows = []
    for number, gold in enumerate(golds):
        if not gold.samples:
            continue
        for name, predictor in systems.items():
            kind = "grouped" if number == 0 else "unknown"
            result, row = evaluate_on(predictor, gold, labels, name, kind)
            write_result(folder / f"{gold.name}.{name}.json", result)
            rows.append(row)
    return rows, notes


def _describe(gold: str, system: str, result: EvaluationResult, entities: int, missed: float) -> SystemScores:
    interval = result.metrics["ci95"].get("f1_score")
    return SystemScores(
        gold,
        system,
        str(result.level),
        int(result.data["documents"]),
        entities,
        result.metrics["f1_score"] or 0.0,
        (interval[0], interval[1]) if interval else None,
        result.metrics["recall"] or 0.0,
        result.masking.get("f_beta") or 0.0,
        missed,
    )


def _limit(document: Document, gold: ExternalGold, labels: LabelSchema) -> Document:
    kept = tuple(e for e in document.predicted.entities if e.label in labels and labels[e.label].group in gold.groups)
    return replace(document, predicted=replace(document.predicted, entities=kept))


def _open_systems(
    model: Predictor, labels: LabelSchema, baselines: bool, previous: Path | None
) -> tuple[dict[str, Predictor], list[str]]:
    systems: dict[str, Predictor] = {
        "model": model,
        "regex+model": combine_predictors([open_predictor("regex", labels), model]),
    }
    notes = []
    wanted: dict[str, str] = {name: name for name in BASELINES} if baselines else {}
    if previous is not None:
        wanted["previous"] = str(previous)
    for name, source in wanted.items():
        try:
            systems[name] = open_predictor(source, labels)
        except GoldspanError as error:
            notes.append(f"{name} was not evaluated: {error}")
    return systems, notes
