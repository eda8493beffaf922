"""A person's view: the labelling screen in a real browser, from pre-annotation to submission."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import polars as pl
import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import (
    assign_hotkeys,
    build_config,
    build_instructions,
    compare_config,
)
from goldspan.annotation.labelstudio.push.receipt import record_pushed
from goldspan.annotation.tasks.codec import encode_task, read_task
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from goldspan.dashboards.views.explore import build_tab_url
from tests.walk.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

LABELS = load_labels()
FIELDS = "id,data,annotations,predictions,result,completed_by,was_cancelled,created_at,lead_time,parent_prediction"
TEXT = (
    "Subject: Anna Müller 👩‍💻\r\n\r\n"
    "Anna lives in Köln 🎉🎉. She met יוסי כהן in חיפה.\r\n"
    "היא פגשה את יוסי כהן\r\n"
    "Call her: 🇩🇪 +49 221 1234567, or write to anna.mueller@example.org."
)


def build_sample(tagged: str) -> Sample:
    read = parse_tagged(tagged, LABELS)
    reading = Annotation(Author.model("walk-1"), read.entities, read.mentions, score=0.97)
    return Sample(read.text, "en", "GB", "letter", (reading,), {"run": "walk"})


def find(surface: str, occurrence: int = 0) -> tuple[int, int]:
    start = [match.start() for match in re.finditer(re.escape(surface), TEXT)][occurrence]
    return start, start + len(surface)


ENTITIES = sort_spans(
    Entity(*find(surface, occurrence), label)
    for surface, occurrence, label in (
        ("Anna", 0, "FIRSTNAME"),
        ("Müller", 0, "SURNAME"),
        ("Anna", 1, "FIRSTNAME"),
        ("Köln", 0, "CITY"),
        ("יוסי", 0, "FIRSTNAME"),
        ("כהן", 0, "SURNAME"),
        ("חיפה", 0, "CITY"),
        ("יוסי", 1, "FIRSTNAME"),
        ("כהן", 1, "SURNAME"),
        ("+49 221 1234567", 0, "PHONENUMBER"),
        ("anna.mueller@example.org", 0, "EMAIL"),
    )
)
MENTIONS = sort_spans(
    Mention(*find(surface, occurrence), kind, "1")
    for surface, occurrence, kind in (
        ("Anna Müller", 0, "MENTION"),
        ("Anna", 1, "MENTION"),
        ("She", 0, "PRONOUN"),
        ("her", 0, "PRONOUN"),
    )
)
SAMPLE = Sample(
    TEXT, "en", "DE", "email", (Annotation(Author.model("walk-1"), ENTITIES, MENTIONS, score=0.9),), {"run": "walk"}
)


LETTER = """From: <EMAIL>lena.hoffmann@nordwind.example</EMAIL>
To: Accounts

Dear Mr <m c="2"><SURNAME>Okafor</SURNAME></m>,

<m c="1"><FIRSTNAME>Lena</FIRSTNAME> <SURNAME>Hoffmann</SURNAME></m> has moved from <CITY>Hamburg</CITY> to \
<STREET>Rue de la Paix</STREET> <BUILDINGNUM>14</BUILDINGNUM>, <ZIP>75002</ZIP> <CITY>Paris</CITY>, \
<COUNTRY>France</COUNTRY>. <m c="1" k="PRONOUN">She</m> was born on <DATEOFBIRTH>7 March 1988</DATEOFBIRTH> and asks \
that <m c="1" k="PRONOUN">her</m> refunds go to <IBAN>FR76 3000 6000 0112 3456 7890 189</IBAN>. \
Please call <m c="1" k="REFERENCE">the customer</m> on <PHONENUMBER>+33 1 70 18 99 00</PHONENUMBER> if \
<m c="2" k="PRONOUN">you</m> have questions.

