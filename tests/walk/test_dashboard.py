"""Every page of the dashboard in a real browser: on nothing, on a little with hostile data in it, and on a lot."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.launch import DashboardProcess, start_dashboard
from tests.dashboards.hostile import EVIL, LONG_WORD, add_hostile, add_results
from tests.dashboards.sample_data import add_simulation, fill_workspace, make_sample, write_tasks
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, ViewportSize

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


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    yield from serve(Workspace(tmp_path_factory.mktemp("empty")))


@pytest.fixture(scope="module")
def small_workspace(tmp_path_factory: pytest.TempPathFactory, labels: LabelSchema) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("small"))
    fill_workspace(workspace, labels, 40)
    add_hostile(workspace, labels)
    add_results(workspace, labels)
    add_simulation(workspace)
    return workspace


@pytest.fixture(scope="module")
def small(small_workspace: Workspace) -> Iterator[DashboardProcess]:
    yield from serve(small_workspace)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory, labels: LabelSchema) -> Iterator[DashboardProcess]:
    workspace = Workspace(tmp_path_factory.mktemp("large"))
    fill_workspace(workspace, labels, 5000, touched=400)
    yield from serve(workspace)


def open_page(browser: Browser, process: DashboardProcess, path: str = "", scheme: Scheme = "light") -> Page:
    page = browser.new_page(viewport=WIDE, color_scheme=scheme)
    page.goto(process.address)
    if path:
        page.goto(f"{process.url}/{path}")
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


def check_offers(page: Page, field: Locator, option: str) -> None:
    """The field offers the option, letter by letter; a click that a rerun swallowed is made again."""
    offered = page.get_by_role("option").filter(has_text=option)
    for _ in range(6):
        field.click()
        page.wait_for_timeout(500)
        if offered.count():
            break
        page.keyboard.press("Escape")
    assert offered.first.inner_text().strip() == option
    page.keyboard.press("Escape")
    settle(page)


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


def test_a_browser_without_the_token_gets_nothing(browser: Browser, small: DashboardProcess) -> None:
    page = browser.new_page()
    answer = page.goto(f"{small.url}/explore")
    assert answer is not None
    assert answer.status == 401
    assert "goldspan dashboard" in page.inner_text("body")
    page.close()


def test_another_page_cannot_frame_or_read_the_dashboard(browser: Browser, small: DashboardProcess) -> None:
    """A page of another name that resolves to this machine, as after DNS rebinding."""
    port = urlsplit(small.url).port
    page = open_page(browser, small)
    page.goto(f"http://rebound.localhost:{port}/explore")
    assert "answers only to 127.0.0.1" in page.inner_text("body")
    refused = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url, ["streamlit"]);
            socket.onopen = () => done(false);
            socket.onerror = () => done(true);
        })""",
        f"ws://127.0.0.1:{port}/_stcore/stream",
    )
    assert refused
    page.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_server_ends_with_its_parent(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "goldspan", "dashboard", "--data", str(tmp_path)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert parent.stderr is not None
    line = next(line for line in parent.stderr if "token=" in line)
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


def test_page_may_be_left_while_it_is_first_drawn(browser: Browser, small_workspace: Workspace) -> None:
    for process in serve(small_workspace):
        page = browser.new_page(viewport=WIDE)
        page.goto(process.address)
        page.get_by_test_id("stMetric").first.wait_for(timeout=PATIENCE * 1000)
        turn_to(page, "Coverage")
        page.get_by_role("heading", name="Position in the text").wait_for(timeout=PATIENCE * 1000)
        check_sound(page)
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_small_pages_wide_and_narrow(browser: Browser, small: DashboardProcess, scheme: Scheme) -> None:
    page = open_page(browser, small, scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    settle(page)
    for title in PAGES:
        turn_to(page, title)
        check_sound(page)
        assert page.get_by_test_id("stDataFrame").count() > 0
        assert page.title().startswith(f"{title} · small")
        for size in (NARROW, LAPTOP):
            page.set_viewport_size(size)
            page.wait_for_timeout(200)
            check_sound(page)
        page.set_viewport_size(WIDE)
        page.wait_for_timeout(200)
    page.close()
    assert [url for url in asked if not url.startswith((small.url, "data:", "blob:"))] == []


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


def test_hostile_data_shows_as_text(browser: Browser, small: DashboardProcess) -> None:
    page = open_page(browser, small, "explore?sample=hostile-1")
    reading = page.locator(".gs-text").first
    page.get_by_text("Show hidden text").click()
    settle(page)
    shown = reading.inner_text()
    assert "<script>window.pwned=1</script>**bold**" in shown
    assert LONG_WORD in shown
    assert "\u0645\u0631\u062d\u0628\u0627" in shown
    assert page.get_by_text("training_samples/<b>x<b> **bold**").is_visible()
    assert page.get_by_text(f"unknown_label  1. model {EVIL}").count() == 1
    check_sound(page)
    page.get_by_test_id("stExpander").first.click()
    for field in ("Language", "Document type"):
        check_offers(page, page.get_by_label(field, exact=True), EVIL)
        check_sound(page)
    page.close()


def test_hostile_names_in_choices_and_charts(browser: Browser, small: DashboardProcess) -> None:
    page = open_page(browser, small, "evaluation")
    check_offers(page, page.get_by_role("combobox").last, "**evil**<b>")
    for title in ("Coreference", "Annotators", "Quality", "Runs"):
        turn_to(page, title)
        for chart in page.get_by_test_id("stVegaLiteChart").all():
            chart.scroll_into_view_if_needed()
            box = chart.bounding_box()
            assert box
            for share in (0.3, 0.5, 0.7):
                page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.45)
                page.wait_for_timeout(60)
            check_sound(page)
    page.close()


def test_figures_lead_to_their_samples(browser: Browser, small: DashboardProcess) -> None:
    page = open_page(browser, small)
    reviewed = page.get_by_test_id("stMetric").filter(has_text="Reviewed")
    count = reviewed.get_by_test_id("stMetricValue").inner_text()
    with page.context.expect_page() as opened:
        reviewed.get_by_role("link").click()
    explore = opened.value
    settle(explore)
    assert explore.url == f"{small.url}/explore?state=reviewed"
    assert explore.get_by_text(f"{count} samples, 50 a page").is_visible()
    assert explore.get_by_text("Filter: state = reviewed").is_visible()
    explore.get_by_test_id("stExpander").first.click()
    explore.get_by_label("Language", exact=True).click()
    explore.get_by_role("option", name="de", exact=True).click()
    settle(explore)
    assert set(urlsplit(explore.url).query.split("&")) == {"state=reviewed", "language=de"}
    explore.reload()
    settle(explore)
    assert explore.get_by_text("Filter: language = de, state = reviewed").is_visible()
    explore.close()
    bar = page.get_by_test_id("stVegaLiteChart").first.locator("path[aria-label*='reviewed']").first
    bar.click()
    page.wait_for_url(f"{small.url}/explore?state=reviewed")
    settle(page)
    assert page.get_by_text(f"{count} samples, 50 a page").is_visible()
    page.close()


def test_surfaces_are_hidden_until_asked_for(browser: Browser, small: DashboardProcess, labels: LabelSchema) -> None:
    sample = make_sample(3, labels)
    page = open_page(browser, small, f"explore?sample={sample.sample_id}")
    readings = page.locator(".gs-text")
    assert readings.count() == 2
    surfaces = {sample.text[e.start : e.end] for a in sample.annotations for e in a.entities}
    for reading in readings.all():
        assert not any(surface in reading.inner_text() for surface in surfaces if len(surface) > 3)
    link = page.get_by_role("link", name="Open in Label Studio").get_attribute("href")
    assert link
    assert re.fullmatch(r"http://127\.0\.0\.1:8080/projects/3/data\?task=\d+", link)
    page.get_by_text("Show hidden text").click()
    settle(page)
    assert "Maria" in readings.first.inner_text()
    page.close()


def test_a_run_that_writes_shows_at_the_next_look(
    browser: Browser, small: DashboardProcess, small_workspace: Workspace, labels: LabelSchema
) -> None:
    page = open_page(browser, small)
    samples = page.get_by_test_id("stMetricValue").first
    assert samples.inner_text() == "42"
    added = small_workspace.annotation_samples / "running.jsonl"
    try:
        write_tasks(added, [make_sample(number, labels) for number in (900, 901, 902)], labels)
        with added.open("ab") as stream:
            stream.write(b'{"data": {"text": "half a li')
        page.reload()
        settle(page)
        assert samples.inner_text() == "45"
        assert page.get_by_text("1 records cannot be read").count() == 1
    finally:
        added.unlink()
    page.close()


def test_a_broken_gate_file_is_named(browser: Browser, small: DashboardProcess, small_workspace: Workspace) -> None:
    thresholds = small_workspace.root / "gate.toml"
    thresholds.write_text("[samples\n")
    try:
        page = open_page(browser, small, "hand-over")
        assert page.get_by_text("This page cannot be shown").is_visible()
        assert page.get_by_text("is not readable TOML").is_visible()
        page.close()
    finally:
        thresholds.unlink()


def test_an_open_gate_freezes_a_version(browser: Browser, small: DashboardProcess, small_workspace: Workspace) -> None:
    thresholds, aside = small_workspace.root / "gate.toml", small_workspace.root / "aside"
    (hostile,) = small_workspace.training_samples.glob("<b>*")
    thresholds.write_text("[samples]\nreviewed = 5\n")
    try:
        page = open_page(browser, small, "hand-over")
        freeze(page, "refused")
        page.get_by_text("Nothing was frozen").wait_for(timeout=PATIENCE * 1000)
        check_sound(page)
        hostile.rename(aside)
        freeze(page, "walked")
        page.get_by_text(re.compile(r"^Froze \d+ samples\.$")).wait_for(timeout=PATIENCE * 1000)
        check_sound(page)
        page.close()
    finally:
        thresholds.unlink()
        aside.rename(hostile)
    assert (small_workspace.bundles / "walked" / "manifest.json").exists()
    assert not (small_workspace.bundles / "refused").exists()


def freeze(page: Page, name: str) -> None:
    assert page.get_by_text("The gate is open").is_visible()
    page.get_by_label("Name", exact=True).fill(name)
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Freeze version").click()
