"""What the pages say in words and files."""

from __future__ import annotations

import base64
import gzip
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.coverage import count_workspace_coverage
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.receipt import record_pushed
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Mention
from goldspan.dashboards.highlight import mask_spans, render_html
from goldspan.dashboards.mirror.refresh import refresh_mirror
from goldspan.dashboards.ui import format_number, format_share, write_csv
from goldspan.dashboards.views import coverage, explore, handover, overview, results, runs
from goldspan.dashboards.views.overview import Funnel
from goldspan.training.gate.commands import Commands
from tests.dashboards.hostile import EVIL, add_results
from tests.dashboards.sample_data import fill_workspace, make_sample, write_tasks


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0, "0"), (1234567, "1,234,567"), (1.25, "1.2"), (12.6, "13"), (3.0, "3")]
)
def test_numbers_in_words(value: float | None, shown: str) -> None:
    assert format_number(value) == shown


def test_shares_in_words() -> None:
    assert (format_share(None), format_share(0.125), format_share(1)) == ("–", "12%", "100%")


def test_ages_in_words() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for seconds, words in (
        (5, "less than a minute ago"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (3 * 86_400, "3 days ago"),
        (-50, "less than a minute ago"),
    ):
        assert overview.describe_age(now.timestamp() - seconds, now) == words
    assert overview.describe_age(None, now) == "never"


def test_the_next_step() -> None:
    steps = {
        (10, 0, 0, 0, 0): "goldspan studio push",
        (10, 10, 0, 0, 0): "goldspan studio pull",
        (10, 10, 5, 0, 0): "goldspan studio pull",
        (10, 10, 5, 5, 0): "goldspan queue",
        (10, 10, 10, 10, 0): "goldspan gate",
        (10, 10, 10, 10, 10): "goldspan generate start",
    }
    for counts, command in steps.items():
        assert overview.suggest_step(Funnel(*counts)).command == command


def test_no_cell_of_a_csv_is_a_formula() -> None:
    frame = pl.DataFrame({"name": ["=1+1", "+2", "-3", "@x", "plain", None], "count": [-1, 2, 3, 4, 5, 6]})
    lines = write_csv(frame).splitlines()
    assert lines == ["name,count", "'=1+1,-1", "'+2,2", "'-3,3", "'@x,4", "plain,5", ",6"]
    assert write_csv(pl.DataFrame({"count": [1]})) == "count\n1\n"
    words = pl.Series("=evil()", ["\uff1d1", "plain"], dtype=pl.Categorical)
    assert write_csv(pl.DataFrame([words])) == "'=evil()\n'\uff1d1\nplain\n"


def test_files_and_their_freshness(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 10)
    mirror = refresh_mirror(workspace, labels)
    table = {row["file"]: row for row in overview.tabulate_files(mirror, workspace).iter_rows(named=True)}
    assert set(table) == {"annotation_samples/made.jsonl", "training_samples/project.jsonl"}
    assert sum(row["samples"] for row in table.values()) == 10
    assert table["training_samples/project.jsonl"]["pulled up to"] == "2026-11-21T12:00:00"
    (workspace.training_samples / "project.jsonl").unlink()
    gone = {row["file"]: row for row in overview.tabulate_files(mirror, workspace).iter_rows(named=True)}
    assert gone["training_samples/project.jsonl"]["changed"] is None


def test_a_tab_holds_the_tasks_of_one_project(small: Workspace, labels: LabelSchema) -> None:
    mirror = refresh_mirror(small, labels)
    found = explore.find_samples(mirror, explore.Query(state="several people"))
    url = urlsplit(explore.build_tab_url(small, found))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "http://127.0.0.1:8080/projects/3/data"
    tab = json.loads(gzip.decompress(base64.urlsafe_b64decode(parse_qs(url.query)["tab"][0])))
    assert tab["filters"]["conjunction"] == "or"
    tasks = [item["value"] for item in tab["filters"]["items"]]
    lines = (small.training_samples / "project.jsonl").read_bytes().splitlines()
    by_task = {record["id"]: record["data"]["sample_id"] for record in map(json.loads, lines)}
    assert [by_task[task] for task in tasks] == found["sample_id"].to_list()
    assert explore.build_tab_url(small, found.clear()) == ""
    assert explore.build_tab_url(small, pl.concat([found] * 20)) == ""


def test_a_tab_holds_samples_that_were_only_pushed(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 6, touched=0)
    found = explore.find_samples(refresh_mirror(workspace, labels), explore.Query())
    ids = found["sample_id"].to_list()
    assert explore.build_tab_url(workspace, found) == ""
    record_pushed(workspace, "http://127.0.0.1:8080/", 1, "other", ids[:3])
    record_pushed(workspace, "http://127.0.0.1:8080/", 4, "this", ids)
    url = urlsplit(explore.build_tab_url(workspace, found))
    assert f"{url.scheme}://{url.netloc}{url.path}" == "http://127.0.0.1:8080/projects/4/data"
    tab = json.loads(gzip.decompress(base64.urlsafe_b64decode(parse_qs(url.query)["tab"][0])))
    assert [item["value"] for item in tab["filters"]["items"]] == ids
    record_pushed(workspace, "javascript:alert(1)", 4, "this", ids)
    assert explore.build_tab_url(workspace, found) == ""


def test_a_link_needs_a_pull_and_a_task(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 5)
    file = "training_samples/project.jsonl"
    assert explore.build_task_url(workspace, file, {"id": 7}) == "http://127.0.0.1:8080/projects/3/data?task=7"
    assert explore.build_task_url(workspace, file, {"id": "7"}) == ""
    assert explore.build_task_url(workspace, "annotation_samples/made.jsonl", {"id": 7}) == ""
    state = workspace.training_samples / "project.state.json"
    for broken in ('{"url": "javascript:alert(1)", "project": 3}', "[]", "{", '{"project": 3}'):
        state.write_text(broken)
        assert explore.build_task_url(workspace, file, {"id": 7}) == ""


def test_differences_of_two_readings(labels: LabelSchema) -> None:
    sample = make_sample(3, labels)
    prediction, review = sample.annotations
    table = explore.list_differences(prediction, review)
    assert table.height == 1
    assert "Maria" not in table.write_csv()
    assert explore.list_differences(prediction, prediction).is_empty()


def test_results_are_read_once_for_a_stamp(workspace: Workspace, labels: LabelSchema) -> None:
    add_results(workspace, labels)
    (workspace.results / "broken.json").write_text("{}")
    stamp = results.stamp_results(workspace)
    found = results.load_results(stamp)
    assert set(found) == {"first", "**evil**<b>"}
    table = results.tabulate_results(found)
    assert table["f1"].to_list() == [result.metrics["f1_score"] for result in found.values()]
    chosen = found["first"]
    by_label = {row["label"]: row for row in results.tabulate_labels(chosen).iter_rows(named=True)}
    for label, scores in chosen.per_class_metrics.items():
        assert by_label[label]["f1"] == scores["f1_score"]
        assert by_label[label]["support"] == scores["support"]
    errors = results.tabulate_error_kinds(chosen)["errors"].sum()
    assert errors == len(chosen.errors)
    assert results.tabulate_error_positions(chosen)["errors"].sum() == errors


def test_dead_letters_of_a_run_that_is_not_there(workspace: Workspace) -> None:
    assert runs.list_dead_letters(workspace, "none").is_empty()


def test_every_character_of_a_reading_is_escaped(labels: LabelSchema) -> None:
    text = f"{EVIL} Ann"
    reading = Annotation(
        Author.model("m"), (Entity(0, 9, '"><b>'), Entity(5, 900, "CITY")), (Mention(2, 12, "MENTION", "<i>1"),)
    )
    html = render_html(text, reading, labels, show_surfaces=True).split("</style>")[1]
    assert "<img" not in html
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    plain = render_html(text, None, labels, show_surfaces=True)
    assert "&lt;script&gt;" in plain


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=6))
def test_masking_keeps_the_length_and_hides_letters(text: str, places: list[tuple[int, int]]) -> None:
    masked = mask_spans(text, places)
    assert len(masked) == len(text)
    inside = {at for start, end in places for at in range(max(start, 0), min(end, len(text)))}
    for at, (before, after) in enumerate(zip(text, masked, strict=True)):
        if at not in inside:
            assert after == before
        elif before.isalnum():
            assert after == "•"


