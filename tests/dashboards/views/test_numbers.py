"""Every number on a page equals the one that the engines below give for the same workspace."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from goldspan.annotation.corpus.inspection import inspect_files
from goldspan.annotation.corpus.quality.measure import measure_quality
from goldspan.annotation.corpus.statistics import count_samples
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import raise_error
from goldspan.annotation.tasks.store import list_files, read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, Status
from goldspan.dashboards.mirror.extract import StoredSample, extract_rows
from goldspan.dashboards.mirror.refresh import Mirror, refresh_mirror
from goldspan.dashboards.mirror.sources import load_samples
from goldspan.dashboards.mirror.tables import make_frame
from goldspan.dashboards.views import annotators, coreference, coverage, explore, overview, quality
from goldspan.dashboards.views.overview import Funnel
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.agreement import measure_agreement
from tests.strategies import LABELS


@pytest.fixture(scope="module")
def mirror(small: Workspace, labels: LabelSchema) -> Mirror:
    return refresh_mirror(small, labels)


@pytest.fixture(scope="module")
def samples(small: Workspace, labels: LabelSchema) -> list[Sample]:
    """Every sample once, the record with people's work first: what the commands read."""
    files = list_files([small.training_samples, small.annotation_samples])
    once: dict[str, Sample] = {}
    for sample in read_samples(files, labels, raise_error, tolerant=True):
        once.setdefault(sample.sample_id, sample)
    return list(once.values())


def test_counts_are_those_of_samples_stats(mirror: Mirror, samples: list[Sample], labels: LabelSchema) -> None:
    counts = count_samples(samples)
    found = overview.measure_indicators(mirror)
    assert (found.samples, found.predicted, found.reviewed) == (counts.samples, counts.predicted, counts.reviewed)
    assert mirror["samples"]["length"].sum() == counts.characters
    clusters = coreference.count_clusters(mirror)
    assert (clusters.clusters, clusters.mentions) == (counts.clusters, counts.mentions)
    best = Counter[str]()
    for side, wanted in (("annotated", True), ("predicted", False)):
        kept = mirror["samples"].filter((pl.col("reviews") > 0) == wanted).select("sample")
        rows = mirror["entities"].filter(pl.col("side") == side).join(kept, on="sample", how="semi")
        best.update(rows["label"].cast(pl.String).to_list())
    assert best == counts.entities
    types = coverage.tabulate_document_types(mirror)
    assert dict(types.group_by("document_type").agg(pl.col("samples").sum()).iter_rows()) == counts.document_types


def test_coverage_counts_reviewed_and_predicted_entities(
    mirror: Mirror, samples: list[Sample], labels: LabelSchema
) -> None:
    annotated = Counter(e.label for sample in samples if sample.reviews for e in sample.reviews[0].entities)
    predicted = Counter(e.label for sample in samples for e in sample.predictions[-1].entities)
    table = coverage.tabulate_coverage(mirror, labels)
    for row in table.iter_rows(named=True):
        assert row["annotated"] == annotated[row["label"]]
        assert row["predicted"] == predicted[row["label"]]
        assert row["gap"] == max(0, row["target"] - row["annotated"])
    german = coverage.tabulate_coverage(mirror, labels, ["de"])
    assert german["predicted"].sum() == sum(len(s.predictions[-1].entities) for s in samples if s.language == "de")
    cells = coverage.tabulate_cells(mirror, labels, "predicted")
    assert cells["count"].sum() == sum(predicted.values())
    positions = coverage.tabulate_positions(mirror, "predicted")
    assert positions["entities"].sum() == sum(predicted.values())
    assert positions.height == coverage.POSITION_BINS


