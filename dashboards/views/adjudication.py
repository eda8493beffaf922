"""Disagreement: compose a decision from people's reviews, region by region."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldspan.annotation.labelstudio.adjudication import DisputedTask
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Span, sort_spans
from goldspan.dashboards.views.explore import read_project


@dataclass(frozen=True, slots=True)
class Reading:
    """What some people marked in a region, and their names; no entities: they marked nothing there."""

    people: tuple[str, ...]
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of text that people marked differently, and each reading of it, that of most people first."""

    start: int
    end: int
    readings: tuple[Reading, ...]


def list_regions(reviews: Sequence[Annotation]) -> list[Region]:
    """The regions on which reviews differ, in text order; spans that everyone marked are in none.

    Spans that overlap are in one region, so that no choice contradicts another.
    """
    shared = _list_shared(reviews)
    stretches: list[tuple[int, int]] = []
    for start, end, _ in sorted({entity.span for one in reviews for entity in one.entities} - shared):
        if stretches and start < stretches[-1][1]:
            start, end = stretches[-1][0], max(end, stretches.pop()[1])
        stretches.append((start, end))
    return [Region(start, end, _list_readings(reviews, shared, start, end)) for start, end in stretches]


def decide(reviews: Sequence[Annotation], chosen: Iterable[Sequence[Entity]], base: Annotation) -> Annotation:
    """The annotation that follows: what everyone marked, the entities chosen in each region, the mentions of `base`."""
    shared = _list_shared(reviews)
    entities = [entity for entity in reviews[0].entities if entity.span in shared]
    entities += [entity for reading in chosen for entity in reading]
    return Annotation(
        Author.person("adjudication"), sort_spans(_renumber(entities, base)), base.mentions, ground_truth=True
    )


def list_clusterings(reviews: Iterable[Annotation]) -> list[list[Annotation]]:
    """The reviews grouped by equal mentions and clusters, that of most people first."""
    groups: dict[Hashable, list[Annotation]] = {}
    for review in reviews:
        clusters = (frozenset(one.span for one in mentions) for mentions in review.clusters.values() if mentions[1:])
        groups.setdefault((frozenset(one.span for one in review.mentions), frozenset(clusters)), []).append(review)
    return sorted(groups.values(), key=len, reverse=True)


def find_place(workspace: Workspace, file: str, record: dict[str, Any]) -> DisputedTask | None:
    """Where a record stands in Label Studio; None if it was not pulled from one."""
    url, project = read_project(workspace, file)
    task = record.get("id")
    return DisputedTask(url, project, task, workspace.root / file) if url and isinstance(task, int) else None


def _list_shared(reviews: Iterable[Annotation]) -> set[Span]:
    return set.intersection(*({entity.span for entity in review.entities} for review in reviews))


def _list_readings(reviews: Iterable[Annotation], shared: set[Span], start: int, end: int) -> tuple[Reading, ...]:
    readings: dict[tuple[Span, ...], Reading] = {}
    for review in reviews:
        entities = sort_spans(e for e in review.entities if start <= e.start < end and e.span not in shared)
        spans = tuple(entity.span for entity in entities)
        known = readings.get(spans, Reading((), entities))
        readings[spans] = replace(known, people=(*known.people, review.author.name))
    return tuple(sorted(readings.values(), key=lambda reading: -len(reading.people)))


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
