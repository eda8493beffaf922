"""Whether the process that listens on a port is the one that was started; its token goes nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.api.credentials import Credentials
from goldspan.annotation.labelstudio.server.folder import read_record
from goldspan.annotation.labelstudio.server.process import ProcessIdentity, is_running
from goldspan.annotation.tasks.workspace import Workspace

_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp."""


def owns_port(process: ProcessIdentity, port: int) -> bool:
    """True if this process, or one of the session it leads, listens on a port of 127.0.0.1.

    Where the system does not tell (no /proc), True as long as the process runs.
    """
    if not is_running(process):
        return False
    if not Path("/proc/net/tcp").exists():
        return True
    sockets = {f"socket:[{inode}]" for inode in _list_listeners(port)}
    return any(_read_links(pid) & sockets for pid in _list_session(process.pid))


def require_own_server(workspace: Workspace, credentials: Credentials) -> None:
    """Check, before a token is sent to the address that the workspace names, that its own server listens there.

    Raises:
        ServiceError: it does not run, or another program has its port.
    """
    if not credentials.is_own:
        return
    record = read_record(workspace)
    if record is None:
        raise ServiceError(
            f"The Label Studio of this workspace does not run (it was at {credentials.url}). "
            "Start it with `goldspan studio up`."
        )
    if credentials.url != f"http://127.0.0.1:{record.port}" or not owns_port(record.identity, record.port):
        raise ServiceError(
            f"{credentials.url} is answered by another program than this workspace's Label Studio (process "
            f"{record.identity.pid}). Start it again: `goldspan studio down`, then `goldspan studio up`."
        )


def _list_listeners(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    return inodes


def _list_session(leader: int) -> list[int]:
    pids: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.getsid(int(folder.name)) == leader:
                    pids.append(int(folder.name))
            except OSError:
                continue
    return pids


def _read_links(pid: int) -> set[str]:
    links: set[str] = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                links.add(str(link.readlink()))
            except OSError:
                continue
    except OSError:
        return links
    return links
