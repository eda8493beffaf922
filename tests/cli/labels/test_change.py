"""`goldspan labels rename|split|remove|edit` on a project."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.labels.commands import app
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.run import run_generation
from goldspan.generators.runs.settings import RunSettings


@pytest.fixture
def project(begin_project: Callable[[str], Path]) -> Path:
    return begin_project("support")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def generate(project: Path, count: int = 12) -> list[str]:
    workspace = Workspace(project / "data")
    labels = load_labels()
    run_generation(workspace, begin_run(workspace, RunSettings("offline", count, 3), labels, "r"))
    return list_used(project)


def list_used(project: Path) -> list[str]:
    samples = read_samples(project / "data" / "annotation_samples", load_labels())
    return sorted({entity.label for sample in samples if sample.best for entity in sample.best.entities})


def test_the_plan_changes_nothing_and_apply_everything(project: Path) -> None:
    assert "ORDER_ID" in generate(project)
    before = (project / "labels.toml").read_bytes()
    plan = json.loads(run("rename", "ORDER_ID", "ORDER_NUMBER", "--json").stdout)
    assert sum(count["ORDER_ID"] for count in plan["files"].values()) > 0
    assert plan["studio"] is False
    assert (project / "labels.toml").read_bytes() == before
    assert run("rename", "ORDER_ID", "ORDER_NUMBER", "--apply").exit_code == 0
    assert "ORDER_NUMBER" in list_used(project)
    assert "ORDER_ID" not in list_used(project)
    assert load_labels()["ORDER_NUMBER"].pattern == "ORD-[0-9]{6}"
    phrases = (project / "phrases" / "en.toml").read_text(encoding="utf-8")
    assert "{ORDER_NUMBER}" in phrases
    assert "{ORDER_ID}" not in phrases


def test_merge_split_and_remove(project: Path) -> None:
    generate(project)
    assert isinstance(run("rename", "PRODUCT", "ORDER_ID").exception, GoldspanError)
    assert isinstance(run("rename", "PRODUCT", "PRONOUN", "--merge").exception, GoldspanError)
    assert run("rename", "PRODUCT", "ORDER_ID", "--merge", "--apply").exit_code == 0
    assert run("split", "ORDER_ID", "EMPLOYEE_ID=^ORD", "CUSTOMER_NAME=", "--apply").exit_code == 0
    assert run("remove", "EMAIL", "--apply").exit_code == 0
    assert "phrases with EMAIL are not used" in run("check").output
    assert {"PRODUCT", "ORDER_ID", "EMAIL"}.isdisjoint(list_used(project))
    assert {"PRODUCT", "ORDER_ID", "EMAIL"}.isdisjoint(load_labels().entity_codes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rename", "ORDER", "X"), "ORDER_ID"),
        (("rename", "ORDER_ID", "ORDER_ID"), "same label"),
        (("rename", "ORDER_ID", "order number"), "capitals, digits and underscores"),
        (("split", "ORDER_ID", "EMAIL=@"), "end with NEW="),
        (("split", "ORDER_ID", "EMAIL=(", "PRODUCT="), "cannot be read"),
        (("split", "ORDER_ID", "NOTHING=@", "PRODUCT="), "NOTHING"),
        (("remove", "ORDER"), "ORDER_ID"),
        (("edit", "ORDER_ID", "target"), "FIELD=VALUE"),
        (("edit", "ORDER_ID", "target=many"), "number"),
        (("edit", "ORDER_ID", "colour=#000000"), "did you mean color"),
        (("edit", "ORDER_ID", "kind=secret"), "kind"),
        (("edit", "ORDER_ID", "validator=ibann"), "iban"),
    ],
)
def test_bad_input_changes_nothing(project: Path, arguments: tuple[str, ...], message: str) -> None:
    before = (project / "labels.toml").read_bytes()
    done = run(*arguments, *(("--apply",) if arguments[0] != "edit" else ()))
    assert isinstance(done.exception, GoldspanError)
    assert message in str(done.exception)
    assert (project / "labels.toml").read_bytes() == before
    assert not (project / "data" / "label-change.json").exists()


def test_edit_sets_and_removes_fields_and_leaves_the_rest(project: Path) -> None:
    before = (project / "labels.toml").read_text()
    assert run("edit", "ORDER_ID", "name=Order no.", "target=50", 'hints=["a", "b"]', "validator=").exit_code == 0
    label = load_labels()["ORDER_ID"]
    assert (label.name, label.target, label.hints) == ("Order no.", 50, ("a", "b"))
    assert run("edit", "ORDER_ID", "hints=", "boundary=Without the word order").exit_code == 0
    assert load_labels()["ORDER_ID"].hints == ()
    after = (project / "labels.toml").read_text()
    assert after.split("[labels.PRODUCT]")[1] == before.split("[labels.PRODUCT]")[1]


def test_an_unfinished_run_is_named(project: Path) -> None:
    workspace = Workspace(project / "data")
    begin_run(workspace, RunSettings("offline", 5, 1), load_labels(), "half")
    done = run("rename", "ORDER_ID", "ORDER_NUMBER", "--apply")
    assert "half" in str(done.exception)
    assert "ORDER_ID" in load_labels()
