"""Two projects on one machine: own ports, own Label Studio, and one browser that stays signed in to both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from goldspan.annotation.labelstudio.server.start import ServerInfo, start_server, stop_server
from goldspan.annotation.project import Project
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.templates import create_project, find_template

pytestmark = pytest.mark.walk


@pytest.fixture
def projects(studio_environment: None, tmp_path: Path) -> Iterator[list[tuple[Project, ServerInfo]]]:
    made = [create_project(tmp_path / name, find_template(name)) for name in ("support", "biomedical")]
    try:
        yield [(project, start_server(Workspace(project.data))) for project in made]
    finally:
        for project in made:
            stop_server(Workspace(project.data))


def sign_in(browser: httpx.Client, server: ServerInfo) -> None:
    page = f"{server.url}/user/login/"
    browser.get(page)
    form = {
        "email": server.email,
        "password": server.password,
        "csrfmiddlewaretoken": [cookie.value for cookie in browser.cookies.jar if cookie.name == "csrftoken"][-1],
    }
    assert browser.post(page, data=form, headers={"Referer": page}).status_code in {200, 302}


def is_signed_in(browser: httpx.Client, server: ServerInfo) -> bool:
    return browser.get(f"{server.url}/api/current-user/whoami").status_code == 200


def test_one_browser_stays_signed_in_to_both(projects: list[tuple[Project, ServerInfo]]) -> None:
    (first, one), (second, other) = projects
    assert [one.port, other.port] == [first.studio_port, second.studio_port]
    with httpx.Client(follow_redirects=False, timeout=30) as browser:
        sign_in(browser, one)
        assert is_signed_in(browser, one)
        sign_in(browser, other)
        assert is_signed_in(browser, other)
        assert is_signed_in(browser, one)
