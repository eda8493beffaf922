"""Every page of the dashboard in a real browser, on a little data with hostile texts in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.launch import DashboardProcess
from tests.dashboards.hostile import EVIL, LONG_WORD, add_hostile, add_results
from tests.dashboards.sample_data import add_simulation, fill_workspace, make_sample, write_tasks
from tests.walk.dashboard_page import (
    LAPTOP,
    NARROW,
    PAGES,
    PATIENCE,
    WIDE,
    Scheme,
    check_sound,
    open_page,
    serve,
    settle,
    turn_to,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page


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


def find_option(page: Page, field: Locator, option: str | re.Pattern[str]) -> Locator:
    """The option in the open list of a field; a click that a rerun swallowed is made again."""
    offered = page.get_by_role("option").filter(has_text=option)
    for _ in range(6):
        field.click()
        page.wait_for_timeout(500)
        if offered.count():
            break
        page.keyboard.press("Escape")
    return offered.first


def check_offers(page: Page, field: Locator, option: str) -> None:
    """The field offers the option, letter by letter."""
    assert find_option(page, field, option).inner_text().strip() == option
    page.keyboard.press("Escape")
    settle(page)


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
def test_small_pages_light_and_dark_wide_and_narrow(browser: Browser, small: DashboardProcess, scheme: Scheme) -> None:
    asked: list[str] = []
    page = open_page(browser, small, scheme=scheme, asked=asked)
    for title in PAGES:
        turn_to(page, title)
        check_sound(page)
        assert page.get_by_test_id("stDataFrame").count() > 0
        assert page.title().startswith(f"{title} · small")
        for size in (NARROW, LAPTOP, WIDE) if scheme == "light" else ():
            page.set_viewport_size(size)
            page.wait_for_timeout(200)
            check_sound(page)
    page.close()
    assert [url for url in asked if not url.startswith((small.url, "data:", "blob:"))] == []


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
    issues = page.locator('[role="gridcell"]', has_text="unknown_label")
    issues.first.wait_for(state="attached", timeout=PATIENCE * 1000)
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
    find_option(explore, explore.get_by_label("Language", exact=True), re.compile(r"^\s*de\s*$")).click()
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
        assert page.get_by_text("1 record cannot be read").count() == 1
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
        page.get_by_text(re.compile(r"^Froze \d+ samples?\.$")).wait_for(timeout=PATIENCE * 1000)
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
