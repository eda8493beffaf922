"""Explore: find samples and compare annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import DecodedTask
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Sample
from goldspan.dashboards.highlight import list_personal_spans
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.mirror.sources import read_pull_state
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review


@dataclass(frozen=True, slots=True)
class Query:
    """A sample filter; empty fields match anything."""

    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ()
    state: str = ""
    issue: str = ""
    id_prefix: str = ""


STATES = ("reviewed", "not reviewed", "changed", "suspect", "several people", "control", "repeated skeleton")
_COLUMNS = ["sample_id", "language", "document_type", "length", "entities", "clusters", "reviews", "errors", "warnings"]
_DIFFERENCE = ("verdict", "first", "first at", "second", "second at")
_WORDS = {"language", "document_type", "file"}


def find_samples(mirror: Mirror, query: Query) -> pl.DataFrame:
    """Find the matching samples, in file order."""
    found = mirror["samples"]
    if query.languages:
        found = found.filter(pl.col("language").is_in(list(query.languages)))
    if query.document_types:
        found = found.filter(pl.col("document_type").is_in(list(query.document_types)))
    if query.id_prefix:
        found = found.filter(pl.col("sample_id").str.starts_with(query.id_prefix))
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
    if state == "repeated skeleton":
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
    """Name each annotation: number, author, status."""
    return [f"{number}. {_describe_annotation(a)}" for number, a in enumerate(sample.annotations, start=1)]


def _describe_annotation(annotation: Annotation) -> str:
    state = "prediction" if annotation.author.is_model else annotation.status.value
    return f"{annotation.author.kind} {annotation.author.name}, {state}"


def build_task_url(workspace: Workspace, file: str, record: dict[str, Any]) -> str:
    """Build the URL of the record's task in Label Studio; empty if it was not pulled from one."""
    pulled = read_pull_state(workspace.root / file)
    url, project, task = pulled.get("url"), pulled.get("project"), record.get("id")
    known = isinstance(url, str) and isinstance(project, int) and isinstance(task, int)
    if not known or not str(url).startswith(("http://", "https://")):
        return ""
    return f"{str(url).rstrip('/')}/projects/{project}/data?task={task}"


def list_hidden_spans(decoded: DecodedTask) -> list[tuple[int, int]]:
    """List the spans that any annotation marks as personal data or names, so that no annotation reveals them.

    Regions that could not be decoded, such as a second one with the same id, count as well.
    """
    spans = {span for annotation in decoded.sample.annotations for span in list_personal_spans(annotation)}
    return sorted(spans | {(issue.start, issue.end) for issue in decoded.issues if issue.start >= 0})


def list_labels(mirror: Mirror, labels: LabelSchema) -> list[str]:
    """List the labels to filter by: those of the schema, then others found in the samples."""
    known = [label.code for label in labels.entities]
    return known + sorted(set(mirror["entities"]["label"].cast(pl.String).unique()) - set(known))


def list_differences(first: Annotation, second: Annotation) -> pl.DataFrame:
    """List the differences between two annotations' entities; spans only, no text."""
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
