from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError
from goldspan.annotation.labelstudio.api.credentials import load_account
from goldspan.annotation.labelstudio.server.process import (
    ProcessIdentity,
    find_free_port,
    identify_process,
    is_running,
    stop_process,
)
from goldspan.annotation.labelstudio.server.start import allow_local_models, server_status, start_server, stop_server
from goldspan.annotation.tasks.workspace import Workspace

pytestmark = pytest.mark.usefixtures("fake_label_studio")


def read_variables(workspace: Workspace) -> dict[str, str]:
    return json.loads((workspace.studio / "data" / "variables.json").read_text())


def test_start_tells_where_it_is_and_who_may_log_in(workspace: Workspace) -> None:
    server = start_server(workspace)
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert server.password not in repr(server)
    assert server.token not in repr(server)
    account = load_account(workspace)
    assert account is not None
    assert (account.url, account.token, account.password) == (server.url, server.token, server.password)
    status = server_status(workspace)
    assert (status.running, status.healthy, status.pid, status.database) == (True, True, server.pid, "sqlite")


def test_secrets_and_data_are_for_the_owner_alone(workspace: Workspace) -> None:
    start_server(workspace)
    modes = {path.name: path.stat().st_mode & 0o777 for path in workspace.studio.iterdir()}
    assert workspace.studio.stat().st_mode & 0o777 == 0o700
    assert (modes["credentials.json"], modes["data"]) == (0o600, 0o700)
    assert (workspace.studio / "data" / "label_studio.sqlite3").stat().st_mode & 0o777 == 0o600


def test_calls_to_this_machine_must_be_asked_for(workspace: Workspace) -> None:
    start_server(workspace, local_calls=True)
    variables = read_variables(workspace)
    assert (variables["SSRF_PROTECTION_ENABLED"], variables["ML_BLOCK_LOCAL_IP"]) == ("false", "false")


def test_models_on_this_machine_stay_allowed_after_a_restart_until_they_are_forbidden(workspace: Workspace) -> None:
    assert not allow_local_models(workspace, True)
    first = start_server(workspace)
    assert allow_local_models(workspace, True)
    assert not allow_local_models(workspace, True)
    stop_server(workspace)
    assert start_server(workspace).port == first.port
    variables = read_variables(workspace)
    assert (variables["SSRF_PROTECTION_ENABLED"], variables["ML_BLOCK_LOCAL_IP"]) == ("true", "false")
    assert allow_local_models(workspace, False)
    assert read_variables(workspace)["ML_BLOCK_LOCAL_IP"] == "true"


def test_server_gets_quiet_strict_and_closed_settings(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "stray")
    server = start_server(workspace)
    variables = read_variables(workspace)
    assert variables["LABEL_STUDIO_USER_TOKEN"] == server.token
    assert variables["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
    assert variables["fflag_feat_utc_210_prediction_validation_15082025"] == "true"
    assert (variables["SSRF_PROTECTION_ENABLED"], variables["ML_BLOCK_LOCAL_IP"]) == ("true", "true")
    assert variables["DJANGO_DB"] == "sqlite"
    assert "PASSWORD" not in variables
    assert str(workspace.studio.absolute()) in variables["HOME"]


def test_start_again_returns_the_running_one(workspace: Workspace) -> None:
    first = start_server(workspace)
    assert start_server(workspace) == first
    assert start_server(workspace, port=first.port) == first
    with pytest.raises(ConfigurationError, match="already runs on port"):
        start_server(workspace, port=find_free_port())


def test_restart_keeps_account_port_and_data(workspace: Workspace) -> None:
    first = start_server(workspace)
    (workspace.studio / "data" / "label_studio.sqlite3").write_bytes(b"with tasks")
    assert stop_server(workspace)
    second = start_server(workspace)
    assert (second.url, second.token, second.password) == (first.url, first.token, first.password)
    assert (workspace.studio / "data" / "label_studio.sqlite3").read_bytes() == b"with tasks"


def test_stop_ends_the_process_and_says_whether_there_was_one(workspace: Workspace) -> None:
    assert stop_server(workspace) is False
    server = start_server(workspace)
    assert stop_server(workspace) is True
    assert identify_process(server.pid) is None
    assert stop_server(workspace) is False
    status = server_status(workspace)
    assert (status.running, status.healthy, status.url) == (False, False, server.url)


def test_killed_server_is_noticed_and_started_anew(workspace: Workspace) -> None:
    first = start_server(workspace)
    os.killpg(first.pid, 9)
    os.waitpid(first.pid, 0)
    assert not server_status(workspace).running
    assert start_server(workspace).pid != first.pid


def test_foreign_process_with_the_recorded_id_is_left_alone(
    workspace: Workspace, foreign_process: subprocess.Popen[bytes]
) -> None:
    workspace.studio.mkdir(parents=True)
    record = {"pid": foreign_process.pid, "started": "1", "port": 1}
    (workspace.studio / "server.json").write_bytes(orjson.dumps(record))
    assert stop_server(workspace) is False
    assert foreign_process.poll() is None
    assert not (workspace.studio / "server.json").exists()
    assert stop_process(ProcessIdentity(foreign_process.pid, "1")) is False
    mark = identify_process(foreign_process.pid)
    assert mark is not None
    assert is_running(mark)


def test_busy_port_is_named(workspace: Workspace) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="is taken by another program"):
            start_server(workspace, port=other.getsockname()[1])
    assert not (workspace.studio / "credentials.json").exists()


