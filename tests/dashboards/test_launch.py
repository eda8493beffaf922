"""The dashboard's process: where it listens, what it is told, what is said when it does not come up."""

from __future__ import annotations

import io
import socket
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.project import require_project
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.dashboard import app
from goldspan.dashboards import launch, serve
from goldspan.dashboards.example import copy_example, list_examples
from goldspan.dashboards.mirror.folder import open_log
from tests.dashboards.sample_data import fill_workspace


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            launch.find_port(port)
    assert launch.find_port() in launch.PREFERRED_PORTS


def test_it_listens_on_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    class FakeApp:
        def __init__(self, page: Path, middleware: list[Any]) -> None:
            given.append(middleware[0].kwargs)

        def run(self, config: dict[str, Any]) -> None:
            given.append(config)

    monkeypatch.setattr("streamlit.starlette.App", FakeApp)
    monkeypatch.setattr(serve, "warm_up", lambda: None)
    monkeypatch.setattr(serve, "stop_with_parent", lambda: None)
    monkeypatch.setattr(sys, "argv", launch.build_command(8505)[3:])
    monkeypatch.setattr(sys, "stdin", io.StringIO("the token\n"))
    serve.main()
    assert given == [{"port": 8505, "token": "the token"}, {"server.address": "127.0.0.1", "server.port": 8505}]


def test_it_does_not_serve_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["serve", "8505"])
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(SystemExit, match="goldspan dashboard"):
        serve.main()


def test_a_label_file_from_the_environment_is_found_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDSPAN_LABELS", "own.toml")
    variables = launch.build_environment(Workspace(tmp_path), None)
    assert variables["GOLDSPAN_LABELS"] == str(tmp_path.resolve() / "own.toml")


def test_its_environment_holds_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "LABEL_STUDIO_API_KEY", "GOLDSPAN_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sk-secret")
    assert "sk-secret" not in launch.build_environment(Workspace(tmp_path), None).values()


@pytest.mark.parametrize("name", [".dashboard", ".dashboard/log"])
def test_a_link_in_the_workspace_is_not_followed(workspace: Workspace, name: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "precious").mkdir(parents=True)
    (outside / "log").write_text("precious")
    link = workspace.root / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside if name == ".dashboard" else outside / "log")
    with pytest.raises(StateError, match="symbolic link"):
        launch.start_dashboard(workspace)
    assert (outside / "log").read_text() == "precious"
    assert (outside / "precious").is_dir()


def test_tables_and_log_are_private(workspace: Workspace, labels: LabelSchema) -> None:
    folder = workspace.root / ".dashboard"
    folder.mkdir(mode=0o755)
    (folder / "log").write_text("older")
    (folder / "log").chmod(0o644)
    open_log(workspace).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "log").stat().st_mode) == 0o600
    assert (folder / "log").read_text() == ""


def test_it_finds_its_workspace_and_labels(tmp_path: Path) -> None:
    variables = launch.build_environment(Workspace(tmp_path), tmp_path / "labels.toml")
    assert variables["GOLDSPAN_DATA"] == str(tmp_path.resolve())
    assert variables["GOLDSPAN_LABELS"] == str((tmp_path / "labels.toml").resolve())


def test_preparing_leaves_what_is_wrong_to_the_page(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDSPAN_DATA", str(workspace.root))
    monkeypatch.setattr(serve, "_CHART_IMPORT_DELAY", 0.0)
    fill_workspace(workspace, labels, 5)
    serve.warm_up()
    assert list(workspace.root.glob(".dashboard/*/done"))
    monkeypatch.setenv("GOLDSPAN_LABELS", str(workspace.root / "no such file"))
    serve.warm_up()


def test_one_that_does_not_come_up_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('no such page'); sys.exit(3)"
    monkeypatch.setattr(launch, "build_command", lambda _: [sys.executable, "-c", program])
    with pytest.raises(ServiceError, match="no such page"):
        launch.start_dashboard(Workspace(tmp_path))


def test_a_port_that_another_program_takes_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: dict[int, socket.socket] = {}
    tried: list[int] = []

    def lose(port: int) -> list[str]:
        tried.append(port)
        if not taken:
            taken[port] = socket.create_server(("127.0.0.1", port))
        elif len(tried) == 3:
            taken[tried[0]].close()
        return [sys.executable, "-c", "raise SystemExit('port is taken')"]

    monkeypatch.setattr(launch, "build_command", lose)
    with pytest.raises(ServiceError, match="port is taken"):
        launch.start_dashboard(Workspace(tmp_path))
    assert len(tried) == 4
    assert tried[1] != tried[0], "a port that is taken is not tried again"
    tried.clear()
    with pytest.raises(ServiceError, match="port is taken"):
        launch.start_dashboard(Workspace(tmp_path), port=launch.find_port())
    assert len(tried) == 1


def test_the_command_refuses_a_file_for_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shown = CliRunner().invoke(app, ["--data", str(tmp_path / "file")])
    assert shown.exit_code != 0
    assert "folder" in str(shown.exception)


def test_a_file_in_the_place_of_the_log_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dashboard").write_text("in the way")
    with pytest.raises(StateError, match=r"File exists\. Make it a writable folder, or copy"):
        launch.start_dashboard(Workspace(tmp_path))


def test_a_workspace_that_may_only_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    shown = CliRunner().invoke(app, ["--data", str(tmp_path)])
    assert isinstance(shown.exception, StateError)
    assert "Read-only file system. Make it a writable folder" in str(shown.exception)


@pytest.mark.parametrize("name", list_examples())
def test_every_example_is_a_project_that_can_be_shown(name: str, tmp_path: Path) -> None:
    project = require_project(copy_example(name, tmp_path))
    labels = load_labels(project.labels)
    samples = list(read_samples([Workspace(project.data).training_samples], labels))
    assert len(samples) > 5
    assert any(len(sample.reviews) > 1 for sample in samples)


def test_an_example_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="biomedical"):
        copy_example("poetry", tmp_path)
