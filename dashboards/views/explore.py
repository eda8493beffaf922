"""Explore: find samples and read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import DecodedTask
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Sample
from goldspan.dashboards.highlight import list_personal
from goldspan.dashboards.mirror.follow import Mirror
from goldspan.dashboards.mirror.sources import read_pull_state
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; empty means anything."""

    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ()
    state: str = ""
    issue: str = ""
    beginning: str = ""


STATES = ("reviewed", "not reviewed", "changed", "suspect", "several people", "control", "built alike")
_COLUMNS = ["sample_id", "language", "document_type", "length", "entities", "clusters", "reviews", "errors", "warnings"]
_DIFFERENCE = ("verdict", "first", "first at", "second", "second at")
_WORDS = {"language", "document_type", "file"}


def find_samples(mirror: Mirror, query: Query) -> pl.DataFrame:
    """Samples that match, in the order of their files."""
    found = mirror["samples"]
    if query.languages:
        found = found.filter(pl.col("language").is_in(list(query.languages)))
    if query.document_types:
        found = found.filter(pl.col("document_type").is_in(list(query.document_types)))
    if query.beginning:
        found = found.filter(pl.col("sample_id").str.starts_with(query.beginning))
    for label in query.labels:
        found = _keep(found, mirror["entities"].filter(pl.col("label") == label))
    if query.issue:
        found = _keep(found, mirror["issues"].filter(pl.col("code") == query.issue))
    return _filter_state(found, mirror, query.state).select(
        *[pl.col(name).cast(pl.String) if name in _WORDS else pl.col(name) for name in (*_COLUMNS, "file", "offset")]
    )


def _filter_state(found: pl.DataFrame, mirror: Mirror, state: str) -> pl.DataFrame:
    if state == "reviewed":
        return found.filter(pl.col("reviews") > 0)
    if state == "not reviewed":
        return found.filter(pl.col("reviews") == 0)
    if state == "several people":
        return found.filter(pl.col("reviews") > 1)
    if state == "built alike":
        shared = mirror["samples"]["skeleton"].is_duplicated()
        return _keep(found, mirror["samples"].filter(shared))
    if state == "control":
        return found.filter(pl.col("control"))
    if state == "changed":
        return _keep(found, mirror["reviews"].filter(pl.col("edits") > 0))
    if state == "suspect":
        return _keep(found, mirror["reviews"].filter(pl.col("suspect")))
    return found


def _keep(found: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    return found.join(rows.select("sample").unique(), on="sample", how="semi", maintain_order="left")


def name_annotations(sample: Sample) -> list[str]:
    """A name for each reading: number, author, state."""
    return [f"{number}. {_name_author(a)}, {a.status.value}" for number, a in enumerate(sample.annotations, start=1)]


def _name_author(annotation: Annotation) -> str:
    return f"{annotation.author.kind} {annotation.author.name}"


def find_link(workspace: Workspace, file: str, record: dict[str, Any]) -> str:
    """The address of the record's task in Label Studio; empty when it was not pulled from one."""
    pulled = read_pull_state(workspace.root / file)
    url, project, task = pulled.get("url"), pulled.get("project"), record.get("id")
    known = isinstance(url, str) and isinstance(project, int) and isinstance(task, int)
    if not known or not str(url).startswith(("http://", "https://")):
        return ""
    return f"{str(url).rstrip('/')}/projects/{project}/data?task={task}"


def list_hidden(reading: DecodedTask) -> list[tuple[int, int]]:
    """The places that any annotation takes for personal data or names: what one of them misses stays hidden too.

    Regions that could not be kept, such as a second one with the same id, count as well.
    """
    places = {place for annotation in reading.sample.annotations for place in list_personal(annotation)}
    return sorted(places | {(issue.start, issue.end) for issue in reading.issues if issue.start >= 0})


def list_labels(mirror: Mirror, labels: LabelSchema) -> list[str]:
    """Labels to look for: those of the schema, then those that only the samples know."""
    known = [label.code for label in labels.entities]
    return known + sorted(set(mirror["entities"]["label"].cast(pl.String).unique()) - set(known))


def list_differences(first: Annotation, second: Annotation) -> pl.DataFrame:
    """What the second reading makes of the first one's entities, those that it keeps left out; places, no surfaces."""
    rows = []
    for decision in compare_with_review(first, second):
        if decision.outcome is RegionOutcome.ACCEPTED:
            continue
        before, after = decision.predicted, decision.annotated
        rows.append(
            (
                decision.outcome.value,
                before.label if before else "",
                f"{before.start}–{before.end}" if before else "",
                after.label if after else "",
                f"{after.start}–{after.end}" if after else "",
            )
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(_DIFFERENCE, pl.String), orient="row")
