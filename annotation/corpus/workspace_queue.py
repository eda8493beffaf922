"""Build the label queue of a workspace from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum

from goldspan.annotation.corpus.queue import (
    LabelQueue,
    QueueCandidate,
    QueueEntry,
    build_queue,
    make_candidate,
    queue_disagreements,
)
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.tasks.store import list_files, read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample, Status


class QueueOrder(StrEnum):
    """What comes first: what teaches most for the time, or what two models disagree on."""

    NEXT = "next"
    DISAGREEMENT = "disagreement"


def build_workspace_queue(
    workspace: Workspace,
    labels: LabelSchema,
    on_error: OnError,
    *,
    exclude: Collection[str] = (),
    size: int = 20,
    seed: int = 0,
    order: QueueOrder = QueueOrder.NEXT,
) -> LabelQueue:
    """Choose the samples of a workspace to label next; see `queue_samples`."""
    samples = iter_workspace(workspace, labels, on_error)
    return queue_samples(samples, labels, exclude=exclude, size=size, seed=seed, order=order)


def queue_samples(
    samples: Iterable[Sample],
    labels: LabelSchema,
    *,
    exclude: Collection[str] = (),
    size: int = 20,
    seed: int = 0,
    order: QueueOrder = QueueOrder.NEXT,
) -> LabelQueue:
    """Choose the samples to label next; see `goldspan.annotation.corpus.queue`.

    Samples in `exclude` (ids, for example of samples that were pushed) and samples with a draft are left out; reviewed
    ones count towards the targets.
    """
    excluded = set(exclude)
    candidates: list[QueueCandidate] = []
    reviewed: Counter[str] = Counter()
    for sample in samples:
        if sample.reviews:
            reviewed.update(entity.label for entity in sample.reviews[0].entities)
            continue
        if sample.sample_id in excluded or has_draft(sample):
            continue
        candidates.append(make_candidate(sample))
    if order is QueueOrder.DISAGREEMENT:
        return queue_disagreements(candidates, size=size)
    targets = {label.code: label.target for label in labels.entities}
    return build_queue(candidates, targets, reviewed, size=size, seed=seed)


def has_draft(sample: Sample) -> bool:
    """True if somebody is at work on it."""
    return any(one.status is Status.DRAFT for one in sample.annotations)


def prepare_queued(sample: Sample, entry: QueueEntry) -> Sample:
    """Note how the sample was chosen; a control sample loses its predictions, so that people start from the text."""
    provenance = {**sample.provenance, "queue": "random" if entry.reserve else "priority"}
    if not entry.control:
        return replace(sample, provenance=provenance)
    return replace(sample, annotations=(), provenance=provenance | {"control": True})


def load_queued(
    workspace: Workspace, labels: LabelSchema, ids: Collection[str], on_error: OnError
) -> dict[str, Sample]:
    """Read the samples with these ids."""
    wanted = set(ids)
    return {one.sample_id: one for one in iter_workspace(workspace, labels, on_error) if one.sample_id in wanted}


def iter_workspace(workspace: Workspace, labels: LabelSchema, on_error: OnError) -> Iterator[Sample]:
    """Read every sample of a workspace once; the reviewed copy comes first."""
    layers = (workspace.training_samples, workspace.annotation_samples)
    files = list_files([layer for layer in layers if layer.is_dir()])
    seen: set[str] = set()
    for sample in read_samples(files, labels, on_error, tolerant=True):
        if sample.sample_id not in seen:
            seen.add(sample.sample_id)
            yield sample
