"""The dashboard's process: where it listens, what it is told, what is said when it does not come up."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotation.errors import ConfigurationError, ServiceError
from annotation.workspace import Workspace
from cli.dashboard import app
from dashboards import launch


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            launch.find_port(port)
    assert launch.find_port() in launch.PREFERRED_PORTS


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    command = launch.build_command(8505)
    assert "--server.address=127.0.0.1" in command
    assert "--server.port=8505" in command
    variables = launch.build_environment(Workspace(tmp_path), tmp_path / "labels.toml")
    assert variables["GOLDSPAN_DATA"] == str(tmp_path.resolve())
    assert variables["GOLDSPAN_LABELS"] == str((tmp_path / "labels.toml").resolve())


def test_one_that_does_not_come_up_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('no such page'); sys.exit(3)"
    monkeypatch.setattr(launch, "build_command", lambda _: [sys.executable, "-c", program])
    with pytest.raises(ServiceError, match="no such page"):
        launch.start_dashboard(Workspace(tmp_path))


def test_the_command_refuses_a_file_for_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = CliRunner().invoke(app, ["--data", str(tmp_path / "file")])
    assert shown.exit_code != 0
    assert "folder" in str(shown.exception)
