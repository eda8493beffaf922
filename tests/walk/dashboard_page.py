"""A page of the dashboard in a browser: opened, at rest, and sound."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.access import TOKEN_PARAMETER
from goldspan.dashboards.launch import DashboardProcess, start_dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

PAGES = (
    *("Overview", "Queue", "Coverage", "Disagreement", "Labels", "Quality", "Annotators", "Coreference"),
    *("Models", "Simulation", "Evaluation", "Runs", "Explore", "Hand-over"),
)
PATIENCE = 90.0
WIDE: ViewportSize = {"width": 1280, "height": 900}
LAPTOP: ViewportSize = {"width": 1024, "height": 768}
NARROW: ViewportSize = {"width": 390, "height": 844}
Scheme = Literal["light", "dark"]


def serve(workspace: Workspace) -> Iterator[DashboardProcess]:
    process = start_dashboard(workspace)
    try:
        yield process
    finally:
        process.stop()


def open_page(
    browser: Browser,
    process: DashboardProcess,
    path: str = "",
    scheme: Scheme = "light",
    asked: list[str] | None = None,
) -> Page:
    """A page at rest; `asked` receives the address of each request. Pages in light share what the browser compiled."""
    if scheme == "light":
        context = browser.contexts[0] if browser.contexts else browser.new_context(viewport=WIDE, color_scheme=scheme)
        page = context.new_page()
    else:
        page = browser.new_page(viewport=WIDE, color_scheme=scheme)
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{process.url}/{path}{'&' if '?' in path else '?'}{TOKEN_PARAMETER}={process.token}")
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the script has run and nothing is left to draw."""
    deadline = time.monotonic() + PATIENCE
    app = page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')
    while time.monotonic() < deadline:
        page.wait_for_timeout(150)
        if app.count() and page.locator("h1").count() and not page.locator('[data-testid="stSkeleton"]').count():
            page.wait_for_timeout(150)
            if app.count():
                return
    raise AssertionError("the page did not come to rest")


def turn_to(page: Page, title: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=re.compile(f"^.*{title}$")).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for(timeout=PATIENCE * 1000)
    settle(page)


def check_sound(page: Page) -> None:
    """No exception, no message of a broken setting, nothing wider than the screen, no data that ran."""
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_text("failed to render").count() == 0
    assert page.get_by_text("This page cannot be shown").count() == 0
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    assert page.evaluate("window.pwned === undefined")
    assert page.evaluate("document.querySelectorAll('img[src=\"x\"]').length") == 0
    assert page.locator("strong", has_text=re.compile("^bold$")).count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
