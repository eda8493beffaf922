"""From samples to columns: what the dashboard asks about, one row each.

samples    one row a record: where it lies, what it is, how far people got
entities   one row an entity of the last prediction and of the review that counts (`Sample.best`)
decisions  one row a region that a review compared with its pre-annotation (`evaluation.acceptance`)
reviews    one row a person's work on a sample: time, edits, lint
issues     one row a code and author of a sample, with how often
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

from annotation.checks import ERRORS, Issue, check_annotation, check_text
from annotation.identity import make_skeleton
from annotation.labels import LabelSchema
from annotation.types import Annotation, Sample, Status
from evaluation.acceptance import compare_with_review
from evaluation.acceptance_report import ReviewFacts
from evaluation.coreference import build_clusters, count_b_cubed
from evaluation.readings import choose_shown, is_control, list_latest_reviews

TABLES: dict[str, dict[str, str]] = {
    "samples": {
        "sample_id": "str",
        "file": "str",
        "offset": "int",
        "language": "str",
        "country": "str",
        "document_type": "str",
        "length": "int",
        "run": "str",
        "model_version": "str",
        "score": "float",
        "predicted": "bool",
        "control": "bool",
        "reviews": "int",
        "drafts": "int",
        "cancelled": "int",
        "reviewed_at": "str",
        "skeleton": "str",
        "entities": "int",
        "clusters": "int",
        "mentions": "int",
        "alone": "int",
        "errors": "int",
        "warnings": "int",
        "raters": "int",
    },
    "entities": {
        "sample_id": "str",
        "side": "str",
        "label": "str",
        "language": "str",
        "document_type": "str",
        "position": "float",
    },
    "mentions": {"sample_id": "str", "side": "str", "kind": "str", "language": "str"},
    "decisions": {
        "sample_id": "str",
        "verdict": "str",
        "predicted_label": "str",
        "annotated_label": "str",
        "relaxed": "bool",
        "model_version": "str",
        "person": "str",
        "language": "str",
    },
    "reviews": {
        "sample_id": "str",
        "person": "str",
        "status": "str",
        "model_version": "str",
        "language": "str",
        "updated_at": "str",
        "lead_time": "float",
        "edits": "int",
        "suspect": "bool",
        "spans": "int",
        "lint": "int",
        "recall_part": "float",
        "recall_whole": "float",
        "precision_part": "float",
        "precision_whole": "float",
    },
    "issues": {
        "sample_id": "str",
        "code": "str",
        "severity": "str",
        "author": "str",
        "language": "str",
        "count": "int",
    },
}
"""Columns and their types (`str`, `int`, `float`, `bool`) of every table."""

FORMAT = 1
"""Counts up whenever a column or its meaning changes; older caches are then built anew."""


class Located(NamedTuple):
    """A sample, the file it lies in (name within the workspace), its byte offset, and what could not be read."""

    sample: Sample
    file: str
    offset: int
    issues: list[Issue]


class Columns:
    """Collects rows of every table as lists, a list a column."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, list[Any]]] = {
            name: {column: [] for column in columns} for name, columns in TABLES.items()
        }
        self._appenders = {
            name: [column.append for column in columns.values()] for name, columns in self.tables.items()
        }

    def add(self, table: str, *values: Any) -> None:
        """Append one row; values in the order of `TABLES`."""
        for append, value in zip(self._appenders[table], values, strict=True):
            append(value)


def extract_columns(located: Iterable[Located], labels: LabelSchema) -> dict[str, dict[str, list[Any]]]:
    """The rows of all samples, in their order."""
    columns = Columns()
    for item in located:
        _extract(columns, item, labels)
    return columns.tables


