"""Start, inspect and stop a Label Studio on this machine.

It runs detached, bound to 127.0.0.1, with all its data below the workspace's `studio` folder:

    studio/
    ├── credentials.json     address, owner, password, token (mode 0600)
    ├── server.json          the running process: id, start time, port
    ├── server.log           output of Label Studio
    ├── storage/             files that a Label Studio storage may import from
    └── data/                Label Studio's own: database, secret key, uploads

Nothing leaves the machine: analytics, update check and error reports are off, and nobody can sign up without a link.
It answers to the names of this machine alone, to no page of another origin, and not inside a frame of one.
Label Studio's protection against requests to this machine stays on unless `local_calls` is given.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import Popen

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.labelstudio.api.credentials import StudioAccount, load_account, save_account
from goldspan.annotation.labelstudio.server import health
from goldspan.annotation.labelstudio.server.database import describe_database, read_database_variables
from goldspan.annotation.labelstudio.server.environment import (
    Environment,
    OnStatus,
    build_quiet_variables,
    prepare_environment,
    prepare_template,
)
from goldspan.annotation.labelstudio.server.folder import (
    ServerRecord,
    clear_record,
    find_data,
    find_log,
    lock_server_folder,
    read_log_end,
    read_record,
    write_record,
)
from goldspan.annotation.labelstudio.server.ownership import owns_port
from goldspan.annotation.labelstudio.server.process import (
    ProcessIdentity,
    find_free_port,
    is_free_port,
    is_running,
    launch_detached,
    stop_process,
)
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project

PREFERRED_PORTS = tuple(range(8080, 8090))
SESSION_SECONDS = 24 * 3600
"""How long a browser stays logged in."""

_SETTINGS = Path(__file__).parent / "django" / "goldspan_settings.py"
START_LIMIT = 300.0
"""Seconds a start may take; a first start on PostgreSQL applies all migrations."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """A running server and its owner's account. Password and token are left out of the repr."""

    url: str
    port: int
    pid: int
    email: str
    password: str = field(repr=False)
    token: str = field(repr=False)
    data_dir: Path


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """State of a workspace's server, without its account.

    `running`: its process exists; `healthy`: it passes its health check. `database` is `sqlite`, or the
    address without password.
    """

    running: bool
    healthy: bool
    url: str
    port: int | None
    pid: int | None
    database: str
    data_dir: Path
    log: Path


def start_server(
    workspace: Workspace,
    port: int | None = None,
    database_url: str | None = None,
    progress: OnStatus = lambda _: None,
    *,
    local_calls: bool = False,
) -> ServerInfo:
    """Start the workspace's Label Studio, or return the one that is running.

    Without `port` the last one is used again, else the project's, else the first free one from 8080. `database_url`
    (`postgresql://user:password@host:port/name`) is remembered; without it SQLite is used. `local_calls` allows
    requests to this machine, as local webhooks and ML backends need; it holds until the server is stopped.
    Requests to models on this machine alone are what `allow_local_models` allows.

    Raises:
        ConfigurationError: the port is taken, or the database address cannot be used or differs from the recorded one.
        ServiceError: Label Studio could not be installed or did not come up; the message ends with its last lines.
        StateError: another process is starting or stopping this server.
    """
    workspace.studio.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock_server_folder(workspace, START_LIMIT):
        account = _prepare_account(workspace, database_url)
        record = read_record(workspace)
        if record is not None:
            if port not in (None, record.port):
                raise ConfigurationError(
                    f"This workspace's Label Studio already runs on port {record.port}. "
                    "Stop it first with `goldspan studio down`."
                )
            progress(f"Label Studio already runs at {account.url}")
            if not health.wait_until_healthy(account.url, lambda: is_running(record.identity), START_LIMIT, progress):
                raise ServiceError(
                    f"Label Studio (process {record.identity.pid}) runs but does not respond. Stop it with "
                    f"`goldspan studio down`, look at {find_log(workspace)}, and start it again."
                )
            return _describe(workspace, account, record.port, record.identity.pid)
        account = replace(account, url=f"http://127.0.0.1:{_choose_port(workspace, account, port)}")
        environment = prepare_environment(progress)
        _prepare_data(workspace, environment, account, progress)
        save_account(workspace, account)
        variables = build_server_variables(workspace, account, local_calls=local_calls)
        return _launch(workspace, environment, account, variables, progress, local_calls=local_calls)


def allow_local_models(workspace: Workspace, allowed: bool, progress: OnStatus = lambda _: None) -> bool:
    """Allow or forbid the workspace's Label Studio to ask models on this machine, also after later starts.

    A server that runs otherwise is started again at its port. True if it was.

    Raises:
        As `start_server` and `stop_server`.
    """
    account = load_account(workspace)
    if account is None:
        return False
    if account.local_models != allowed:
        save_account(workspace, replace(account, local_models=allowed))
    record = read_record(workspace)
    if record is None or (record.local_models or record.local_calls) == (allowed or record.local_calls):
        return False
    progress("Starting Label Studio again: " + ("models on this machine are allowed" if allowed else "as before"))
    stop_server(workspace)
    start_server(workspace, record.port, progress=progress, local_calls=record.local_calls)
    return True


def stop_server(workspace: Workspace) -> bool:
    """Stop the workspace's Label Studio; True if one was running.

    Only the recorded process is stopped: an id that now belongs to another program is left alone.

    Raises:
        StateError: another process is starting or stopping this server.
        ServiceError: the process did not end.
    """
    if not workspace.studio.is_dir():
        return False
    with lock_server_folder(workspace, START_LIMIT):
        record = read_record(workspace)
        if record is None:
            return False
        stopped = stop_process(record.identity)
        if not stopped and is_running(record.identity):
            raise ServiceError(
                f"Label Studio (process {record.identity.pid}) did not stop. Look at {find_log(workspace)}."
            )
        clear_record(workspace)
        return stopped