def test_acceptance_is_that_of_the_command(mirror: Mirror, samples: list[Sample]) -> None:
    report = measure_acceptance(samples)
    for by, expected in (("label", report.by_label), ("model_version", report.by_model), ("person", report.by_person)):
        table = {row[by]: row for row in quality.tabulate_acceptance(mirror, [by]).iter_rows(named=True)}
        assert table.keys() == expected.keys()
        for name, tally in expected.items():
            row = table[name]
            assert [row[outcome] for outcome in quality.OUTCOMES] == [getattr(tally, name) for name in quality.OUTCOMES]
            assert (row["predicted"], row["annotated"]) == (tally.predicted, tally.annotated)
            assert row["touch rate"] == pytest.approx(tally.touch_rate)
    crossed = quality.tabulate_acceptance(mirror, ["label", "model_version"])
    for name, tally in report.by_model.items():
        assert crossed.filter(pl.col("model_version") == name)["accepted"].sum() == tally.accepted
    found = overview.measure_indicators(mirror)
    assert found.first_pass.value == pytest.approx(report.first_pass_acceptance)
    assert found.first_pass.cases == len(report.reviews)
    assert found.kept.cases == report.total.predicted
    assert found.kept.value == pytest.approx(report.total.accepted / report.total.predicted)
    assert (found.first_pass.interval, found.kept.interval) == (
        pytest.approx(report.first_pass_interval),
        pytest.approx(report.precision_interval),
    )
    assert int(mirror["reviews"]["suspect"].sum()) == len(report.suspects)
    confused = quality.list_confused(quality.tabulate_confusion(mirror), most=1000)
    assert {(a, b): n for a, b, n in confused.iter_rows()} == dict(report.relabelled)


def test_agreement_is_that_of_the_command(
    mirror: Mirror, samples: list[Sample], small: Workspace, labels: LabelSchema
) -> None:
    for models in (False, True):
        shared = annotators.find_shared(mirror, models=models)
        report = measure_agreement(load_samples(small, shared, labels), models=models)
        expected = measure_agreement(samples, models=models)
        assert report.exact == expected.exact
        assert report.samples == expected.samples
        assert report.alpha == expected.alpha
        assert report.pairs == expected.pairs
        pairs = annotators.tabulate_pairs(report)
        assert pairs.height == 2 * len(expected.pairs)
    people = measure_agreement(samples)
    table = annotators.join_agreement(annotators.tabulate_annotators(mirror), people)
    ann = table.row(by_predicate=pl.col("person") == "ann@firm.test", named=True)
    assert ann["compared"] == people.samples
    assert ann["agreement"] == pytest.approx(people.exact.measure_f())
    assert (ann["low"], ann["high"]) == pytest.approx(people.exact_interval)


def test_issues_are_those_of_samples_check(workspace: Workspace, small: Workspace, labels: LabelSchema) -> None:
    target = workspace.training_samples / "project.jsonl"
    target.parent.mkdir()
    target.write_bytes((small.training_samples / "project.jsonl").read_bytes())
    mirror = refresh_mirror(workspace, labels)
    expected = inspect_files([target], labels)
    assert expected.refused == 0
    table = quality.tabulate_issues(mirror)
    assert dict(table.select("code", "issues").iter_rows()) == dict(expected.counts)
    found = overview.measure_indicators(mirror)
    assert (found.errors, found.warnings) == (expected.errors, expected.warnings)
    assert found.errors > 0
    assert found.warnings > 0
    samples = mirror["samples"]
    assert (samples["errors"].sum(), samples["warnings"].sum()) == (expected.errors, expected.warnings)
    invalid = quality.tabulate_invalid_values(mirror)
    assert invalid["issues"].sum() == expected.counts["invalid_value"]
    assert "IBAN" in invalid["label"].to_list()


def test_quality_checks_are_those_of_samples_quality(
    mirror: Mirror, samples: list[Sample], small: Workspace, labels: LabelSchema
) -> None:
    report = measure_quality(load_samples(small, mirror["samples"], labels), labels)
    expected = measure_quality(samples, labels)
    assert report == expected
    conflict = next(check for check in expected.checks if check.code == "label_conflict")
    conflicts = quality.tabulate_conflicts(report)
    assert dict(conflicts.iter_rows()) == conflict.info["surfaces_by_labels"]
    assert conflicts.height > 0
    assert quality.tabulate_quality(report).height == len(expected.checks)


def test_people_are_counted_once_each(mirror: Mirror, samples: list[Sample]) -> None:
    table = {row["person"]: row for row in annotators.tabulate_annotators(mirror).iter_rows(named=True)}
    submitted = Counter(review.author.name for sample in samples for review in list_latest_reviews(sample))
    drafts = Counter(a.author.name for s in samples for a in s.annotations if a.status is Status.DRAFT)
    skipped = Counter(a.author.name for s in samples for a in s.annotations if a.status is Status.CANCELLED)
    for person, row in table.items():
        assert row["submitted"] == submitted[person]
        assert (row["drafts"], row["skipped"]) == (drafts[person], skipped[person])


