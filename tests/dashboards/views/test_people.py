"""Disagreement, Labels and Queue: their figures are those of the samples."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from goldspan.annotation.corpus.queue import is_reserved
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.cli.queue import app
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.mirror.refresh import Mirror, refresh_mirror
from goldspan.dashboards.views import annotators, disagreement, explore, models, queue
from goldspan.dashboards.views import labels as unclear
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review
from tests.dashboards.sample_data import make_sample, write_tasks


@pytest.fixture(scope="module")
def mirror(small: Workspace, labels: LabelSchema) -> Mirror:
    return refresh_mirror(small, labels)


@pytest.fixture(scope="module")
def samples(small: Workspace, labels: LabelSchema) -> list[Sample]:
    """Every sample once, its reviewed record first."""
    found = read_samples([small.training_samples, small.annotation_samples], labels, tolerant=True)
    return list({sample.sample_id: sample for sample in reversed(list(found))}.values())


def test_pairs_of_labels_are_the_differences_of_people(mirror: Mirror, samples: list[Sample]) -> None:
    expected: Counter[str] = Counter()
    where: dict[str, set[str]] = {}
    for sample in samples:
        for one, other in combinations(list_latest_reviews(sample), 2):
            for found in compare_with_review(one, other):
                if found.outcome is not RegionOutcome.ACCEPTED:
                    pair = explore.name_pair(
                        found.predicted.label if found.predicted else "",
                        found.annotated.label if found.annotated else "",
                    )
                    expected[pair] += 1
                    where.setdefault(pair, set()).add(sample.sample_id)
    table = disagreement.tabulate_label_pairs(mirror)
    assert dict(zip(table["labels"], table["regions"], strict=True)) == dict(expected)
    kinds = table.select("another label", "other boundaries", "missed by one").sum_horizontal()
    assert kinds.to_list() == table["regions"].to_list()
    for pair, ids in where.items():
        assert set(explore.find_samples(mirror, explore.Query(disagreement=pair))["sample_id"]) == ids
        assert set(disagreement.list_samples(mirror, pair)["sample_id"]) == ids
    everything = disagreement.list_samples(mirror)
    assert everything["disagreements"].sum() == expected.total()
    assert set(everything["people"]) == {"ann@firm.test, bob@firm.test"}
    assert disagreement.list_people(mirror) == ["ann@firm.test", "bob@firm.test"]
    assert disagreement.list_samples(mirror, person="nobody").is_empty()


def test_doubts_about_regions_reach_their_labels(workspace: Workspace, labels: LabelSchema) -> None:
    doubted, other = make_sample(1, labels), make_sample(6, labels)
    [review] = doubted.reviews
    city = next(entity for entity in review.entities if entity.label == "CITY")

    def doubt(region: str) -> dict[str, Any]:
        value = {"choices": ["boundary", "label"]}
        return {"id": region, "from_name": "doubt", "to_name": "text", "type": "choices", "value": value}

    said = json.dumps([doubt(city.id), doubt("gone")])
    record = replace(doubted, annotations=(doubted.annotations[0], replace(review, other=said)))
    write_tasks(workspace.training_samples / "a.jsonl", [record, other], labels, task_ids=True)
    mirror = refresh_mirror(workspace, labels)
    table = {row["label"]: row["unsure"] for row in unclear.tabulate_unclear(mirror, labels).iter_rows(named=True)}
    assert {label: count for label, count in table.items() if count} == {"CITY": 1}
    assert set(unclear.tabulate_doubts(mirror, "CITY").iter_rows()) == {
        ("Unsure where it begins or ends", 1),
        ("Unsure which label", 1),
    }
    assert unclear.tabulate_doubts(mirror, "ZIP").is_empty()
    found = explore.find_samples(mirror, explore.Query(state="unsure"))
    assert found["sample_id"].to_list() == [doubted.sample_id]


def test_unclear_labels_are_those_that_people_changed(
    mirror: Mirror, samples: list[Sample], labels: LabelSchema
) -> None:
    compared = [
        {entity.label for entity in (found.predicted, found.annotated) if entity}
        for sample in samples
        for one, other in combinations(list_latest_reviews(sample), 2)
        for found in compare_with_review(one, other)
    ]
    table = {row["label"]: row for row in unclear.tabulate_unclear(mirror, labels).iter_rows(named=True)}
    decisions = mirror["decisions"].with_columns(pl.col(pl.Categorical).cast(pl.String))
    relabelled = decisions.filter(pl.col("outcome") == "relabelled")
    company = table["COMPANYNAME"]
    assert company["relabelled"] == relabelled.filter(pl.col("annotated_label") == "COMPANYNAME").height > 0
    assert company["unclear"] == pytest.approx(
        (company["relabelled"] + company["resized"] + company["disagreed"]) / company["regions"]
    )
    assert company["low"] < company["unclear"] <= company["high"]
    assert next(iter(table)) == "COMPANYNAME"
    assert {row["unclear"] for row in table.values() if not row["regions"]} == {None}
    for code, row in table.items():
        told = decisions.filter(pl.any_horizontal(pl.col("predicted_label", "annotated_label") == code)).height
        told += len([one for one in compared if code in one])
        assert row["regions"] == told, code
    swaps = unclear.tabulate_alternatives(mirror, "COMPANYNAME")
    assert swaps.filter(pl.col("annotated") == "COMPANYNAME")["regions"].sum() == company["relabelled"]


def test_a_label_is_as_clear_as_two_people_who_agree_on_it(workspace: Workspace, labels: LabelSchema) -> None:
    """One region of many differs; that the others are alike counts, and a sample with many regions is one case."""
    sample = make_sample(1, labels)
    [review] = sample.reviews
    cities = [entity for entity in review.entities if entity.label == "CITY"]
    other = replace(review, author=replace(review.author, name="bob@firm.test"))
    changed = replace(other, entities=tuple(replace(e, label="STATE") if e in cities else e for e in review.entities))
    record = replace(sample, annotations=(review, changed))
    write_tasks(workspace.training_samples / "a.jsonl", [record], labels, task_ids=True)
    rows = unclear.tabulate_unclear(refresh_mirror(workspace, labels), labels).iter_rows(named=True)
    table = {row["label"]: row for row in rows if row["regions"]}
    assert (table["CITY"]["unclear"], table["CITY"]["regions"]) == (1.0, len(cities))
    alike = {entity.label for entity in review.entities} - {"CITY"}
    assert alike
    assert {table[label]["unclear"] for label in alike} == {0.0}


def test_the_page_and_the_command_choose_the_same_samples(
    small: Workspace, mirror: Mirror, labels: LabelSchema
) -> None:
    found = queue.plan_queue(mirror, labels, size=10, seed=3)
    shown = CliRunner().invoke(app, ["--data", str(small.root), "--size", "10", "--seed", "3", "--json"])
    assert shown.exit_code == 0
    told = json.loads(shown.stdout)
    assert [entry["sample_id"] for entry in told["entries"]] == [entry.sample_id for entry in found.entries]
    assert [tuple(entry["reasons"]) for entry in told["entries"]] == [entry.reasons for entry in found.entries]
    assert told["waiting"] == found.waiting
    waiting = mirror["samples"].filter((pl.col("reviews") == 0) & (pl.col("drafts") == 0))
    assert found.waiting == waiting.height < mirror["samples"].filter(pl.col("reviews") == 0).height
    first = found.entries[0].sample_id
    less = queue.plan_queue(mirror, labels, size=10, seed=3, exclude={first})
    assert first not in [entry.sample_id for entry in less.entries]
    assert less.waiting == found.waiting - 1
    table = queue.tabulate_queue(found, {found.entries[0].sample_id})
    assert table["pushed"].to_list() == [True, *[False] * 9]


def test_progress_is_that_of_the_reserve_alone(mirror: Mirror, samples: list[Sample]) -> None:
    reviewed, first_pass, kept = queue.measure_reserve(mirror, 0)
    chosen = [s for s in samples if s.reviews and is_reserved(s.sample_id) and not s.provenance.get("control")]
    assert reviewed == len(chosen)
    assert first_pass.cases == sum(len(list_latest_reviews(sample)) for sample in chosen)
    assert kept.interval is None or kept.interval[0] <= (kept.value or 0) <= kept.interval[1]


def test_a_link_holds_its_filter() -> None:
    assert link_samples() == "/explore"
    assert link_samples(label="A&B", state="") == "/explore?label=A%26B"
    with pytest.raises(TypeError, match="colour"):
        link_samples(colour="red")


def test_a_region_must_meet_all_conditions_at_once(mirror: Mirror) -> None:
    every = explore.find_samples(mirror, explore.Query(outcome="relabelled"))
    one = mirror["decisions"].filter(pl.col("outcome") == "relabelled").row(0, named=True)
    pair = explore.Query(outcome="relabelled", predicted=one["predicted_label"], annotated=one["annotated_label"])
    assert 0 < explore.find_samples(mirror, pair).height <= every.height
    assert explore.find_samples(mirror, explore.Query(outcome="added", predicted="CITY")).is_empty()
    added = explore.find_samples(mirror, explore.Query(outcome="rejected", annotated=explore.NONE))
    assert set(added["sample_id"]) == set(explore.find_samples(mirror, explore.Query(outcome="rejected"))["sample_id"])
    day = explore.list_days(mirror)[0]
    assert explore.find_samples(mirror, explore.Query(day=day, person="ann@firm.test")).height > 0


def test_quick_reviews_are_counted_with_n_and_interval(mirror: Mirror, samples: list[Sample]) -> None:
    table = annotators.tabulate_quick_reviews(mirror)
    rows = mirror["reviews"].filter((pl.col("model_version") != "") & (pl.col("status") == "submitted"))
    timed = rows.filter(pl.col("lead_time").is_not_null())
    assert table["timed"].sum() == timed.height > 0
    assert round(float((table["quick"] * table["timed"]).sum())) == timed["suspect"].sum()
    assert (table["low"] <= table["quick"]).all()
    assert (table["quick"] <= table["high"]).all()
    assert not table.filter(pl.col("timed") < annotators.MIN_REVIEWS)["stands out"].any()


def test_kept_regions_by_version_are_the_decisions_of_people(mirror: Mirror) -> None:
    table = models.tabulate_kept(mirror)
    decisions = mirror["decisions"].filter(pl.col("outcome") != "added")
    assert table["regions"].sum() == decisions.height > 0
    kept = round(float((table["kept"] * table["regions"]).sum()))
    assert kept == decisions.filter(pl.col("outcome") == "accepted").height
    assert set(table["version"]) == set(decisions["model_version"].cast(pl.String))
