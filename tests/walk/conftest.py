"""The real programs that the walk drives: Label Studio, a browser, PostgreSQL."""

from __future__ import annotations

import contextlib
import getpass
import importlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.credentials import Credentials
from goldspan.annotation.labelstudio.server.environment import prepare_environment
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import ServerInfo, start_server, stop_server
from goldspan.annotation.tasks.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.walk.masking_server import RunningServer

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


ALONE = ("test_clients", "test_docs", "test_domains", "test_hostile_world", "test_shards", "test_walk")
"""Files whose tests share nothing below the session: each is a group of its own."""

LONG = ("postgres", "test_dashboard", "test_connect", "test_train", "test_privacy", "test_dashboard_sizes", "test_walk")
"""Groups that are begun first, so that no process is left with one of them at the end; test_docs fills what is left."""


def name_group(nodeid: str) -> str:
    """The group of a walk, whose tests share servers, a browser or data: its file, or what several files share."""
    file = Path(nodeid.partition("::")[0]).stem
    if "postgres" in nodeid:
        return "postgres"
    return nodeid if file in ALONE else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the groups that take long, and end with the many short ones."""
    ranks = {name: rank for rank, name in enumerate((*LONG, "", "test_docs"))}
    walks = {item for item in items if item.path.parent == Path(__file__).parent}

    def rank(item: pytest.Item) -> int:
        group = name_group(item.nodeid)
        return ranks.get(group if group in ranks else item.path.stem, ranks[""]) if item in walks else -1

    items.sort(key=rank)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a group in one process, whose servers they share (`--dist loadscope`)."""
    if config.getoption("dist") != "loadscope":
        return None
    scheduling: Any = importlib.import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduling._split_scope = name_group
    return scheduling


@dataclass
class RunningStudio:
    """A Label Studio, the workspace it belongs to, and the address of its database; none: SQLite."""

    workspace: Workspace
    info: ServerInfo
    database_url: str | None = None

    @property
    def url(self) -> str:
        return self.info.url

    @property
    def token(self) -> str:
        return self.info.token

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.url, self.token, source="the walk")

    def kill(self) -> None:
        """End it as a crash does; `restart` it for the tests that follow."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(self.info.pid), signal.SIGKILL)

    def restart(self) -> None:
        """Start it again at its port."""
        self.info = start_server(self.workspace, self.info.port, self.database_url, local_calls=True)


@contextlib.contextmanager
def run_studio(workspace: Workspace, database_url: str | None = None) -> Iterator[RunningStudio]:
    """A Label Studio that may ask this machine."""
    try:
        info = start_server(workspace, find_free_port(), database_url, local_calls=True)
        yield RunningStudio(workspace, info, database_url)
    finally:
        stop_server(workspace)


def skip_or_fail(reason: str) -> None:
    """Skip on a person's machine; in CI a missing program is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def studio_environment() -> None:
    """Label Studio's own environment is there."""
    try:
        prepare_environment()
    except ServiceError as error:
        skip_or_fail(f"Label Studio cannot be installed here: {error}")


@pytest.fixture(scope="session")
def studio(studio_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The Label Studio of this process, for the whole session."""
    with run_studio(Workspace(tmp_path_factory.mktemp("walk"))) as running:
        yield running


@pytest.fixture(scope="session")
def client(studio: RunningStudio) -> StudioClient:
    """The owner of the walk's Label Studio."""
    return StudioClient(studio.url, studio.token)


@pytest.fixture
def title() -> str:
    """Of a project that no other test has."""
    return f"walk {uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A masking server in this process."""
    from tests.walk.masking_server import RunningServer

    running = RunningServer()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. Module scope: Playwright's event loop must not outlive the tests that use it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        skip_or_fail("The browser tests need Debian's chromium and the playwright package.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of an empty database on a PostgreSQL server of our own."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if programs is None:
        skip_or_fail("The PostgreSQL tests need Debian's postgresql package (apt-get install postgresql).")
    assert programs is not None
    user = "postgres" if os.geteuid() == 0 else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="goldspan-pg-"))
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    port = find_free_port()

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        as_user = ["runuser", "-u", user, "--", *command] if os.geteuid() == 0 else command
        subprocess.run(as_user, check=True, cwd=folder, capture_output=True, text=True, timeout=600)

    data, log = str(folder / "data"), str(folder / "log")
    run("initdb", "-D", data, "-U", "walk", "--auth=trust", "--no-sync", "--encoding=UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "walk", "labelstudio")
        yield f"postgresql://walk:walk@127.0.0.1:{port}/labelstudio"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_studio(
    studio_environment: None, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStudio]:
    """A Label Studio on PostgreSQL, for the whole session: a first start creates all tables."""
    with run_studio(Workspace(tmp_path_factory.mktemp("postgres")), postgres_url) as running:
        yield running
