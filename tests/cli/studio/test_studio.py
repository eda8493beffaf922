from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.annotation.labelstudio.api.credentials import StudioAccount, save_account
from goldspan.annotation.labelstudio.server import start as server
from goldspan.annotation.labelstudio.server.start import ServerInfo, ServerStatus
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.studio.commands import app

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "LABEL_STUDIO_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_every_command_teaches() -> None:
    for command in ("up", "down", "status", "open", "doctor"):
        shown = runner.invoke(app, [command, "--help"])
        assert shown.exit_code == 0
        assert "--data" in shown.output


def test_up_prints_address_and_login(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = ServerInfo("http://127.0.0.1:8080", 8080, 7, "owner@goldspan.test", "pass", "token", folder)
    asked: list[object] = []
    monkeypatch.setattr(server, "start_server", lambda *arguments, **_: asked.append(arguments) or info)
    shown = runner.invoke(app, ["up", "--port", "8080", "--data", str(folder)])
    assert shown.exit_code == 0
    assert "http://127.0.0.1:8080" in shown.output
    assert "pass" in shown.output
    assert asked == [(Workspace(folder), 8080, None)]
    printed = json.loads(runner.invoke(app, ["up", "--json", "--data", str(folder)]).stdout)
    assert printed["token"] == "token"


def test_down_says_whether_one_ran(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No Label Studio" in runner.invoke(app, ["down", "--data", str(folder)]).output
    monkeypatch.setattr(server, "stop_server", lambda _: True)
    assert "is stopped" in runner.invoke(app, ["down", "--data", str(folder)]).output


def test_status_tells_by_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = runner.invoke(app, ["status", "--data", str(folder)])
    assert shown.exit_code == 1
    assert "goldspan studio up" in shown.output
    up = ServerStatus(True, True, "http://127.0.0.1:8080", 8080, 7, "sqlite", folder, folder / "log")
    monkeypatch.setattr(server, "server_status", lambda _: up)
    shown = runner.invoke(app, ["status", "--json", "--data", str(folder)])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["healthy"] is True


def test_open_goes_to_the_last_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    account = StudioAccount("http://127.0.0.1:8080", "owner@goldspan.test", "pass-word", "t", project_id=3)
    save_account(Workspace(folder), account)
    shown = runner.invoke(app, ["open", "--data", str(folder)])
    assert opened == ["http://127.0.0.1:8080/projects/3"]
    assert "pass-word" in shown.output
    runner.invoke(app, ["open", "--project", "4", "--data", str(folder)])
    assert opened[-1].endswith("/projects/4")


def test_doctor_names_the_command_that_mends(folder: Path) -> None:
    shown = runner.invoke(app, ["doctor", "--data", str(folder)])
    assert shown.exit_code == 1
    assert "fix: goldspan studio up" in shown.output
    printed = json.loads(runner.invoke(app, ["doctor", "--json", "--data", str(folder)]).stdout)
    assert [finding["code"] for finding in printed["findings"]] == ["no_server"]
