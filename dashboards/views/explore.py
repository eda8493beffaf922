"""Explore: find samples and compare annotations."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import polars as pl

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.receipt import find_pushed
from goldspan.annotation.tasks.codec import DecodedTask
from goldspan.annotation.tasks.feedback import DocumentChoice
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Sample
from goldspan.dashboards.highlight import list_personal_spans
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.mirror.sources import read_pull_state
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review

MAX_TAB_TASKS = 100
"""Tasks that a link to Label Studio can name."""

NONE = "(none)"
"""Stands for the missing label where one of two annotations has no entity."""


@dataclass(frozen=True, slots=True)
class Query:
    """A sample filter; empty fields match anything. The names of the fields are the parameters of the page's address.

    `predicted` and `annotated` are labels of one region before and after its review, `outcome` is what became of it,
    `disagreement` is a pair of labels as `name_pair` writes it, `day` is a day of a review (ISO 8601), `field` is
    a part of the sample's own fields, such as a ticket's number.
    """

    language: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    document_type: tuple[str, ...] = ()
    state: str = ""
    issue: str = ""
    sample: str = ""
    person: str = ""
    model: str = ""
    outcome: str = ""
    predicted: str = ""
    annotated: str = ""
    disagreement: str = ""
    day: str = ""
    file: str = ""
    run: str = ""
    field: str = ""


STATES = (
    *("reviewed", "not reviewed", "predicted", "touched", "skipped", "changed", "unchanged", "suspect"),
    *("several people", "disagreement", "decided", "unsure", "noted", "unusable", "control"),
    *("repeated skeleton", "errors", "warnings"),
)
_COLUMNS = ["sample_id", "language", "document_type", "length", "entities", "clusters", "reviews", "errors", "warnings"]
_DIFFERENCE = ("difference", "first", "first at", "second", "second at")
_DIFFERENCES = {
    RegionOutcome.RELABELLED: "another label",
    RegionOutcome.RESIZED: "other boundaries",
    RegionOutcome.REJECTED: "only the first",
    RegionOutcome.ADDED: "only the second",
}
_WORDS = {"language", "document_type", "file"}


def name_pair(first: str, second: str) -> str:
    """Name a pair of labels on which two people differ, in alphabetical order; an empty one is `(none)`."""
    return " / ".join(sorted((first or NONE, second or NONE)))


def find_samples(mirror: Mirror, query: Query) -> pl.DataFrame:
    """Find the matching samples, in file order."""
    found = mirror["samples"]
    for column in ("language", "document_type"):
        if values := getattr(query, column):
            found = found.filter(pl.col(column).is_in(list(values)))
    for column, value in (("file", query.file), ("run", query.run), ("model_version", query.model)):
        if value:
            found = found.filter(pl.col(column) == value)
    if query.sample:
        found = found.filter(pl.col("sample_id").str.starts_with(query.sample))
    if query.field:
        found = found.filter(pl.col("fields").str.to_lowercase().str.contains(query.field.lower(), literal=True))
    for label in query.label:
        found = _keep(found, mirror["entities"].filter(pl.col("label") == label))
    if query.issue:
        found = _keep(found, mirror["issues"].filter(pl.col("code") == query.issue))
    found = _filter_reviews(found, mirror, query)
    return _filter_state(found, mirror, query.state).select(
        *[
            pl.col(name).cast(pl.String) if name in _WORDS else pl.col(name)
            for name in (*_COLUMNS, "file", "offset", "task")
        ]
    )


def _filter_reviews(found: pl.DataFrame, mirror: Mirror, query: Query) -> pl.DataFrame:
    """Filter by what people did; conditions on a region hold for one and the same region."""
    if query.person or query.day:
        reviews = mirror["reviews"]
        if query.person:
            reviews = reviews.filter(pl.col("person") == query.person)
        if query.day:
            reviews = reviews.filter(pl.col("updated_at").str.starts_with(query.day))
        found = _keep(found, reviews)
    named = {"outcome": query.outcome, "predicted_label": query.predicted, "annotated_label": query.annotated}
    wanted = {column: "" if value == NONE else value for column, value in named.items() if value}
    if wanted:
        found = _keep(found, mirror["decisions"].filter([pl.col(column) == value for column, value in wanted.items()]))
    if query.disagreement:
        pairs = mirror["disagreements"].filter(name_pairs() == query.disagreement)
        found = _keep(found, pairs)
    return found


def name_pairs() -> pl.Expr:
    """Write the pair of labels of each row of `disagreements` as `name_pair` does."""
    first, second = (
        pl.when(pl.col(column).cast(pl.String) == "").then(pl.lit(NONE)).otherwise(pl.col(column).cast(pl.String))
        for column in ("first_label", "second_label")
    )
    return pl.concat_str(pl.min_horizontal(first, second), pl.lit(" / "), pl.max_horizontal(first, second))


def _filter_state(found: pl.DataFrame, mirror: Mirror, state: str) -> pl.DataFrame:
    samples, reviews = mirror["samples"], mirror["reviews"]
    touched = (pl.col("reviews") + pl.col("drafts") + pl.col("cancelled")) > 0
    conditions = {
        "reviewed": pl.col("reviews") > 0,
        "not reviewed": pl.col("reviews") == 0,
        "predicted": pl.col("predicted"),
        "touched": touched,
        "skipped": pl.col("cancelled") > 0,
        "several people": pl.col("reviews") > 1,
        "control": pl.col("control"),
        "decided": pl.col("decided"),
        "errors": pl.col("errors") > 0,
        "warnings": pl.col("warnings") > 0,
    }
    if state in conditions:
        return found.filter(conditions[state])
    rows = {
        "repeated skeleton": lambda: samples.filter(samples["skeleton"].is_duplicated()),
        "changed": lambda: reviews.filter(pl.col("edits") > 0),
        "unchanged": lambda: reviews.filter(pl.col("edits") == 0),
        "suspect": lambda: reviews.filter(pl.col("suspect")),
        "disagreement": lambda: mirror["disagreements"],
        "noted": lambda: reviews.filter(pl.col("notes") > 0),
        "unsure": lambda: list_unsure(mirror),
        "unusable": lambda: reviews.filter(has_choice(DocumentChoice.UNUSABLE, DocumentChoice.WRONG_LANGUAGE)),
    }
    return _keep(found, rows[state]()) if state in rows else found


def list_unsure(mirror: Mirror) -> pl.DataFrame:
    """The column `sample` of samples whose reviewer was unsure, of the document or of a region."""
    reviews = mirror["reviews"].filter(has_choice(DocumentChoice.UNSURE))
    return pl.concat([reviews.select("sample"), mirror["doubts"].select("sample")]).unique()


def has_choice(*choices: DocumentChoice) -> pl.Expr:
    """Rows of `reviews` whose author made one of these choices about the document."""
    return pl.col("choices").cast(pl.String).str.split(" ").list.set_intersection(list(choices)).list.len() > 0


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
    url, project = read_project(workspace, file)
    task = record.get("id")
    return f"{url}/projects/{project}/data?task={task}" if url and isinstance(task, int) else ""


def build_tab_url(workspace: Workspace, found: pl.DataFrame) -> str:
    """Build the URL of a Data Manager tab that shows the tasks of the samples found, which lie in one project.

    Pulled samples are named by their task, samples that were only pushed by their id. Empty if there are none or more
    than fit in a URL, or if they come from several projects.
    """
    tasks = found.filter(pl.col("task").is_not_null())
    projects = {read_project(workspace, file) for file in tasks["file"].unique()} - {("", 0)}
    if tasks.is_empty() and 0 < found.height <= MAX_TAB_TASKS:
        url, project = find_pushed(workspace, found["sample_id"].to_list())
        return _build_tab(url, project, "data.sample_id", "String", found["sample_id"].to_list())
    if len(projects) != 1 or not 0 < tasks.height <= MAX_TAB_TASKS:
        return ""
    ((url, project),) = projects
    return _build_tab(url, project, "id", "Number", tasks["task"].to_list())


def _build_tab(url: str, project: int, field: str, kind: str, values: Sequence[Any]) -> str:
    """A virtual tab: Label Studio reads its filter from the address, as base64 of gzipped JSON, and stores nothing."""
    if not url.startswith(("http://", "https://")):
        return ""
    items = [{"filter": f"filter:tasks:{field}", "operator": "equal", "type": kind, "value": one} for one in values]
    tab = {"title": "From Goldspan", "filters": {"conjunction": "or", "items": items}, "ordering": []}
    packed = base64.urlsafe_b64encode(gzip.compress(orjson.dumps(tab), mtime=0)).decode()
    return f"{url.rstrip('/')}/projects/{project}/data?{urlencode({'tab': packed})}"


def read_project(workspace: Workspace, file: str) -> tuple[str, int]:
    """Read the address of Label Studio and the project that a file was pulled from; empty if it was not pulled."""
    pulled = read_pull_state(workspace.root / file)
    url, project = pulled.get("url"), pulled.get("project")
    if not isinstance(url, str) or not isinstance(project, int) or not url.startswith(("http://", "https://")):
        return "", 0
    return url.rstrip("/"), project


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


def list_pairs(mirror: Mirror) -> list[str]:
    """List the pairs of labels on which people disagree, the most frequent first."""
    table = mirror["disagreements"]
    return (
        table.group_by(name_pairs().alias("pair")).len().sort("len", "pair", descending=[True, False])["pair"].to_list()
    )


def list_days(mirror: Mirror) -> list[str]:
    """List the days with reviews, the newest first."""
    return sorted(mirror["reviews"]["updated_at"].str.slice(0, 10).unique().to_list(), reverse=True)


def list_differences(first: Annotation, second: Annotation) -> pl.DataFrame:
    """List the differences between two annotations' entities; spans only, no text."""
    rows = []
    for decision in compare_with_review(first, second):
        if decision.outcome is RegionOutcome.ACCEPTED:
            continue
        before, after = decision.predicted, decision.annotated
        rows.append(
            (
                _DIFFERENCES[decision.outcome],
                before.label if before else "",
                f"{before.start}–{before.end}" if before else "",
                after.label if after else "",
                f"{after.start}–{after.end}" if after else "",
            )
        )
    return pl.DataFrame(rows, schema=dict.fromkeys(_DIFFERENCE, pl.String), orient="row")
