"""The workspace's token goes to the process that was started, and to nobody who takes its port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.api.credentials import StudioAccount, resolve_credentials, save_account
from goldspan.annotation.labelstudio.server.folder import ServerRecord, write_record
from goldspan.annotation.labelstudio.server.ownership import owns_port, require_own_server
from goldspan.annotation.labelstudio.server.process import ProcessIdentity, identify_process
from goldspan.annotation.tasks.workspace import Workspace

LISTEN = """
import socket, sys, time
one = socket.create_server(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture
def listeners() -> Iterator[list[tuple[ProcessIdentity, int]]]:
    """Two processes that listen on a port each."""
    processes = [
        subprocess.Popen([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(2)
    ]
    found = []
    for process in processes:
        identity = identify_process(process.pid)
        assert identity
        assert process.stdout
        found.append((identity, int(process.stdout.readline())))
    yield found
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not tell who listens")
def test_a_port_belongs_to_who_listens(listeners: list[tuple[ProcessIdentity, int]]) -> None:
    (one, first), (two, second) = listeners
    assert owns_port(one, first)
    assert owns_port(two, second)
    assert not owns_port(one, second)
    assert not owns_port(ProcessIdentity(one.pid, "another time"), first)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not tell who listens")
def test_the_token_is_kept_back_from_others(
    listeners: list[tuple[ProcessIdentity, int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (one, first), (_, second) = listeners
    workspace = Workspace(tmp_path / "data")
    save_account(workspace, StudioAccount(f"http://127.0.0.1:{first}", "o@goldspan.test", "p", "t"))
    with pytest.raises(ServiceError, match="does not run"):
        require_own_server(workspace, resolve_credentials(workspace))
    write_record(workspace, ServerRecord(one, first))
    require_own_server(workspace, resolve_credentials(workspace))
    save_account(workspace, StudioAccount(f"http://127.0.0.1:{second}", "o@goldspan.test", "p", "t"))
    write_record(workspace, ServerRecord(one, second))
    with pytest.raises(ServiceError, match="another program"):
        require_own_server(workspace, resolve_credentials(workspace))
    require_own_server(workspace, resolve_credentials(workspace, url="https://other.test", token="mine"))
