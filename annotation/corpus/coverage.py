"""Coverage: how many entities a corpus holds, by label, language and document type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import list_files, read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample

JUDGE_BOUND = 3
"""Score from 1 to 5 from which on a judged text counts."""


def count_coverage(samples: Iterable[Sample]) -> Counter[tuple[str, str, str]]:
    """Entities by (label, language, document type) of best annotations; each sample id counts once.

    Samples that a judge found poor do not count, unless a person has reviewed them.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    seen: set[str] = set()
    for sample in samples:
        if sample.sample_id in seen or not sample.best or is_judged_poor(sample):
            continue
        seen.add(sample.sample_id)
        counts.update((entity.label, sample.language, sample.document_type) for entity in sample.best.entities)
    return counts


def is_judged_poor(sample: Sample) -> bool:
    """True if a score of the judge stage of generation is below 3 of 5 and nobody has reviewed the sample."""
    scores = sample.provenance.get("judge")
    if sample.reviews or not isinstance(scores, Mapping):
        return False
    return any(isinstance(score, int) and score < JUDGE_BOUND for score in scores.values())


def count_workspace_coverage(workspace: Workspace, labels: LabelSchema) -> Counter[tuple[str, str]]:
    """Entities by (label, language) of all samples of a workspace; the reviewed copy of a sample counts first."""
    layers = (workspace.training_samples, workspace.annotation_samples)
    files = list_files([layer for layer in layers if layer.is_dir()])
    counts: Counter[tuple[str, str]] = Counter()
    found = count_coverage(read_samples(files, labels, lambda _: None, tolerant=True))
    for (label, language, _), count in found.items():
        counts[label, language] += count
    return counts
