"""Disagreement: compose a decision from two people's reviews, region by region."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any

from goldspan.annotation.labelstudio.adjudication import DisputedTask
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample, Span, sort_spans
from goldspan.dashboards.views.explore import read_project
from goldspan.evaluation.matching.annotations import list_raters
from goldspan.evaluation.people.acceptance import compare_with_review


class Pick(StrEnum):
    """Which of two readings of a region is right."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Difference:
    """A region on which two people differ; None: that person did not mark it."""

    first: Entity | None
    second: Entity | None


def choose_pair(sample: Sample) -> tuple[Annotation, Annotation] | None:
    """The two people to decide between: of several, those who differ most; None without two."""
    pairs = combinations(list_raters(sample), 2)
    return max(pairs, key=lambda pair: len(list_regions(*pair)), default=None)


def list_regions(first: Annotation, second: Annotation) -> list[Difference]:
    """The regions on which two reviews differ, in text order; spans that both marked alike are none."""
    shared = _list_shared(first, second)
    one, other = (
        replace(reading, entities=tuple(entity for entity in reading.entities if entity.span not in shared))
        for reading in (first, second)
    )
    found = [Difference(decision.predicted, decision.annotated) for decision in compare_with_review(one, other)]
    return sorted(found, key=lambda one: (one.first or one.second or Entity(0, 0, "")).start)


def decide(
    first: Annotation, second: Annotation, differences: Sequence[Difference], picks: Iterable[Pick], *, mentions: Pick
) -> Annotation:
    """The annotation that follows from the picks: what both marked, and of each difference the chosen side.

    `mentions` says whose mentions and clusters are kept.
    """
    shared = _list_shared(first, second)
    chosen: list[Entity | None] = [entity for entity in first.entities if entity.span in shared]
    for difference, pick in zip(differences, picks, strict=True):
        if pick is not Pick.NEITHER:
            chosen.append(difference.first if pick is Pick.FIRST else difference.second)
    base = second if mentions is Pick.SECOND else first
    entities = sort_spans(_renumber([entity for entity in chosen if entity], base))
    return Annotation(Author.person("adjudication"), entities, base.mentions, ground_truth=True)


def find_place(workspace: Workspace, file: str, record: dict[str, Any]) -> DisputedTask | None:
    """Where a record stands in Label Studio; None if it was not pulled from one."""
    url, project = read_project(workspace, file)
    task = record.get("id")
    return DisputedTask(url, project, task, workspace.root / file) if url and isinstance(task, int) else None


def _list_shared(first: Annotation, second: Annotation) -> set[Span]:
    return {entity.span for entity in first.entities} & {entity.span for entity in second.entities}


def _renumber(entities: Sequence[Entity], base: Annotation) -> list[Entity]:
    """Entities with ids that occur once; those that a mention of the base is drawn by keep theirs."""
    linked = {mention.id for mention in base.mentions if mention.id}
    own = {entity.id for entity in base.entities}
    seen: set[str] = set()
    result = []
    for entity in entities:
        keeps = bool(entity.id) and entity.id not in seen and (entity.id not in linked or entity.id in own)
        result.append(entity if keeps else replace(entity, id=""))
        seen.add(result[-1].id)
    return result