def test_another_server_on_the_port_is_not_taken_for_ours(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Workspace(tmp_path / "other")
    port = start_server(other).port
    monkeypatch.setattr("goldspan.annotation.labelstudio.server.start.is_free_port", lambda _: True)
    try:
        with pytest.raises(ServiceError, match="took the port"):
            start_server(workspace, port=port)
        assert not server_status(workspace).running
        assert server_status(other).healthy
    finally:
        stop_server(other)


def test_server_that_dies_shows_its_last_words(workspace: Workspace) -> None:
    data = workspace.studio / "data"
    data.mkdir(parents=True)
    (data / "die").touch()
    with pytest.raises(ServiceError, match=r"ended with status 7[\s\S]*OperationalError: no room"):
        start_server(workspace)
    assert not server_status(workspace).running


def test_server_that_hangs_is_named(
    workspace: Workspace, foreign_process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_server(workspace)
    stop_server(workspace)
    mark = identify_process(foreign_process.pid)
    assert mark is not None
    record = {"pid": mark.pid, "started": mark.started, "port": 1}
    (workspace.studio / "server.json").write_bytes(orjson.dumps(record))
    monkeypatch.setattr("goldspan.annotation.labelstudio.server.start.START_LIMIT", 1.0)
    with pytest.raises(ServiceError, match="runs but does not respond"):
        start_server(workspace)
    assert server_status(workspace).running
    assert not server_status(workspace).healthy


def test_broken_credentials_are_named(workspace: Workspace) -> None:
    workspace.studio.mkdir(parents=True)
    (workspace.studio / "credentials.json").write_text("{")
    with pytest.raises(StateError, match=r"credentials\.json is not what"):
        start_server(workspace)


def test_postgres_address_is_passed_on_and_remembered(workspace: Workspace) -> None:
    address = "postgresql://ann:p%40ss@127.0.0.1:5433/studio?sslmode=disable"
    start_server(workspace, database_url=address)
    variables = read_variables(workspace)
    assert variables["DJANGO_DB"] == "default"
    assert [variables[f"POSTGRE_{name}"] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        *("ann", "p@ss", "127.0.0.1", "5433", "studio")
    ]
    assert variables["PGSSLMODE"] == "disable"
    assert server_status(workspace).database == "postgresql://127.0.0.1:5433/studio"
    assert not (workspace.studio / "data" / "label_studio.sqlite3").exists()
    stop_server(workspace)
    start_server(workspace)
    assert read_variables(workspace)["POSTGRE_NAME"] == "studio"
    with pytest.raises(ConfigurationError, match="Use another workspace") as refusal:
        start_server(workspace, database_url="postgresql://ann:secret@127.0.0.1/other")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["mysql://a:b@h/n", "postgresql://h/n", "postgresql://a@h", "postgresql://a@h:x/n", "postgresql://a@h/n?q=1", "n"],
)
def test_unusable_database_address_is_refused_before_anything_starts(workspace: Workspace, address: str) -> None:
    with pytest.raises(ConfigurationError):
        start_server(workspace, database_url=address)
    assert not (workspace.studio / "credentials.json").exists()