def server_status(workspace: Workspace) -> ServerStatus:
    """The state of the workspace's server, with one health check.

    Raises:
        StateError: `credentials.json` is broken.
    """
    account, record = load_account(workspace), read_record(workspace)
    url = account.url if account else ""
    return ServerStatus(
        running=record is not None,
        healthy=record is not None and health.is_healthy(url),
        url=url,
        port=record.port if record else None,
        pid=record.identity.pid if record else None,
        database=describe_database(account.database_url) if account else "",
        data_dir=workspace.studio,
        log=find_log(workspace),
    )


def build_server_variables(
    workspace: Workspace, account: StudioAccount, *, local_calls: bool = False
) -> dict[str, str]:
    """The environment variables that Label Studio runs with."""
    home = find_data(workspace)
    return (
        build_quiet_variables(home)
        | read_database_variables(account.database_url)
        | {
            "LABEL_STUDIO_USERNAME": account.email,
            "LABEL_STUDIO_PASSWORD": account.password,
            "LABEL_STUDIO_USER_TOKEN": account.token,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(find_storage(workspace)),
            "SSRF_PROTECTION_ENABLED": "false" if local_calls else "true",
            "ML_BLOCK_LOCAL_IP": "false" if local_calls or account.local_models else "true",
            "fflag_feat_utc_210_prediction_validation_15082025": "true",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CORS_ALLOW_ALL_ORIGINS": "false",
            "MAX_SESSION_AGE": str(SESSION_SECONDS),
            "GOLDSPAN_SESSION_COOKIE": name_session_cookie(workspace),
            "DJANGO_SETTINGS_MODULE": _SETTINGS.stem,
            "PYTHONPATH": str(_SETTINGS.parent),
        }
    )


def name_session_cookie(workspace: Workspace) -> str:
    """The name of the session cookie: cookies ignore ports, so servers on one host need different names."""
    return f"goldspan_{hashlib.sha256(str(workspace.root.resolve()).encode()).hexdigest()[:12]}"


def find_storage(workspace: Workspace) -> Path:
    """The folder that a local storage of this workspace's Label Studio may import from."""
    return (workspace.studio / "storage").absolute()


def _prepare_account(workspace: Workspace, database_url: str | None) -> StudioAccount:
    account = load_account(workspace)
    read_database_variables(database_url or "")
    if account is None:
        return StudioAccount(
            url="",
            email="owner@goldspan.test",
            password=secrets.token_urlsafe(15),
            token=secrets.token_hex(20),
            database_url=database_url or "",
        )
    if database_url and database_url != account.database_url:
        raise ConfigurationError(
            f"This workspace's Label Studio keeps its data in {describe_database(account.database_url)}, not in "
            f"{describe_database(database_url)}. Use another workspace (--data) for another database."
        )
    return account


def _choose_port(workspace: Workspace, account: StudioAccount, port: int | None) -> int:
    if port is None:
        last = (int(account.url.rpartition(":")[2]),) if account.url else ()
        project = find_workspace_project(workspace)
        own = [project.studio_port] if project and project.studio_port else []
        return find_free_port((*last, *own, *PREFERRED_PORTS))
    if not is_free_port(port):
        raise ConfigurationError(
            f"Port {port} is taken by another program. Choose another --port, or leave it out: a free one is found."
        )
    return port


def _prepare_data(workspace: Workspace, environment: Environment, account: StudioAccount, progress: OnStatus) -> None:
    data = find_data(workspace)
    data.mkdir(mode=0o700, exist_ok=True)
    find_storage(workspace).mkdir(mode=0o700, exist_ok=True)
    database = data / "label_studio.sqlite3"
    if not account.database_url and not database.exists():
        copy = database.with_suffix(".copy.tmp")
        shutil.copyfile(prepare_template(environment, progress), copy)
        copy.chmod(0o600)
        copy.rename(database)


def _launch(
    workspace: Workspace,
    environment: Environment,
    account: StudioAccount,
    variables: Mapping[str, str],
    progress: OnStatus,
    *,
    local_calls: bool,
) -> ServerInfo:
    port = int(account.url.rpartition(":")[2])
    data = find_data(workspace)
    arguments = ("start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(data))

    def record(identity: ProcessIdentity) -> None:
        write_record(workspace, ServerRecord(identity, port, local_calls, account.local_models))

    command = environment.command(*arguments)
    process, identity = launch_detached(command, variables, data, find_log(workspace), record)
    try:
        progress(f"Starting Label Studio at {account.url}")
        alive = health.wait_until_healthy(account.url, lambda: process.poll() is None, START_LIMIT, progress)
        if not alive:
            raise ServiceError(_explain_exit(workspace, process))
        if not owns_port(identity, port):
            raise ServiceError(f"Another program took the port {port}. Choose another --port, or leave it out.")
        health.check_identity(account.url, account.token)
    except BaseException:
        stop_process(identity)
        clear_record(workspace)
        raise
    return _describe(workspace, account, port, identity.pid)


def _explain_exit(workspace: Workspace, process: Popen[bytes]) -> str:
    end = (
        f"ended with status {process.poll()}"
        if process.poll() is not None
        else f"gave no answer in {START_LIMIT:.0f} s"
    )
    heading = f"Label Studio {end}. Its last lines, from {find_log(workspace)}:"
    return "\n".join((heading, *read_log_end(workspace)))


def _describe(workspace: Workspace, account: StudioAccount, port: int, pid: int) -> ServerInfo:
    return ServerInfo(account.url, port, pid, account.email, account.password, account.token, workspace.studio)