def test_what_one_reading_misses_stays_hidden(labels: LabelSchema) -> None:
    text = "Ann met Bob."
    first = Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME"), Entity(8, 11, "FIRSTNAME")))
    second = Annotation(Author.person("p"), (Entity(0, 3, "FIRSTNAME"),))
    html = render_html(text, second, labels, show_surfaces=False, hidden=[(0, 3), (8, 11)])
    assert "Bob" not in html
    assert "Ann" not in html
    assert "Bob" in render_html(text, first, labels, show_surfaces=True, hidden=[(0, 3), (8, 11)])


def test_the_newest_version_counts_and_not_the_last_name(workspace: Workspace) -> None:
    for name, samples in (("v9", 9), ("v10", 10), ("v2", 2)):
        folder = workspace.bundles / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"data": {"samples": samples}}))
        os.utime(folder, (1_000_000, 1_000_000))
    assert [version.name for version in handover.list_versions(workspace)] == ["v2", "v9", "v10"]
    assert handover.count_handed_over(workspace) == 10
    os.utime(workspace.bundles / "v2", (2_000_000, 2_000_000))
    assert handover.count_handed_over(workspace) == 2


@pytest.mark.parametrize(
    "manifest", ['{"data": null}', "[]", "{", '{"data": {"samples": "x"}, "gate": 1, "split": []}']
)
def test_a_broken_manifest_counts_no_samples(workspace: Workspace, manifest: str) -> None:
    folder = workspace.bundles / "v1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest)
    assert handover.list_versions(workspace) == [handover.Version("v1", 0, "", "", "", "")]