def _extract(columns: Columns, item: Located, labels: LabelSchema) -> None:
    sample = item.sample
    reviews = list_latest_reviews(sample)
    prediction = sample.predictions[-1] if sample.predictions else None
    review = sample.reviews[0] if sample.reviews else None
    for side, annotation in (("predicted", prediction), ("annotated", review)):
        if annotation is not None:
            _add_spans(columns, sample, side, annotation)
    errors, warnings = _add_issues(columns, item, [*reviews, *([prediction] if prediction else [])], labels)
    for annotation in chain(reviews, (a for a in sample.annotations if a.status is not Status.SUBMITTED)):
        _add_review(columns, sample, annotation, labels)
    best = review or prediction
    skeleton = make_skeleton(sample.text, best.entities if best else ())
    in_clusters = sum(bool(mention.cluster) for mention in best.mentions) if best else 0
    columns.add(
        "samples",
        sample.sample_id,
        item.file,
        item.offset,
        sample.language,
        sample.country,
        sample.document_type,
        len(sample.text),
        str(sample.provenance.get("run") or ""),
        prediction.author.name if prediction else "",
        prediction.score if prediction else None,
        prediction is not None,
        is_control(sample),
        len(reviews),
        sum(a.status is Status.DRAFT for a in sample.annotations),
        sum(a.status is Status.CANCELLED for a in sample.annotations),
        _read_time(review) if review else "",
        hashlib.blake2b(skeleton.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
        len(best.entities) if best else 0,
        len(best.clusters) if best else 0,
        len(best.mentions) if best else 0,
        len(best.mentions) - in_clusters if best else 0,
        errors,
        warnings,
        len({annotation.author for annotation in reviews}),
    )


def _read_time(annotation: Annotation) -> str:
    return annotation.updated_at or annotation.created_at or ""


def _add_spans(columns: Columns, sample: Sample, side: str, annotation: Annotation) -> None:
    length = len(sample.text) or 1
    for entity in annotation.entities:
        columns.add(
            "entities",
            sample.sample_id,
            side,
            entity.label,
            sample.language,
            sample.document_type,
            (entity.start + entity.end) / 2 / length,
        )
    for mention in annotation.mentions:
        columns.add("mentions", sample.sample_id, side, mention.label, sample.language)


def _add_issues(columns: Columns, item: Located, annotations: list[Annotation], labels: LabelSchema) -> tuple[int, int]:
    sample = item.sample
    counts: Counter[tuple[str, str]] = Counter((issue.code, "") for issue in (*item.issues, *check_text(sample.text)))
    for annotation in annotations:
        for issue in check_annotation(sample.text, annotation, labels, sample.language, sample.country):
            counts[issue.code, annotation.author.name] += 1
    errors = 0
    for (code, author), count in counts.items():
        severity = "error" if code in ERRORS else "warning"
        errors += count if code in ERRORS else 0
        columns.add("issues", sample.sample_id, code, severity, author, sample.language, count)
    return errors, counts.total() - errors


def _add_review(columns: Columns, sample: Sample, review: Annotation, labels: LabelSchema) -> None:
    shown = None if is_control(sample) or review.status is not Status.SUBMITTED else choose_shown(sample, review)
    decisions = compare_with_review(shown, review) if shown else ()
    version = shown.author.name if shown else ""
    edits = 0
    for decision in decisions:
        edits += decision.verdict.value != "accepted"
        columns.add(
            "decisions",
            sample.sample_id,
            decision.verdict.value,
            decision.predicted.label if decision.predicted else "",
            decision.annotated.label if decision.annotated else "",
            decision.relaxed,
            version,
            review.author.name,
            sample.language,
        )
    facts = ReviewFacts(sample.sample_id, review.author.name, version, edits, len(sample.text), review.lead_time)
    b_cubed = count_b_cubed(build_clusters(review), build_clusters(shown)) if shown else None
    lint = sum(
        issue.code in {"edge_whitespace", "inside_word"}
        for issue in check_annotation(sample.text, review, labels, sample.language, sample.country)
    )
    columns.add(
        "reviews",
        sample.sample_id,
        review.author.name,
        review.status.value,
        version,
        sample.language,
        _read_time(review),
        review.lead_time,
        edits if shown else None,
        shown is not None and facts.suspect,
        len(review.entities),
        lint,
        b_cubed.recall_part if b_cubed else 0.0,
        b_cubed.recall_whole if b_cubed else 0.0,
        b_cubed.precision_part if b_cubed else 0.0,
        b_cubed.precision_whole if b_cubed else 0.0,
    )
