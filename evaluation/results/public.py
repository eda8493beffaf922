"""`goldspan.evaluate` and `goldspan.compare`: score predictions against gold, and put results side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.evaluation.matching.documents import Pairing, Source, open_samples, pair_gold, read_pairing
from goldspan.evaluation.results.baselines import score_baselines
from goldspan.evaluation.results.compare import Comparison, compare_results
from goldspan.evaluation.results.cost import TokenPrices, describe_cost
from goldspan.evaluation.results.evaluate import EvaluationSettings, evaluate_pairing
from goldspan.evaluation.results.result import EvaluationResult, read_result
from goldspan.evaluation.results.slices import filter_documents, sample_documents
from goldspan.evaluation.results.timing import describe_system, run_predictor
from goldspan.predictors.base import Predictor


def evaluate(
    gold: Source,
    predicted: Source | Predictor | None = None,
    *,
    labels: LabelSchema | None = None,
    model: str = "",
    settings: EvaluationSettings | None = None,
    name: str = "",
    baselines: bool = True,
    cost_per_1000: float | None = None,
    prices: TokenPrices | None = None,
    workers: int = 1,
    on_error: OnError = raise_error,
    on_pairing: Callable[[Pairing], None] | None = None,
) -> EvaluationResult:
    """Score predictions against gold.

    Gold is the best annotation of each sample: a person's review if there is one. Also works where an event loop is
    running (a notebook).

    Args:
        gold: samples with reviews, or predictions to trust.
        predicted: samples with predictions, paired by sample id; or a predictor, which annotates the gold texts and is
            closed at the end; None: the predictions that stand in `gold` beside the reviews.
        labels: the label schema; None: the one that `load_labels()` finds.
        model: model version to score; empty: the newest prediction.
        settings: level, scheme, beta; `filters` keeps only documents such as `language=de`,
            `samples` only so many.
        name: name of the experiment; empty: the model version.
        baselines: score the baselines too.
        cost_per_1000: what 1000 documents cost, where it is known.
        prices: prices of tokens, to compute the cost from the usage of a predictor.
        workers: texts that a predictor reads at a time.
        on_error: called with records that cannot be read; by default the first one is raised.
        on_pairing: called with the paired documents, and with those that are not scored and why, before scoring.

    Raises:
        InputError: a file cannot be read, or nothing can be scored.
        ServiceError: the predictor failed on every text.
    """
    labels, settings = labels or load_labels(), settings or EvaluationSettings()
    pairing = filter_documents(_read(gold, predicted, labels, model, on_error), settings.filters)
    pairing = sample_documents(pairing, settings.samples)
    system: dict[str, Any] = {}
    timing, cost = None, None if cost_per_1000 is None else {"per_1000_documents": cost_per_1000}
    if isinstance(predicted, Predictor):
        run = run_predictor(pairing, predicted, workers)
        pairing, timing = run.pairing, run.timing
        system = describe_system(predicted)
        cost = cost or describe_cost(run.usage, timing["documents"], prices)
    if on_pairing:
        on_pairing(pairing)
    result = evaluate_pairing(pairing, labels, settings, name)
    if isinstance(gold, str | Path):
        result = replace(result, data={**result.data, "name": Path(gold).stem})
    return replace(
        result,
        timing=timing,
        cost=cost,
        system=system,
        baselines=score_baselines(pairing.documents, labels, settings) if baselines else {},
    )


evaluate_async = run_in_thread(evaluate)


def compare(
    results: EvaluationResult | str | Path | Sequence[EvaluationResult | str | Path],
    *,
    gold: Source | None = None,
    labels: LabelSchema | None = None,
    seed: int = 0,
    on_error: OnError = raise_error,
    on_pairing: Callable[[Pairing], None] | None = None,
) -> Comparison:
    """Put results side by side with the baselines, on the documents that they share, with intervals and p-values.

    Args:
        results: results of `evaluate`, or their files.
        gold: score the baselines anew on these samples, as far as the first result holds them.
        labels: the label schema, for `gold`; None: the one that `load_labels()` finds.
        seed: seed of the tests.
        on_error: called with records of `gold` that cannot be read; by default the first one is raised.
        on_pairing: called with the documents of `gold`, and with those that are left out and why.

    Raises:
        InputError: there is no result, or a file cannot be read.
    """
    results = [results] if isinstance(results, EvaluationResult | str | Path) else results
    loaded = [result if isinstance(result, EvaluationResult) else read_result(Path(result)) for result in results]
    baselines: Mapping[str, Mapping[str, object]] | None = None
    if gold is not None and loaded:
        labels, first = labels or load_labels(), loaded[0]
        pairing = pair_gold(open_samples(gold, labels, on_error))
        if on_pairing:
            on_pairing(pairing)
        known = set(first.documents.get("sample_id", ()))
        documents = [document for document in pairing.documents if not known or document.sample_id in known]
        settings = EvaluationSettings(first.level, first.scheme, first.beta)
        baselines = score_baselines(documents, labels, settings)
    return compare_results(loaded, baselines, seed=seed)


def _read(
    gold: Source, predicted: Source | Predictor | None, labels: LabelSchema, model: str, on_error: OnError
) -> Pairing:
    if isinstance(predicted, Predictor):
        return read_pairing(gold, None, labels, on_error=on_error)
    if predicted is None:
        gold = predicted = gold if isinstance(gold, str | Path) else list(gold)
    return read_pairing(gold, predicted, labels, model=model, on_error=on_error)
