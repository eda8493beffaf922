from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.privacy import app
from tests.privacy.canary import NAME, fill_workspace, grep


@pytest.fixture
def workspace(tmp_path: Path, labels: LabelSchema) -> Workspace:
    return fill_workspace(tmp_path / "data", labels)


def call(workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    shown = CliRunner().invoke(app, [*arguments, "--data", str(workspace.root)])
    return shown.exit_code, shown.stdout, shown.stderr


def test_a_plan_is_shown_and_only_yes_erases(workspace: Workspace) -> None:
    before = grep(workspace.root)
    code, shown, said = call(workspace, "erase", NAME, "--dry-run")
    assert (code, "bundles/v1" in shown, "for good" in said) == (0, True, True)
    code, _, _ = call(workspace, "erase", NAME)
    assert code == 1
    assert grep(workspace.root) == before
    code, shown, _ = call(workspace, "erase", NAME, "--yes", "--json")
    assert (code, json.loads(shown)["remains"]) == (0, [])
    assert grep(workspace.root) == []
    code, shown, said = call(workspace, "find", NAME)
    assert (code, shown, "Nothing was found" in said) == (0, "", True)


def test_what_is_left_to_people_is_named(workspace: Workspace) -> None:
    (workspace.root / "mine.txt").write_text(NAME)
    code, _, said = call(workspace, "erase", NAME, "--yes")
    assert (code, "mine.txt still holds it" in said) == (3, True)


def test_report_and_expire_speak_json(workspace: Workspace, tmp_path: Path) -> None:
    code, shown, _ = call(workspace, "report", "--json")
    assert (code, json.loads(shown)["workspace"]) == (0, str(workspace.root))
    call(workspace, "report", "--output", str(tmp_path / "report.md"))
    assert (tmp_path / "report.md").read_text().startswith("# Privacy report")
    code, shown, _ = call(workspace, "expire", "--days", "0", "--json", "--dry-run")
    assert (code, json.loads(shown)) == (0, [])
