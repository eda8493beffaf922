"""The cost model of a project: fitted to its timed reviews, else the defaults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from goldspan.annotation.corpus.effort import CostModel
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.training.gate.reviewed import ReviewedSamples


def fit_sample_costs(samples: Sequence[Sample], workspace: Workspace, labels: LabelSchema) -> CostModel:
    """Fit the costs to the lead times of these samples; without samples, to those of the workspace."""
    chosen: Iterable[Sample] = samples or ReviewedSamples(workspace, labels)
    return measure_acceptance(chosen).costs
