"""Take the pictures of the guide that need no Label Studio: `PYTHONPATH=. python scripts/take_pictures.py`.

It needs Chromium and the predictor rampart. The dashboard shows a made project, the masking page its example text.
`docs/images/task.png` is taken by hand.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.dashboards.launch import find_port, start_dashboard
from tests.dashboards.sample_data import fill_workspace
from tests.walk.test_dashboard import settle

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH = 1280
VIEWS: tuple[tuple[str, int, int, Literal["light", "dark"], int], ...] = (
    ("masking-page", WIDTH, 860, "light", 1),
    ("masking-page-dark", WIDTH, 860, "dark", 1),
    ("masking-page-phone", 390, 844, "light", 2),
)
"""Name, width, height, theme and scale of the pictures of the masking page."""


def picture_dashboard(browser: Browser) -> None:
    """The pages of the guide to the dashboard, whole."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "goldspan", "init", "--template", "pii", f"{folder}/support"], check=True)
        os.environ["GOLDSPAN_PROJECT_DIR"] = f"{folder}/support"
        workspace = find_workspace()
        fill_workspace(workspace, load_labels(), 240)
        process = start_dashboard(workspace)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        page.goto(process.address)
        for name in ("overview", "queue", "coverage", "explore"):
            page.set_viewport_size({"width": WIDTH, "height": 900})
            page.goto(f"{process.url}/{'' if name == 'overview' else name}")
            settle(page)
            height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.wait_for_timeout(1000)
            settle(page)
            page.screenshot(path=IMAGES / f"dashboard-{name}.png")
        process.stop()
        del os.environ["GOLDSPAN_PROJECT_DIR"]


def picture_masking_page(browser: Browser) -> None:
    """The masking page after its example was masked: light, dark, on a phone."""
    command = [sys.executable, "-m", "goldspan", "serve", "--predictor", "regex+rampart", "--port", str(find_port())]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
        try:
            found = next(match for line in server.stderr or () if (match := re.search(r"http://\S+", line)))
            for name, width, height, scheme, scale in VIEWS:
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=scale
                )
                page.goto(found[0])
                page.get_by_role("button", name="Example").click()
                page.get_by_role("button", name="Mask", exact=True).click()
                page.get_by_text("complete ✓").wait_for(timeout=120_000)
                page.screenshot(path=IMAGES / f"{name}.png")
        finally:
            server.terminate()


def main() -> None:
    """Take all of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        picture_dashboard(browser)
        picture_masking_page(browser)


if __name__ == "__main__":
    main()
