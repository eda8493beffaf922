"""Convert samples to the rows of the mirror tables. `dashboards.mirror.tables` documents the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain, combinations, islice
from typing import NamedTuple

from goldspan.annotation.checks import ERRORS, Issue, check_annotation, check_text, check_writing
from goldspan.annotation.corpus.queue import hash_skeleton, make_candidate
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.fields import list_columns
from goldspan.annotation.tasks.feedback import read_feedback
from goldspan.annotation.tasks.regions import read_text
from goldspan.annotation.types import Annotation, Entity, Mention, Sample, Status
from goldspan.dashboards.mirror.tables import Rows, make_rows
from goldspan.evaluation.matching.annotations import find_shown_prediction, is_control, list_latest_reviews, list_raters
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review
from goldspan.evaluation.people.acceptance_report import ReviewFacts
from goldspan.evaluation.scores.coreference import RatioCounts, build_clusters, count_b_cubed

_BOUNDARY = frozenset({"edge_whitespace", "inside_word"})
_NO_COUNTS = RatioCounts()
_BATCH = 256
"""Samples that are decoded before their rows are built: taking turns for each sample takes a seventh more time."""
_DISAGREEMENTS = {
    RegionOutcome.RELABELLED: "label",
    RegionOutcome.RESIZED: "boundary",
    RegionOutcome.REJECTED: "missed by second",
    RegionOutcome.ADDED: "missed by first",
}


class StoredSample(NamedTuple):
    """A sample, its file (name within the workspace), its byte offset, the issues found while decoding it, its task."""

    sample: Sample
    file: str
    offset: int
    issues: list[Issue]
    task: int | None = None


def extract_rows(stored: Iterable[StoredSample], labels: LabelSchema) -> Rows:
    """Build the rows of all samples, in input order."""
    rows = make_rows()
    numbered = enumerate(stored)
    while batch := list(islice(numbered, _BATCH)):
        for number, item in batch:
            _extract(rows, number, item, labels)
    return rows


def _extract(rows: Rows, number: int, item: StoredSample, labels: LabelSchema) -> None:
    sample = item.sample
    submitted = sample.reviews
    latest = submitted if len(submitted) < 2 else list_latest_reviews(sample)
    raters = submitted if len(submitted) < 2 else list_raters(sample)
    prediction = sample.predictions[-1] if sample.predictions else None
    review = submitted[0] if submitted else None
    control = is_control(sample)
    for side, annotation in (("predicted", prediction), ("annotated", review)):
        if annotation is not None:
            _add_spans(rows, number, len(sample.text) or 1, side, annotation)
    checked = _check(sample, labels)
    errors, warnings = _add_issues(rows, number, item, checked)
    drafts = cancelled = 0
    for annotation, issues in zip(sample.annotations, checked, strict=True):
        if annotation.author.is_model:
            continue
        drafts += annotation.status is Status.DRAFT
        cancelled += annotation.status is Status.CANCELLED
        if annotation.status is not Status.SUBMITTED or any(annotation is one for one in latest):
            guided = not control and any(annotation is one for one in raters)
            _add_review(rows, number, sample, annotation, issues, guided=guided)
    best = review or prediction
    candidate = make_candidate(sample)
    for first, second in combinations(raters if len(submitted) > 1 else (), 2):
        _add_comparison(rows, number, first, second)
    rows["samples"].append(
        (
            sample.sample_id,
            item.file,
            item.offset,
            sample.language,
            sample.country,
            sample.document_type,
            " · ".join(f"{name} {value}" for name, value in list_columns(sample.provenance).items()),
            len(sample.text),
            read_text(sample.provenance.get("run") or ""),
            prediction.author.name if prediction else "",
            prediction.score if prediction else None,
            prediction is not None,
            control,
            len(latest),
            drafts,
            cancelled,
            any(one.ground_truth for one in submitted),
            _read_time(review) if review else "",
            candidate.group if best is prediction and best else hash_skeleton(sample.text, best),
            *(_count_spans(best) if best else (0, 0, 0, 0)),
            errors,
            warnings,
            candidate.tokens,
            candidate.uncertainty,
            candidate.disagreement,
            item.task,
        )
    )


def _read_time(annotation: Annotation) -> str:
    return str(annotation.updated_at or annotation.created_at or "")


def _count_spans(best: Annotation) -> tuple[int, int, int, int]:
    """Count entities, clusters, mentions, and mentions without a cluster."""
    clusters = {mention.cluster for mention in best.mentions if mention.cluster}
    unclustered = sum(not mention.cluster for mention in best.mentions)
    return len(best.entities), len(clusters), len(best.mentions), unclustered


def _add_spans(rows: Rows, number: int, length: int, side: str, annotation: Annotation) -> None:
    rows["entities"] += [
        (number, side, entity.label, (entity.start + entity.end) / 2 / length) for entity in annotation.entities
    ]
    rows["mentions"] += [(number, side, mention.label) for mention in annotation.mentions]


def _check(sample: Sample, labels: LabelSchema) -> list[list[Issue]]:
    """Check each annotation; an annotation equal to its predecessor reuses its issues."""
    checked: list[list[Issue]] = []
    for index, annotation in enumerate(sample.annotations):
        before = sample.annotations[index - 1]
        if index and annotation.entities == before.entities and annotation.mentions == before.mentions:
            checked.append([replace(issue, annotation_index=index) for issue in checked[-1]])
        else:
            checked.append(check_annotation(sample.text, annotation, labels, sample.language, sample.country, index))
    return checked


def _add_issues(rows: Rows, number: int, item: StoredSample, checked: list[list[Issue]]) -> tuple[int, int]:
    """Add the issues of a sample; return the numbers of errors and warnings."""
    found = [*item.issues, *check_text(item.sample.text), *check_writing(item.sample), *chain.from_iterable(checked)]
    if not found:
        return 0, 0
    counts: Counter[tuple[str, str, str]] = Counter()
    annotations = item.sample.annotations
    for issue in found:
        annotation = annotations[issue.annotation_index] if issue.annotation_index >= 0 else None
        label = _find_label(annotation, issue) if annotation else ""
        counts[issue.code, label, annotation.author.name if annotation else ""] += 1
    errors = 0
    for (code, label, author), count in counts.items():
        is_error = code in ERRORS
        errors += count if is_error else 0
        rows["issues"].append((number, code, "error" if is_error else "warning", label, author, count))
    return errors, counts.total() - errors


def _find_label(annotation: Annotation, issue: Issue) -> str:
    """Find the label of the span an issue refers to; empty if it refers to no single span."""
    for span in chain[Entity | Mention](annotation.entities, annotation.mentions):
        if (span.start, span.end) == (issue.start, issue.end):
            return span.label
    return ""


def _add_comparison(rows: Rows, number: int, first: Annotation, second: Annotation) -> None:
    """Compare two people's reviews; the one whose name sorts first is `first`."""
    first, second = sorted((first, second), key=lambda review: review.author.name)
    alike: Counter[str] = Counter()
    for decision in compare_with_review(first, second):
        labels = [entity.label if entity else "" for entity in (decision.predicted, decision.annotated)]
        if decision.outcome is RegionOutcome.ACCEPTED:
            alike[labels[0]] += 1
            continue
        rows["disagreements"].append(
            (number, _DISAGREEMENTS[decision.outcome], *labels, first.author.name, second.author.name)
        )
    rows["agreements"] += [(number, label, count) for label, count in alike.items()]


