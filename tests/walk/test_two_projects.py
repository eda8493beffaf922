"""Two projects on one machine: own ports, own Label Studio, and one browser that stays signed in to both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goldspan.annotation.labelstudio.server.start import ServerInfo, start_server, stop_server
from goldspan.annotation.project import Project
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.templates import create_project, find_template

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.walk


@pytest.fixture
def projects(studio_environment: None, tmp_path: Path) -> Iterator[list[tuple[Project, ServerInfo]]]:
    made = [create_project(tmp_path / name, find_template(name)) for name in ("support", "biomedical")]
    try:
        yield [(project, start_server(Workspace(project.data))) for project in made]
    finally:
        for project in made:
            stop_server(Workspace(project.data))


def sign_in(page: Page, server: ServerInfo) -> None:
    page.goto(f"{server.url}/user/login/")
    page.fill("input[name=email]", server.email)
    page.fill("input[name=password]", server.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/user/login" not in address)


def is_signed_in(page: Page, server: ServerInfo) -> bool:
    page.goto(f"{server.url}/projects/")
    return "/user/login" not in page.url


def test_one_browser_stays_signed_in_to_both(projects: list[tuple[Project, ServerInfo]], browser: Browser) -> None:
    (first, one), (second, other) = projects
    assert [one.port, other.port] == [first.studio_port, second.studio_port]
    page = browser.new_context().new_page()
    assert not is_signed_in(page, one)
    sign_in(page, one)
    sign_in(page, other)
    assert is_signed_in(page, one)
    assert is_signed_in(page, other)
    page.context.close()
