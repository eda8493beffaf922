"""Plan a push: compare samples with the index of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.index import ProjectIndex
from goldspan.annotation.labelstudio.push.spool import SpoolEntry


@dataclass(frozen=True, slots=True)
class PushPlan:
    """Tasks to create, samples whose task lacks a prediction, tasks to clear of predictions first, and the rest."""

    create: tuple[SpoolEntry, ...]
    predict: tuple[str, ...]
    clear: tuple[int, ...]
    unchanged: int
    refused: tuple[RefusedSample, ...]


def make_plan(entries: Mapping[str, SpoolEntry], index: ProjectIndex, *, replace: bool) -> PushPlan:
    """Compare samples with the project.

    A task lacks a prediction when it has none of a model version that its sample has; control tasks lack none.
    With `replace`, every task whose sample has predictions is cleared and predicted afresh, unless it holds
    exactly these versions already.
    """
    create: list[SpoolEntry] = []
    predict: list[str] = []
    clear: list[int] = []
    refused: list[RefusedSample] = []
    unchanged = 0
    for sample_id, entry in entries.items():
        found = index.found.get(sample_id)
        wanted = frozenset(entry.versions)
        if found is None:
            create.append(entry)
        elif found.text_sha256 and found.text_sha256 != entry.text_sha256:
            refused.append(RefusedSample(sample_id, f"task {found.task} has this sample_id with another text"))
        elif found.control or not wanted or (wanted <= found.versions and not (replace and found.versions > wanted)):
            unchanged += 1
        else:
            predict.append(sample_id)
            if replace and found.versions:
                clear.append(found.task)
    return PushPlan(tuple(create), tuple(predict), tuple(clear), unchanged, tuple(refused))