def _add_review(
    rows: Rows, number: int, sample: Sample, review: Annotation, issues: list[Issue], *, guided: bool
) -> None:
    shown = find_shown_prediction(sample, review) if guided else None
    version = shown.author.name if shown else ""
    person = review.author.name
    edits = 0
    for decision in compare_with_review(shown, review) if shown else ():
        edits += decision.outcome is not RegionOutcome.ACCEPTED
        rows["decisions"].append(
            (
                number,
                decision.outcome.value,
                decision.predicted.label if decision.predicted else "",
                decision.annotated.label if decision.annotated else "",
                decision.relaxed,
                version,
                person,
            )
        )
    facts = ReviewFacts(sample.sample_id, person, version, edits, len(sample.text), review.lead_time)
    feedback = read_feedback(review)
    labels = {one.id: one.label for one in review.entities} | {one.id: one.label for one in review.mentions}
    rows["doubts"] += [
        (number, person, label, doubt.value)
        for region, label in labels.items()
        for doubt in sorted(feedback.doubts.get(region, ()))
    ]
    b_cubed = count_b_cubed(build_clusters(review), build_clusters(shown)) if shown else _NO_COUNTS
    rows["reviews"].append(
        (
            number,
            person,
            review.status.value,
            version,
            _read_time(review),
            review.lead_time,
            edits if shown else None,
            shown is not None and facts.suspect,
            " ".join(sorted(feedback.choices)),
            len(feedback.notes),
            len(review.entities),
            sum(issue.code in _BOUNDARY for issue in issues),
            b_cubed.recall_part,
            b_cubed.recall_whole,
            b_cubed.precision_part,
            b_cubed.precision_whole,
        )
    )
