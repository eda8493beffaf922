"""The batch that people review next: what the newest model doubts, with the annotations of the one in service."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from goldspan.annotation.corpus.queue import LabelQueue, draw_order
from goldspan.annotation.corpus.workspace_queue import has_draft, iter_workspace, prepare_queued, queue_samples
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.run import add_prediction, iter_outcomes
from goldspan.training.loop.state import locate_source


def write_batch(
    path: Path,
    workspace: Workspace,
    labels: LabelSchema,
    *,
    newest: str,
    serving: str,
    pushed: Collection[str],
    size: int,
    pool: int,
    seed: int,
) -> LabelQueue:
    """Rank what waits by the newest model's doubt, and write the batch with the annotations of the one that serves.

    Args:
        path: the file to write; samples that wait in Label Studio follow the batch there, annotated anew.
        workspace: whose samples wait.
        labels: the label schema.
        newest: the source of the model that ranks.
        serving: the source of the model in service.
        pushed: ids of samples that are in Label Studio.
        size: samples in the batch.
        pool: samples that are ranked.
        seed: decides which those are.
    """
    samples = {one.sample_id: one for one in iter_workspace(workspace, labels, lambda _: None)}
    waiting = [one for one in samples.values() if not one.reviews and not has_draft(one)]
    fresh = [one for one in waiting if one.sample_id not in pushed]
    fresh = sorted(fresh, key=lambda one: draw_order(one.sample_id, "loop pool", seed))[:pool]
    ranked = _annotate(fresh, locate_source(workspace, newest), labels)
    reviewed = [one for one in samples.values() if one.reviews]
    queue = queue_samples([*reviewed, *ranked.values()], labels, size=size, seed=seed)
    batch = [samples[entry.sample_id] for entry in queue.entries]
    again = [one for one in waiting if one.sample_id in pushed]
    shown = _annotate([*batch, *again], locate_source(workspace, serving), labels)
    prepared = [prepare_queued(shown[entry.sample_id], entry) for entry in queue.entries]
    write_samples(path, [*prepared, *(shown[one.sample_id] for one in again)], labels)
    return queue


def _annotate(samples: Sequence[Sample], source: str, labels: LabelSchema) -> dict[str, Sample]:
    """The samples with a prediction of this predictor, the last one; one that it fails on stays as it was."""
    if not samples:
        return {}
    predictor = open_predictor(source, labels)
    return {
        outcome.sample.sample_id: add_prediction(outcome.sample, outcome.annotation, predictor)
        if outcome.annotation
        else outcome.sample
        for outcome in iter_outcomes(predictor, samples)
    }
