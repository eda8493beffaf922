"""Label Studio's labelling screen as a person uses it: mouse, keys and what is to be seen."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

FIND_PLACE = """([text, edge]) => {
    const word = new RegExp(`(?<![A-Za-z])${text}(?![A-Za-z])`);
    const walker = document.createTreeWalker(
        document.querySelector(".lsf-richtext__container"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const index = node.textContent.search(word);
        if (index < 0) continue;
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + text.length);
        const box = range.getClientRects()[0];
        return [edge === "end" ? box.right - 2 : box.left + 2, box.top + box.height / 2];
    }
}"""
"""The point just inside the first or last character of the first whole word `text`."""


@dataclass(frozen=True)
class Screen:
    """One person's browser page."""

    page: Page
    url: str

    @classmethod
    def log_in(cls, browser: Browser, url: str, email: str, password: str) -> Screen:
        """A page of its own session, logged in."""
        page = browser.new_context(viewport={"width": 1500, "height": 1000}).new_page()
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_load_state()
        return cls(page, url)

    def open_task(self, project: int, task: int) -> None:
        """Open a task from the Data Manager and wait until its spans are drawn."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        self.page.wait_for_selector(".htx-highlight", timeout=60_000)

    def read_highlights(self) -> list[str]:
        """The text of each highlighted span."""
        return list(self.page.eval_on_selector_all(".htx-highlight", "marks => marks.map(mark => mark.textContent)"))

    def find_mark(self, text: str) -> Locator:
        """The innermost highlighted span with exactly this text."""
        return self.page.locator(".htx-highlight", has_text=re.compile(f"^{re.escape(text)}$")).last

    def select_mark(self, text: str) -> None:
        """Click a highlighted span near its beginning, so that it is the selected region."""
        self.find_mark(text).click(position={"x": 3, "y": 8})
        self.page.wait_for_timeout(300)

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(300)

    def drag(self, first: str, last: str, label_key: str) -> None:
        """Choose a label by its key and drag over the text from one word to another, each outside other spans."""
        self.press(label_key)
        start = self.page.evaluate(FIND_PLACE, [first, "start"])
        end = self.page.evaluate(FIND_PLACE, [last, "end"])
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=8)
        self.page.mouse.up()
        self.page.wait_for_timeout(400)
        self.press("Escape")

    def submit(self) -> None:
        """Submit the annotation and wait until Label Studio has it."""
        with self.page.expect_response(lambda answer: "/annotations" in answer.url and answer.status == 201):
            self.page.get_by_test_id("bottombar-submit-button").click()

    def take_picture(self, name: str) -> None:
        """Keep a screenshot in the folder that `GOLDSPAN_SCREENSHOTS` names; without it, do nothing."""
        if folder := os.environ.get("GOLDSPAN_SCREENSHOTS"):
            self.page.mouse.move(5, 400)
            self.page.wait_for_timeout(1000)
            self.page.screenshot(path=Path(folder) / name)