def test_funnel(mirror: Mirror, samples: list[Sample]) -> None:
    untouched = next(sample.sample_id for sample in samples if len(sample.annotations) == 1)
    touched = sum(len(sample.annotations) > 1 for sample in samples)
    reviewed = sum(bool(sample.reviews) for sample in samples)
    funnel = overview.count_funnel(mirror, {untouched, "gone"}, 3)
    assert funnel == Funnel(len(samples), touched + 1, touched, reviewed, 3)


def test_days_and_what_is_left(mirror: Mirror, samples: list[Sample]) -> None:
    days = overview.count_days(mirror, 14, today=date(2026, 11, 21))
    dates = Counter(str(review.created_at)[:10] for sample in samples for review in list_latest_reviews(sample))
    assert {str(day): count for day, count in days.iter_rows() if count} == dict(dates)
    assert days.height == 14
    found = overview.measure_indicators(mirror, today=date(2026, 11, 21))
    assert found.per_day == pytest.approx(sum(dates.values()) / 3)
    assert found.days_left == pytest.approx((found.samples - found.reviewed) / found.per_day)
    late = overview.measure_indicators(mirror, today=date(2027, 1, 1))
    assert late.per_day == 0
    assert late.days_left is None


def test_find_samples(mirror: Mirror, samples: list[Sample]) -> None:
    def find(**query: Any) -> set[str]:
        return set(explore.find_samples(mirror, explore.Query(**query))["sample_id"])

    assert find() == {sample.sample_id for sample in samples}
    assert find(language=("fr",)) == {s.sample_id for s in samples if s.language == "fr"}
    assert find(state="reviewed") == {s.sample_id for s in samples if s.reviews}
    assert find(state="not reviewed") == {s.sample_id for s in samples if not s.reviews}
    assert find(state="several people") == {s.sample_id for s in samples if len(s.reviews) > 1}
    assert find(state="control") == {s.sample_id for s in samples if s.provenance.get("control")}
    assert find(label=("COMPANYNAME",)) == {
        s.sample_id
        for s in samples
        if any(e.label == "COMPANYNAME" for a in (*s.reviews[:1], *s.predictions[-1:]) for e in a.entities)
    }
    assert find(sample=samples[0].sample_id[:12]) == {samples[0].sample_id}
    report = measure_acceptance(samples)
    assert find(state="changed") == {review.sample_id for review in report.reviews if review.edits}
    assert find(state="suspect") == {review.sample_id for review in report.suspects}
    assert find(state="unchanged") == {review.sample_id for review in report.reviews if not review.edits}
    assert find(state="repeated skeleton")
    assert find(issue="invalid_value")
    assert not find(issue="empty_text")


def extract(*annotations: Annotation) -> Mirror:
    sample = Sample("x" * 20, "en", annotations=annotations, sample_id="s")
    rows = extract_rows([StoredSample(sample, "a.jsonl", 0, [])], LABELS)
    return Mirror({name: make_frame(name, table) for name, table in rows.items()}, "v")


def test_a_decision_between_two_people_is_no_acceptance() -> None:
    shown = Annotation(Author.model("m"), (Entity(0, 5, "CITY"),))
    people = [
        Annotation(Author.person(name), (Entity(0, 5, label),)) for name, label in (("ann", "CITY"), ("bob", "ZIP"))
    ]
    decision = replace(people[0], author=Author.person("lead"), ground_truth=True)
    frames = extract(shown, *people, decision)
    assert sorted(frames["decisions"]["person"].cast(pl.String)) == ["ann", "bob"]
    assert sorted(frames["reviews"]["person"].cast(pl.String)) == ["ann", "bob", "lead"]


def test_clusters_that_no_model_looks_for_are_not_measured() -> None:
    mentions = (Mention(0, 2, "MENTION", "1"), Mention(3, 5, "PRONOUN", "1"))
    review = Annotation(Author.person("ann"), mentions=mentions)
    for found, f1 in (
        ((), None),
        (mentions, 1.0),
        ((Mention(8, 9, "MENTION", "2"), Mention(9, 10, "MENTION", "2")), 0.0),
    ):
        frames = extract(Annotation(Author.model("m"), mentions=found), review)
        assert coreference.count_clusters(frames).b_cubed.f1 == f1
