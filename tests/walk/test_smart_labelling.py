"""The annotator's screen with a served model, in a real browser: other occurrences, choices, a note, no words kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import orjson
import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.backend import connect_backend, disconnect_backend
from goldspan.annotation.labelstudio.project.config import assign_hotkeys
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.tasks.feedback import DocumentChoice, RegionDoubt, read_feedback
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Origin, Sample
from tests.walk.masking_server import RunningServer
from tests.walk.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
TEXT = "Robert wrote to bob@mail.com. 👩‍💻 Robert waits, and Robertson does not. Yours, Robert."


@pytest.fixture
def server() -> Iterator[RunningServer]:
    running = RunningServer()
    yield running
    running.stop()


def test_marking_a_value_marks_its_other_occurrences_and_all_that_is_said_comes_back(
    studio: RunningStudio, server: RunningServer, browser: Browser, labels: LabelSchema
) -> None:
    client = StudioClient(studio.url, studio.token)
    number = push_samples(client, [Sample(TEXT, "en")], labels, PushOptions(f"smart {uuid.uuid4().hex[:8]}")).project
    assert number is not None
    connect_backend(client, studio.workspace, client.read_project(number), server.url)
    [task] = client.iter_tasks(number, "id")
    screen = Screen.log_in(browser, studio.url, studio.info.email, studio.info.password)
    page = screen.page
    screen.open_task(number, task["id"])
    screen.press("Escape")
    assert screen.read_highlights() == ["bob@mail.com"]
    page.get_by_test_id("bottombar-auto-annotation-toggle").click(force=True)
    page.evaluate("document.activeElement.blur()")
    with page.expect_response(lambda answer: "interactive-annotating" in answer.url, timeout=90_000):
        screen.drag("Robert", "Robert", assign_hotkeys(labels.labels)["FIRSTNAME"])
    page.locator(".htx-highlight", has_text="Robert").nth(2).wait_for(timeout=90_000)
    assert sorted(screen.read_highlights()) == ["Robert", "Robert", "Robert", "bob@mail.com"]
    screen.select_mark("bob@mail.com")
    page.get_by_text("Unsure where it begins or ends").wait_for(timeout=90_000)
    screen.take_picture("reasons-for-doubt.png")
    screen.press("Shift+b", "Escape", "Shift+d")
    note = page.locator(".goldspan-document textarea, .goldspan-document input[type=text]").first
    note.fill("Is Robert staff?")
    note.press("Enter")
    page.get_by_text("Is Robert staff?").first.wait_for(timeout=90_000)
    screen.take_picture("smart-labelling.png")
    screen.submit()

    [stored] = client.read_tasks(number, [task["id"]], "id,annotations,result")
    result = stored["annotations"][0]["result"]
    assert not any("text" in item["value"] for item in result if item["type"] == "labels")
    report = pull_annotations(client, studio.workspace, labels, PullOptions(number))
    [sample] = read_samples([report.file], labels)
    [review] = sample.reviews
    found = [(sample.text[e.start : e.end], e.label) for e in review.entities]
    assert found == [("Robert", "FIRSTNAME"), ("bob@mail.com", "EMAIL"), *[("Robert", "FIRSTNAME")] * 2]
    assert review.entities[1].origin is Origin.PREDICTION
    feedback = read_feedback(review)
    assert (feedback.choices, feedback.notes) == ({DocumentChoice.UNSURE}, ("Is Robert staff?",))
    assert feedback.doubts == {review.entities[1].id: {RegionDoubt.BOUNDARY}}
    verbatim = [item for item in result if item["type"] in ("choices", "textarea")]
    assert orjson.loads(review.other) == verbatim
    assert disconnect_backend(client, studio.workspace, client.read_project(number))
    assert client.backends.list_all(number) == client.backends.list_webhooks(number) == []
