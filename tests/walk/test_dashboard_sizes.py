"""The dashboard on nothing and on a lot, and its end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.launch import DashboardProcess
from tests.dashboards.sample_data import fill_workspace
from tests.waiting import wait_until
from tests.walk.dashboard_page import PAGES, check_sound, open_page, serve, turn_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    yield from serve(Workspace(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, labels: LabelSchema) -> Iterator[DashboardProcess]:
    workspace = Workspace(tmp_path_factory.mktemp("large"))
    fill_workspace(workspace, labels, 5000, touched=400)
    yield from serve(workspace)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_server_ends_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "goldspan", "dashboard", "--data", str(tmp_path)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert parent.stderr is not None
    said: list[str] = []
    line = next((line for line in parent.stderr if said.append(line) or "token=" in line), "")
    assert line, said
    port = urlsplit(line.split()[1]).port
    parent.send_signal(number)
    parent.communicate(timeout=120)

    def is_closed() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_until(is_closed)


def test_empty_pages_say_what_to_do(browser: Browser, empty: DashboardProcess) -> None:
    page = open_page(browser, empty)
    for title in PAGES:
        turn_to(page, title)
        check_sound(page)
        if title != "Hand-over":
            assert page.get_by_test_id("stAlert").count() == 1
        assert "goldspan" in page.get_by_test_id("stCode").first.inner_text()
    assert "The gate is closed" in page.get_by_test_id("stAlert").first.inner_text()
    page.close()


def test_large_pages(browser: Browser, large: DashboardProcess) -> None:
    page = open_page(browser, large)
    assert "5,000" in page.get_by_test_id("stMetric").first.inner_text()
    for title in PAGES:
        if title not in {"Runs", "Evaluation", "Simulation"}:
            turn_to(page, title)
            check_sound(page)
    turn_to(page, "Explore")
    assert page.get_by_text("5,000 samples, 50 a page; select a row to open it").is_visible()
    page.close()