def test_coverage_says_what_to_write_and_what_to_review(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 20)
    mirror = refresh_mirror(workspace, labels)
    best = handover.count_best_entities(mirror)
    cities = sum(count for (label, _), count in best.items() if label == "CITY")
    few = LabelSchema(tuple(replace(label, target=cities * (label.code == "CITY")) for label in labels.labels))
    table = coverage.tabulate_coverage(mirror, few)
    (city,) = table.filter(pl.col("label") == "CITY").iter_rows(named=True)
    assert city["gap"] > 0
    assert (city["to review"], city["to write"]) == (city["gap"], 0)
    ((what, command),) = coverage.suggest_steps(table, ["de"], Commands())
    assert "not reviewed" in what
    assert command == "goldspan studio push"
    more = LabelSchema(tuple(replace(label, target=(cities + 100) * (label.code == "CITY")) for label in labels.labels))
    table = coverage.tabulate_coverage(mirror, more)
    commands = [command for _, command in coverage.suggest_steps(table, ["de", "??"], Commands(data=" --data 'a b'"))]
    assert commands == [
        "goldspan generate start --fill-gaps --languages de --samples 20 --data 'a b'",
        "goldspan studio push --data 'a b'",
    ]
    none = LabelSchema(tuple(replace(label, target=0) for label in labels.labels))
    assert coverage.suggest_steps(coverage.tabulate_coverage(mirror, none), ["de"], Commands()) == []


def test_best_readings_are_counted_as_the_gate_counts_them(workspace: Workspace, labels: LabelSchema) -> None:
    assert handover.count_best_entities(refresh_mirror(workspace, labels)) == {}
    fill_workspace(workspace, labels, 20)
    assert handover.count_best_entities(refresh_mirror(workspace, labels)) == dict(
        count_workspace_coverage(workspace, labels)
    )


def test_the_languages_of_a_workspace_are_named(workspace: Workspace, labels: LabelSchema) -> None:
    german = replace(make_sample(1, labels), language="de")
    write_tasks(workspace.annotation_samples / "a.jsonl", [german], labels)
    mirror = refresh_mirror(workspace, labels)
    table = coverage.tabulate_coverage(mirror, labels)
    steps = coverage.suggest_steps(table, coverage.list_languages(mirror["samples"]), Commands())
    assert steps[0][1].startswith("goldspan generate start --fill-gaps --languages de --samples ")
