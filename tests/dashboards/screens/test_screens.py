"""The logic of the pages, with Streamlit's own test driver; the walk looks at them in a browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow
import pyarrow.ipc
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from goldspan.annotation.labels.schema import LabelSchema, find_label_file, load_labels
from goldspan.annotation.labelstudio.adjudication import DisputedTask
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.example import copy_example
from goldspan.dashboards.mirror.refresh import refresh_mirror
from goldspan.dashboards.navigation import _PAGES
from goldspan.dashboards.screens import decision
from goldspan.dashboards.views import adjudication, coverage, explore, overview
from goldspan.evaluation.audit.ledger import (
    AuditEntry,
    AuditLedger,
    AuditStatus,
    find_audit_ledger,
    write_audit_ledger,
)
from goldspan.predictors.model.directory import CALIBRATION, MANIFEST, MODEL
from goldspan.training.loop.state import LoopRound, LoopState, write_state
from tests.dashboards.hostile import EVIL, add_hostile
from tests.dashboards.sample_data import add_simulation, fill_workspace

PAGES = (
    *("overview", "queue", "coverage", "disagreement", "labels", "quality", "annotators", "coreference", "results"),
    *("models", "simulation", "runs", "explore", "handover"),
)


@pytest.fixture(autouse=True)
def clear_caches() -> Iterator[None]:
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def render_page(workspace: Workspace, page: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("GOLDSPAN_DATA", str(workspace.root))

    def show(page: str) -> None:
        import importlib

        importlib.import_module(f"goldspan.dashboards.screens.{page}").draw()

    test = AppTest.from_function(show, args=(page,), default_timeout=60)
    test.run()
    assert not test.exception
    return test


def read_metrics(test: AppTest) -> dict[str, str]:
    return {metric.label.removeprefix("[").partition("]")[0]: metric.value for metric in test.metric}


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_is_told_what_to_do(
    workspace: Workspace, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = render_page(workspace, page, monkeypatch)
    assert any("goldspan" in code.value for code in test.code)
    assert not (workspace.root / ".dashboard").exists()


@pytest.mark.parametrize("page", PAGES)
def test_hostile_data_breaks_no_page(
    workspace: Workspace, labels: LabelSchema, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_hostile(workspace, labels)
    test = render_page(workspace, page, monkeypatch)
    for element in (*test.markdown, *test.caption, *test.warning, *test.error, *test.success, *test.info, *test.title):
        assert EVIL not in str(element.value)
    for element in test.metric:
        assert EVIL not in str(element.value)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_a_biomedical_project_speaks_of_personal_data(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy_example("biomedical", tmp_path)
    monkeypatch.chdir(project)
    test = render_page(Workspace(project), page, monkeypatch)
    shown = str(test)
    assert len(shown) > 500
    assert re.findall(r"(?i)personal|\bpii\b|sensitive|privacy|leak", shown) == []


def test_the_overview_shows_what_the_views_give(
    small: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = read_metrics(render_page(small, "overview", monkeypatch))
    found = overview.measure_indicators(refresh_mirror(small, labels))
    assert found.first_pass.value is not None
    assert found.kept.value is not None
    assert shown["Samples"] == str(found.samples)
    assert shown["Reviewed"] == str(found.reviewed)
    assert shown["First pass"] == f"{found.first_pass.value:.0%}"
    assert shown["Kept"] == f"{found.kept.value:.0%}"
    assert shown["Errors"] == str(found.errors)
    assert shown["Agreement"].endswith("%")


def test_a_language_filter_counts_that_language_only(
    small: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = render_page(small, "coverage", monkeypatch)
    test.multiselect(key="languages").set_value(["de"]).run()
    table = coverage.tabulate_coverage(refresh_mirror(small, labels), labels, ["de"])
    assert read_metrics(test)["Predicted"] == f"{table['predicted'].sum():,}"
    test.button[0].click().run()
    assert test.code[0].value.startswith("goldspan generate start --fill-gaps --languages de --samples ")


def test_explore_filters_and_masks(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    test = render_page(small, "explore", monkeypatch)
    by_label = {box.label: box for box in test.selectbox}
    assert any(text.value.startswith("40 samples") for text in test.text)
    by_label["State"].set_value("several people").run()
    assert any(text.value.startswith("8 samples") for text in test.text)
    html = " ".join(str(block.proto.body) for block in _iter_html(test))
    assert "gs-text" in html
    assert "Maria" not in html
    test.toggle[0].set_value(True).run()
    assert "Maria" in " ".join(str(block.proto.body) for block in _iter_html(test))
    test.text_input[0].set_value("no such id").run()
    assert "No sample matches" in test.info[0].value


def _iter_html(test: AppTest) -> Iterator[Any]:
    return iter(test.get("html"))


def test_all_checks_wait_for_a_click_on_many_samples(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from goldspan.dashboards.screens import quality

    assert "Label conflicts" in [head.value for head in render_page(small, "quality", monkeypatch).subheader]
    monkeypatch.setattr(quality, "_AUTOMATIC_CHECKS", 10)
    test = render_page(small, "quality", monkeypatch)
    assert "Label conflicts" not in [head.value for head in test.subheader]
    test.button[0].click().run()
    assert "Label conflicts" in [head.value for head in test.subheader]


def test_a_closed_gate_offers_nothing_to_freeze(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    test = render_page(small, "handover", monkeypatch)
    assert "The gate is closed" in test.error[0].value
    assert test.button[0].disabled
    commands = [code.value for code in test.code]
    assert f"goldspan generate start --fill-gaps --languages de,en,fr --data {small.root}" in commands
    assert f"goldspan gate --data {small.root}" in commands
    assert f"goldspan samples check {small.training_samples} --details" in commands


def test_freezing_says_how_large_the_splits_are_and_warns_of_empty_ones(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 40)
    (workspace.root / "gate.toml").write_text("[samples]\nreviewed = 5\n")
    path = workspace.training_samples / "project.jsonl"
    tasks = [json.loads(line) for line in path.read_text().splitlines()]
    for task in tasks:
        task["data"]["provenance"] = {"persona": "one"}
    path.write_text("".join(f"{json.dumps(task)}\n" for task in tasks) + "not json\n")
    test = render_page(workspace, "handover", monkeypatch)
    next(button for button in test.button if button.label == "Freeze version").click().run()
    assert not test.exception
    froze = next(success.value for success in test.success if success.value.startswith("Froze "))
    count = int(froze.split()[1])
    assert any(f"train {count}, validation 0, test 0" in text.value for text in test.text)
    said = [warning.value for warning in test.warning]
    assert [beginning in " ".join(said) for beginning in ("validation is empty", "test is empty")] == [True, True]
    assert any("Left out: 1 record that" in warning for warning in said)


def test_a_gate_that_asks_nothing_is_closed_while_nothing_is_reviewed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.root / "gate.toml").touch()
    test = render_page(workspace, "handover", monkeypatch)
    assert test.error[0].value == "The gate is closed: no sample is reviewed."
    assert any("sets no threshold" in text.value for text in test.text)
    assert test.button[0].disabled


@pytest.mark.parametrize("page", ["overview", "handover"])
@pytest.mark.parametrize(
    "manifest", ['{"data": null}', "[]", "{", '{"data": {"samples": "x"}, "gate": 1, "split": []}']
)
def test_a_broken_manifest_breaks_no_page(
    workspace: Workspace, labels: LabelSchema, page: str, manifest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 10)
    folder = workspace.bundles / "v1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest)
    render_page(workspace, page, monkeypatch)


def test_the_next_step_names_the_workspace(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 10, touched=0)
    (workspace.training_samples / "bad.jsonl").write_text("not json\n")
    commands = [code.value for code in render_page(workspace, "overview", monkeypatch).code]
    folders = f"{workspace.training_samples} {workspace.annotation_samples}"
    assert commands == [
        f"goldspan studio push --data {workspace.root}",
        f"goldspan samples check {folders} --details",
    ]


def test_a_changed_file_shows_at_the_next_look(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 10)
    test = render_page(workspace, "overview", monkeypatch)
    assert read_metrics(test)["Samples"] == "10"
    fill_workspace(workspace, labels, 12)
    test.run()
    assert read_metrics(test)["Samples"] == "12"


def test_runs_show_dead_letters_with_reasons(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_hostile(workspace, labels)
    test = render_page(workspace, "runs", monkeypatch)
    assert read_metrics(test)["Dead letters"] == "2"
    frames = [frame.value for frame in test.dataframe]
    reasons = next(frame for frame in frames if "items" in frame.columns)
    assert reasons["reason"].to_list() == [EVIL]
    assert reasons["items"].to_list() == [2]


def test_a_decision_is_composed_and_written_back(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[Any, Any]] = []
    place = DisputedTask("http://studio", 1, 1, small.training_samples / "x.jsonl")
    monkeypatch.setattr(adjudication, "find_place", lambda *_: place)
    monkeypatch.setattr(
        decision, "write_verdict", lambda workspace, labels, sample, place, verdict: written.append((sample, verdict))
    )
    test = render_page(small, "disagreement", monkeypatch)
    picks = [box for box in test.selectbox if box.label.startswith("Region ")]
    assert picks
    for box in picks:
        box.select(next(option for option in box.options if "bob@firm.test" in option))
    test.text_input(key="decided-by").input("Lea")
    next(button for button in test.button if button.label == "Write as ground truth").click().run()
    assert not test.exception
    [(sample, verdict)] = written
    review = next(one for one in sample.reviews if one.author.name == "bob@firm.test")
    assert [entity.span for entity in verdict.annotation.entities] == [entity.span for entity in review.entities]
    assert verdict.by == "Lea"


def test_a_refused_decision_says_why(small: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    place = DisputedTask("http://studio", 1, 1, small.training_samples / "x.jsonl")
    monkeypatch.setattr(adjudication, "find_place", lambda *_: place)
    test = render_page(small, "disagreement", monkeypatch)
    next(button for button in test.button if button.label == "Write as ground truth").click().run()
    assert not test.exception
    assert any("Say who decides" in text.value for text in test.text)


def test_a_guideline_is_written_into_the_project_s_own_schema_only(
    small: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = render_page(small, "labels", monkeypatch)
    assert not test.text_area
    own = tmp_path / "labels.toml"
    shutil.copyfile(find_label_file(), own)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(own))
    test = render_page(small, "labels", monkeypatch)
    code = test.selectbox(key="label").value
    test.text_area(key=f"guideline-{code}").input('Only "real" ones,\nno brands')
    test.text_area(key=f"wrong-{code}").input("one\n\ntwo ")
    next(button for button in test.button if button.label.startswith("Save")).click().run()
    assert not test.exception
    written = load_labels(own)[code]
    assert (written.guideline, written.wrong) == ('Only "real" ones, no brands', ("one", "two"))
    assert test.text_area(key=f"guideline-{code}").value.startswith("Only")


def test_models_show_scores_curve_and_what_people_kept(
    small: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "data")
    shutil.copytree(small.root, workspace.root)
    for number, name in enumerate(("run-1", "run-2")):
        add_model(workspace, name, 0.8 + number / 10)
    (workspace.root / "models" / "broken").mkdir()
    remembered = {"regex": str(workspace.root / "models" / "run-2")}
    (workspace.root / "models" / "serving.json").write_text(json.dumps(remembered))
    test = render_page(workspace, "models", monkeypatch)
    versions = test.dataframe[0].value
    assert versions["F1"].to_list() == [0.8, 0.9]
    assert versions["serves"].to_list() == ["", "yes"]
    kept = test.dataframe[1].value
    assert set(kept["version"]) == {"model-0", "model-1"}
    assert (kept["low"] <= kept["kept"]).all()
    assert (kept["kept"] <= kept["high"]).all()


def add_model(workspace: Workspace, name: str, f1: float) -> None:
    folder = workspace.root / "models" / name / "quantized"
    folder.mkdir(parents=True)
    scores = {"gold": "test", "system": "model", "f1": f1, "f1_interval": [f1 - 0.1, f1], "documents": 40}
    manifest = {"encoder": {"name": "tiny"}, "bundle": {"name": "v1"}, "metrics": {"evaluations": [scores]}}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / CALIBRATION).write_text(json.dumps({"curve": [[0.0, 0.9, 0.8], [1.0, 0.7, 0.95]]}))
    (folder / MODEL).write_bytes(b"")


def test_the_page_models_says_why_a_round_was_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"incumbent_f1": 0.7, "candidate_f1": 0.8, "documents": 120}
    refused = figures | {"reasons": ["recall of CITY falls by 0.20 (37 examples), at most 0.05 is allowed"]}
    promoted = figures | {"reasons": [], "kept": ["CITY"]}
    rounds = (
        LoopRound(1, "loop-1-crf", 60, False, "2026-11-26", refused),
        LoopRound(2, "loop-2-crf-kept", 100, True, "2026-11-26", promoted),
    )
    write_state(workspace, LoopState("models/loop-2-crf-kept", 100, rounds))
    test = render_page(workspace, "models", monkeypatch)
    [table] = [frame.value for frame in test.dataframe if "verdict" in frame.value.columns]
    assert list(table["verdict"]) == ["refused", "promoted"]
    assert list(table["why"]) == [refused["reasons"][0], "entities of the base stay for CITY"]
    (workspace.root / "loop" / "state.json").write_text("{")
    assert "not the state of a loop" in render_page(workspace, "models", monkeypatch).warning[0].value


def test_a_simulation_is_shown_with_its_tables(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    add_simulation(workspace)
    test = render_page(workspace, "simulation", monkeypatch)
    assert [heading.value for heading in test.subheader][2:] == ["Order", "What was simulated"]
    assert len(test.get("vega_lite_chart")) == 2
    said = [text.value for text in test.text]
    assert (said[0], said[-1]) == ("None helps.", "Truth: made.")


def test_what_an_audit_doubts_is_on_the_quality_page(
    small: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = refresh_mirror(small, labels)["samples"]["sample_id"].to_list()[:4]
    states = (("open", 3, False), ("open", 0, True), ("corrected", 0, True), ("confirmed", 0, True))
    entries = {
        name: AuditEntry("0" * 12, "auditor-1", findings, AuditStatus(status), "2026-11-20T10:00:00+00:00", random)
        for name, (status, findings, random) in zip(ids, states, strict=True)
    }
    write_audit_ledger(find_audit_ledger(small), AuditLedger(entries))
    try:
        test = render_page(small, "quality", monkeypatch)
    finally:
        find_audit_ledger(small).unlink()
    shown = read_metrics(test)
    assert (shown["Open"], shown["Corrected"], shown["Confirmed"], shown["Errors left"]) == ("2", "1", "1", "50%")
    first = test.dataframe[0].value
    assert first["sample id"].to_list() == ids[:2]
    assert first["why"].to_list() == ["found", "drawn at random"]


def list_links(test: AppTest) -> set[str]:
    """The addresses in figures and texts, in the rows of tables, and behind the marks of charts."""
    links: set[str] = set()
    for element in (*test.metric, *test.markdown, *test.caption):
        links |= set(re.findall(r"\]\((/[^)\s]*)\)", str(element.proto)))
    for frame in test.dataframe:
        if "show samples" in frame.value.columns:
            links |= set(frame.value["show samples"])
    for chart in test.get("vega_lite_chart"):
        for data in chart.proto.datasets:
            table = pyarrow.ipc.open_stream(data.data.data).read_all()
            links |= set(table["link"].to_pylist()) if "link" in table.column_names else set()
    return links


@pytest.mark.parametrize("page", [page for page in PAGES if page not in {"coreference", "simulation", "explore"}])
def test_every_link_of_a_page_leads_to_samples_or_to_a_page(
    small: Workspace, labels: LabelSchema, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = [urlsplit(link) for link in list_links(render_page(small, page, monkeypatch))]
    mirror, empty = refresh_mirror(small, labels), []
    for link in links:
        if link.path != "/explore":
            assert link.path.strip("/") in {title.lower() for _, title, _ in _PAGES}
            continue
        many = {"language", "label", "document_type"}
        given = {n: tuple(v) if n in many else v[0] for n, v in parse_qs(link.query, strict_parsing=True).items()}
        if explore.find_samples(mirror, explore.Query(**given)).is_empty():  # type: ignore[arg-type]
            empty.append(link.query)
    assert links or page in {"models", "runs", "results"}
    if page in {"queue", "quality", "annotators"}:
        assert empty == []
    else:
        assert len(empty) < len(links) or not links
