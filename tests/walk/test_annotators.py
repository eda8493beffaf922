"""Two people at work in a real browser, and what comes back of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from annotation.labels import load_labels
from annotation.labelstudio.client import StudioClient
from annotation.labelstudio.config import assign_hotkeys
from annotation.labelstudio.pull import PullOptions, pull_annotations
from annotation.labelstudio.push import PushOptions, push_samples
from annotation.store import read_samples
from annotation.tagged import parse_tagged
from annotation.types import Annotation, Author, Sample, Status
from annotation.workspace import Workspace
from evaluation.acceptance import measure_acceptance
from evaluation.agreement import measure_agreement
from tests.walk.screen import Screen

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

LABELS = load_labels()
KEYS = assign_hotkeys(LABELS.labels)
TITLE = "Two annotators"
SECOND, SECOND_PASSWORD = "bea@goldspan.test", "second-Passw0rd"
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
SKIPPED = "Nobody is here but <FIRSTNAME>Ann</FIRSTNAME>."


def make_sample(tagged: str) -> Sample:
    read = parse_tagged(tagged, LABELS)
    reading = Annotation(Author.model("walk-1"), read.entities, read.mentions, score=0.9)
    return Sample(read.text, "en", "FR", "note", (reading,))


def invite_second(studio: RunningStudio) -> None:
    """Sign a second person up through the invitation link, the only way in."""
    with httpx.Client(base_url=studio.url, follow_redirects=True) as owner:
        owner.get("/user/login/")
        form = {"email": studio.info.email, "password": studio.info.password}
        owner.post("/user/login/", data=form | {"csrfmiddlewaretoken": owner.cookies["csrftoken"]})
        link = owner.get("/api/invite").json()["invite_url"]
    with httpx.Client(base_url=studio.url, follow_redirects=True) as person:
        person.get(link)
        form = {"email": SECOND, "password": SECOND_PASSWORD, "csrfmiddlewaretoken": person.cookies["csrftoken"]}
        person.post(link, data=form)
        assert person.get("/api/current-user/whoami").json()["email"] == SECOND


def correct(screen: Screen) -> None:
    """From PREDICTED to CORRECTED: relabel, move a border, add a mention, relate it."""
    screen.select_mark("Lyon")
    screen.press(KEYS["COUNTRY"], "Escape")
    screen.select_mark("Nordwind")
    screen.press("Backspace")
    screen.drag("Nordwind", "Energie", KEYS["COMPANYNAME"])
    screen.drag("he", "he", KEYS["PRONOUN"])
    screen.select_mark("he")
    screen.press("Alt+r")
    screen.select_mark("Omar")
    screen.press("Escape")


def test_pull_brings_exactly_what_two_people_did(studio: RunningStudio, browser: Browser, tmp_path: Path) -> None:
    client = StudioClient(studio.url, studio.token)
    samples = [make_sample(PREDICTED), make_sample(SKIPPED)]
    project = push_samples(client, samples, LABELS, PushOptions(TITLE, overlap=1.0)).project
    assert project is not None
    first_task, _ = (task["id"] for task in client.iter_tasks(project, "id"))
    invite_second(studio)

    second = Screen.log_in(browser, studio.url, SECOND, SECOND_PASSWORD)
    second.open_task(project, first_task)
    correct(second)
    second.take_picture("corrected.png")
    second.submit()
    first = Screen.log_in(browser, studio.url, studio.info.email, studio.info.password)
    for _ in samples:
        first.open_stream(project)
        if "Nobody" in first.read_text():
            first.skip()
        else:
            first.submit()

    report = pull_annotations(client, Workspace(tmp_path), LABELS, PullOptions(project))
    assert (report.annotations, report.cancelled, report.drafts, report.refused) == (2, 1, 0, ())
    pulled = {sample.text: sample for sample in read_samples([report.file], LABELS)}
    expected = {TITLE: parse_tagged(PREDICTED, LABELS), SECOND: parse_tagged(CORRECTED, LABELS)}
    reviews = {review.author.name: review for review in pulled[samples[0].text].reviews}
    for name, wanted in ((studio.info.email, expected[TITLE]), (SECOND, expected[SECOND])):
        assert [entity.span for entity in reviews[name].entities] == [entity.span for entity in wanted.entities]
        assert {mention.span for mention in reviews[name].mentions} == {mention.span for mention in wanted.mentions}
        assert reviews[name].parent
        assert (reviews[name].lead_time or 0) > 0
    assert sorted(map(len, reviews[SECOND].clusters.values())) == [2, 2]
    (skipped,) = (a for a in pulled[samples[1].text].annotations if not a.author.is_model)
    assert (skipped.status, skipped.author.name) == (Status.CANCELLED, studio.info.email)

    acceptance = measure_acceptance(pulled.values())
    total = acceptance.total
    assert (total.predicted, total.accepted, total.relabelled, total.resized) == (10, 8, 1, 1)
    assert (total.rejected, total.added) == (0, 0)
    assert acceptance.relabelled == {("CITY", "COUNTRY"): 1}
    assert acceptance.by_person[SECOND].edits == 2
    assert acceptance.by_person[studio.info.email].edits == 0
    (pair,) = measure_agreement(pulled.values()).pairs
    assert (pair.samples, pair.exact.found, pair.exact.gold) == (1, 3, 5)
