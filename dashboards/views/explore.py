"""Explore: find samples and read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from annotation.types import Annotation, Sample
from annotation.workspace import Workspace
from dashboards.mirror import Mirror


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for; empty means anything."""

    languages: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    document_types: tuple[str, ...] = ()
    state: str = ""
    issue: str = ""
    beginning: str = ""


STATES = ("reviewed", "not reviewed", "changed", "suspect", "several people", "control")
_COLUMNS = ["sample_id", "language", "document_type", "length", "entities", "clusters", "reviews", "errors", "warnings"]


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
    return _filter_state(found, mirror, query.state).select(*_COLUMNS, "file", "offset")


def _filter_state(found: pl.DataFrame, mirror: Mirror, state: str) -> pl.DataFrame:
    if state == "reviewed":
        return found.filter(pl.col("reviews") > 0)
    if state == "not reviewed":
        return found.filter(pl.col("reviews") == 0)
    if state == "several people":
        return found.filter(pl.col("raters") > 1)
    if state == "control":
        return found.filter(pl.col("control"))
    if state == "changed":
        return _keep(found, mirror["reviews"].filter(pl.col("edits") > 0))
    if state == "suspect":
        return _keep(found, mirror["reviews"].filter(pl.col("suspect")))
    return found


def _keep(found: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    return found.join(rows.select("sample_id").unique(), on="sample_id", how="semi", maintain_order="left")


def name_annotations(sample: Sample) -> list[str]:
    """A name for each reading: number, author, state."""
    return [f"{number}. {_name_author(a)}, {a.status.value}" for number, a in enumerate(sample.annotations, start=1)]


def _name_author(annotation: Annotation) -> str:
    return f"{annotation.author.kind} {annotation.author.name}"


def find_link(workspace: Workspace, file: str, record: dict[str, Any]) -> str:
    """The address of the record's task in Label Studio; empty when it was not pulled from one."""
    state = workspace.root / file
    state = state.with_name(state.stem + ".state.json")
    task = record.get("id")
    try:
        pulled = orjson.loads(state.read_bytes())
        url, project = str(pulled["url"]), int(pulled["project"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if not isinstance(task, int) or not url.startswith(("http://", "https://")):
        return ""
    return f"{url.rstrip('/')}/projects/{project}/data?task={task}"