Kind regards
<COMPANYNAME>Nordwind Energie GmbH</COMPANYNAME>"""


PREDICTED = (
    '🎉 <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> moved to <CITY>Lyon</CITY> 👩‍💻. '
    '<m c="1" k="PRONOUN">She</m> works at <COMPANYNAME>Nordwind</COMPANYNAME> Energie with '
    '<m c="2"><FIRSTNAME>Omar</FIRSTNAME></m> since he came.'
)
CORRECTED = (
    '🎉 <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> moved to <COUNTRY>Lyon</COUNTRY> 👩‍💻. '
    '<m c="1" k="PRONOUN">She</m> works at <COMPANYNAME>Nordwind Energie</COMPANYNAME> with '
    '<m c="2"><FIRSTNAME>Omar</FIRSTNAME></m> since <m c="2" k="PRONOUN">he</m> came.'
)


@dataclass(frozen=True)
class PushedTask:
    project: int
    task: int
    letter: int
    wrong: int
    client: StudioClient


@pytest.fixture(scope="module")
def pushed(studio: RunningStudio) -> PushedTask:
    client = StudioClient(studio.url, studio.token)
    project = client.create_project(
        {
            "title": "Browser walk",
            "label_config": build_config(LABELS),
            "expert_instruction": build_instructions(LABELS),
        }
    )["id"]
    tasks = [
        orjson.dumps(encode_task(sample, LABELS)) for sample in (SAMPLE, build_sample(LETTER), build_sample(PREDICTED))
    ]
    counts = client.import_tasks(project, tasks)
    assert (counts["task_count"], counts["prediction_count"]) == (3, 3)
    client.update_project(project, {"model_version": "walk-1", "show_collab_predictions": True})
    hard, letter, wrong = (task["id"] for task in client.iter_tasks(project, "id"))
    return PushedTask(project, hard, letter, wrong, client)


@pytest.fixture(scope="module")
def session(studio: RunningStudio, browser: Browser) -> BrowserContext:
    """Of a person who is logged in."""
    return Screen.log_in(browser, studio.url, studio.info.email, studio.info.password).page.context


@pytest.fixture
def screen(studio: RunningStudio, session: BrowserContext) -> Iterator[Screen]:
    """A page of its own."""
    page = session.new_page()
    yield Screen(page, studio.url)
    page.close()


def test_project_keeps_the_screen_that_was_built(pushed: PushedTask) -> None:
    stored = pushed.client.read_project(pushed.project)["label_config"]
    assert not compare_config(LABELS, stored)


def test_screen_shows_labels_guideline_entities_and_relation(screen: Screen, pushed: PushedTask) -> None:
    page = screen.page
    screen.open_task(pushed.project, pushed.task)
    badge = page.locator(".relations-overlay").get_by_text(LABELS.relation)
    badge.first.wait_for(state="attached", timeout=90_000)
    assert not badge.first.is_visible()
    screen.select_mark("She")
    badge.first.wait_for(state="visible", timeout=90_000)
    screen.press("Escape")
    wanted = sorted(TEXT[span.start : span.end] for span in (*ENTITIES, *MENTIONS))
    assert sorted(screen.read_highlights()) == wanted
    assert badge.count() == len(MENTIONS) - 1
    size = page.viewport_size
    for width, height in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator(".lsf-richtext__container").first.bounding_box()
        assert box is not None
        assert box["y"] < 250
        assert box["width"] > 350
    if size:
        page.set_viewport_size(size)
    for category in LABELS.categories:
        assert page.get_by_role("heading", name=category).first.is_visible()
    for label in LABELS.labels:
        assert page.locator(".lsf-label__text", has_text=re.compile(f"^{label.code}$")).first.is_visible()
    screen.take_picture("scripts.png")
    hint = page.get_by_text("Street name without the house number")
    assert not hint.is_visible()
    page.get_by_text("Guideline", exact=True).click()
    hint.wait_for(state="visible", timeout=60_000)
    screen.take_picture("guideline.png")


def test_a_tab_of_exactly_these_tasks_opens(screen: Screen, pushed: PushedTask, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.training_samples.mkdir()
    state = {"url": pushed.client.url, "project": pushed.project}
    (workspace.training_samples / "a.state.json").write_bytes(orjson.dumps(state))
    found = pl.DataFrame({"file": ["training_samples/a.jsonl"] * 2, "task": [pushed.task, pushed.wrong]})
    screen.page.goto(build_tab_url(workspace, found))
    row = screen.page.locator(".lsf-table__row-wrapper, .dm-table__row-wrapper")
    row.first.wait_for(timeout=90_000)
    screen.page.wait_for_timeout(1500)
    screen.take_picture("tab.png")
    assert row.count() == 2
    [task] = pushed.client.read_tasks(pushed.project, [pushed.letter], "id,data")
    sample_id = task["data"]["sample_id"]
    record_pushed(workspace, pushed.client.url, pushed.project, "", [sample_id])
    waiting = pl.DataFrame({"file": [""], "task": [None], "sample_id": [sample_id]})
    screen.page.goto(build_tab_url(workspace, waiting))
    row.first.wait_for(timeout=90_000)
    screen.page.wait_for_timeout(1500)
    screen.take_picture("tab-pushed.png")
    assert row.count() == 1


def test_ordinary_letter_is_readable(screen: Screen, pushed: PushedTask) -> None:
    letter = build_sample(LETTER)
    (reading,) = letter.predictions
    screen.open_task(pushed.project, pushed.letter)
    spans = [*reading.entities, *reading.mentions]
    assert sorted(screen.read_highlights()) == sorted(letter.text[span.start : span.end] for span in spans)
    screen.take_picture("task.png")


def test_submission_keeps_every_span_and_relation(screen: Screen, pushed: PushedTask) -> None:
    screen.open_task(pushed.project, pushed.task)
    screen.submit()
    (task,) = pushed.client.read_tasks(pushed.project, [pushed.task], FIELDS)
    sample, issues = read_task(task, LABELS)
    (review,) = sample.reviews
    assert sample.text == TEXT
    assert [entity.span for entity in review.entities] == [entity.span for entity in ENTITIES]
    assert {mention.span for mention in review.mentions} == {mention.span for mention in MENTIONS}
    assert [len(mentions) for mentions in review.clusters.values()] == [len(MENTIONS)]
    assert {entity.origin for entity in review.entities} == {"prediction"}
    assert review.parent
    assert not [issue for issue in issues if issue.severity == "error"]


def test_corrections_by_mouse_and_keys_come_back_exactly(screen: Screen, pushed: PushedTask) -> None:
    keys = assign_hotkeys(LABELS.labels)
    screen.open_task(pushed.project, pushed.wrong)
    screen.select_mark("Lyon")
    screen.press(keys["COUNTRY"], "Escape")
    screen.select_mark("Nordwind")
    screen.press("Backspace")
    screen.drag("Nordwind", "Energie", keys["COMPANYNAME"])
    screen.drag("he", "he", keys["PRONOUN"])
    screen.select_mark("he")
    screen.press("Alt+r")
    screen.select_mark("Omar")
    screen.press("Escape")
    screen.take_picture("corrected.png")
    screen.submit()
    (task,) = pushed.client.read_tasks(pushed.project, [pushed.wrong], FIELDS)
    (review,) = read_task(task, LABELS).sample.reviews
    wanted = parse_tagged(CORRECTED, LABELS)
    assert [entity.span for entity in review.entities] == [entity.span for entity in wanted.entities]
    assert {mention.span for mention in review.mentions} == {mention.span for mention in wanted.mentions}
    assert sorted(map(len, review.clusters.values())) == [2, 2]
    origins = {entity.label: entity.origin for entity in review.entities}
    assert (origins["SURNAME"], origins["COUNTRY"], origins["COMPANYNAME"]) == (
        *("prediction", "prediction-changed", "manual"),
    )
