"""Two people in real browsers: one accepts everything, one moves a border, relabels, links and skips."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, Status
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.agreement import measure_agreement
from tests.walk.people import PASSWORD, sign_up

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
TASKS = 4
SHOW_HANDLES = "area.__resize_left, area.__resize_right { display: block !important; width: 5px; height: 1em }"
"""Headless Chromium does not draw the handles, which are `<area>` elements without an image map."""


def make_sample(number: int) -> Sample:
    """The model found only half of the city's name and no coreference."""
    text = f"🎉 No. {number}: Maria Santos moved to Lyon Nord today. She likes it."

    def find(surface: str) -> tuple[int, int]:
        return text.index(surface), text.index(surface) + len(surface)

    entities = (
        Entity(*find("Maria"), "FIRSTNAME", "e0"),
        Entity(*find("Santos"), "SURNAME", "e1"),
        Entity(*find("Lyon"), "CITY", "e2"),
    )
    mentions = (Mention(*find("Maria Santos"), "MENTION", "", "m0"), Mention(*find("She"), "PRONOUN", "", "m1"))
    prediction = Annotation(Author.model("walk/v1"), entities, mentions, score=0.8)
    return Sample(text, "en", "FR", "note", (prediction,), {"number": number})


@dataclass
class Annotator:
    """One person in the label stream of a project."""

    page: Page
    email: str

    def begin(self, studio: RunningStudio, project: int) -> None:
        self.page.goto(f"{studio.url}/user/login/")
        self.page.fill("input[name=email]", self.email)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_load_state()
        self.page.goto(f"{studio.url}/projects/{project}/data?labeling=1")
        self.wait_for_other("")
        self.page.keyboard.press("Escape")
        self.page.locator(".lsf-modal-ls").wait_for(state="detached")
        self.page.add_style_tag(content=SHOW_HANDLES)

    def read_number(self) -> str:
        """The number of the task on the screen; empty while there is none."""
        texts = self.page.eval_on_selector_all(".goldspan-text", "boxes => boxes.map(box => box.innerText)")
        found = re.search(r"No\. (\d+):", " ".join(texts))
        return found[1] if found and self.page.locator(".htx-highlight", has_text="She").count() else ""

    def wait_for_other(self, number: str) -> None:
        """Until another task than this one is on the screen with its pre-annotations."""
        deadline = time.monotonic() + 60
        while self.read_number() in ("", number):
            assert time.monotonic() < deadline, f"after task {number!r} no other came"
            self.page.wait_for_timeout(100)
        self.page.wait_for_timeout(500)

    def select(self, surface: str) -> None:
        self.page.locator(".htx-highlight", has_text=surface).last.click()
        self.page.wait_for_timeout(300)

    def finish(self, button: str, *, last: bool) -> None:
        number = self.read_number()
        with self.page.expect_response(lambda answer: "/annotations" in answer.url and answer.status == 201):
            self.page.get_by_role("button", name=button).first.click()
        if not last:
            self.wait_for_other(number)

    def move_border(self) -> None:
        """Drag the right edge of `Lyon` to behind `Nord`."""
        self.select("Lyon")
        handle = self.page.locator("area.__resize_right").bounding_box()
        assert handle is not None
        target = self.page.evaluate(
            """() => {
                const walker = document.createTreeWalker(document.querySelector('.goldspan-text'), 4);
                while (walker.nextNode()) {
                    const at = walker.currentNode.textContent.indexOf(' Nord');
                    if (at < 0) continue;
                    const range = document.createRange();
                    range.setStart(walker.currentNode, at + 4);
                    range.setEnd(walker.currentNode, at + 5);
                    const box = range.getBoundingClientRect();
                    return [box.right - 1, box.top + box.height / 2];
                }
            }"""
        )
        mouse = self.page.mouse
        mouse.move(handle["x"] + 2, handle["y"] + handle["height"] / 2)
        mouse.down()
        mouse.move(handle["x"] + 10, target[1], steps=4)
        mouse.move(*target, steps=10)
        self.page.wait_for_timeout(200)
        mouse.up()
        self.page.wait_for_timeout(500)

    def relabel(self, label: str) -> None:
        self.select("Lyon")
        self.page.locator(".lsf-label__text", has_text=re.compile(f"^{label}$")).first.click()
        self.page.wait_for_timeout(300)

    def link(self) -> None:
        """A relation from `She` to `Maria Santos`, whose region shows itself only between the two names."""
        self.select("She")
        self.page.get_by_role("button", name="Create Relation").click()
        name = self.page.locator(".htx-highlight", has_text="Santos").last.bounding_box()
        assert name is not None
        self.page.mouse.click(name["x"] - 2, name["y"] + name["height"] / 2)
        self.page.wait_for_timeout(700)


@pytest.fixture(scope="module")
def annotator(studio: RunningStudio, browser: Browser) -> Iterator[Callable[[], Annotator]]:
    contexts = []

    def make() -> Annotator:
        contexts.append(browser.new_context(viewport={"width": 1500, "height": 1000}))
        return Annotator(contexts[-1].new_page(), sign_up(studio).email)

    yield make
    for context in contexts:
        context.close()


@dataclass(frozen=True)
class Pulled:
    report: PullReport
    samples: dict[int, Sample]
    accepting: str
    editing: str

    def read(self, number: int, email: str) -> Annotation:
        (review,) = (item for item in self.samples[number].annotations if item.author.name == email)
        return review


@pytest.fixture(scope="module")
def pulled(
    studio: RunningStudio,
    annotator: Callable[[], Annotator],
    labels: LabelSchema,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pulled:
    client = StudioClient(studio.url, studio.token)
    samples = [make_sample(number) for number in range(TASKS)]
    options = PushOptions(f"two annotators {uuid.uuid4().hex[:8]}", overlap=1.0)
    project = push_samples(client, samples, labels, options).project
    assert project is not None

    editing = annotator()
    editing.begin(studio, project)
    steps: list[Callable[[], Any]] = [editing.move_border, lambda: editing.relabel("STREET"), editing.link]
    for number, step in enumerate(steps):
        assert editing.read_number() == str(number)
        step()
        editing.finish("Submit", last=False)
    editing.finish("Skip", last=True)

    accepting = annotator()
    accepting.begin(studio, project)
    for number in range(TASKS):
        accepting.finish("Submit", last=number == TASKS - 1)

    file: Path = tmp_path_factory.mktemp("pulled") / "two.jsonl"
    workspace = studio.workspace
    report = pull_annotations(client, workspace, labels, PullOptions(project, file))
    read = {sample.provenance["number"]: sample for sample in read_samples([file], labels)}
    return Pulled(report, read, accepting.email, editing.email)


def test_pull_counts_what_both_did(pulled: Pulled) -> None:
    report = pulled.report
    assert (report.total, report.annotations, report.cancelled, report.drafts) == (4, 7, 1, 0)
    assert (report.refused, report.conflicts) == ((), ())


def test_the_one_who_accepts_changed_nothing(pulled: Pulled) -> None:
    for number, sample in pulled.samples.items():
        review, prediction = pulled.read(number, pulled.accepting), sample.predictions[0]
        assert (review.entities, review.mentions) == (prediction.entities, prediction.mentions)
        assert {entity.origin for entity in review.entities} == {"prediction"}
        assert review.parent == prediction.id
        assert review.lead_time is not None


def test_the_moved_border_is_there(pulled: Pulled) -> None:
    city = pulled.read(0, pulled.editing).entities[-1]
    assert pulled.samples[0].text[city.start : city.end] == "Lyon Nord"
    assert (city.id, city.label, city.origin) == ("e2", "CITY", "prediction-changed")


def test_the_new_label_is_there(pulled: Pulled) -> None:
    street = pulled.read(1, pulled.editing).entities[-1]
    assert (street.id, street.label, street.origin) == ("e2", "STREET", "prediction-changed")


def test_the_relation_is_there(pulled: Pulled) -> None:
    review = pulled.read(2, pulled.editing)
    assert [[mention.label for mention in cluster] for cluster in review.clusters.values()] == [["MENTION", "PRONOUN"]]
    assert review.entities == pulled.samples[2].predictions[0].entities


def test_the_skip_is_told_apart(pulled: Pulled) -> None:
    assert pulled.read(3, pulled.editing).status is Status.CANCELLED
    assert [review.author.name for review in pulled.samples[3].reviews] == [pulled.accepting]


def test_acceptance_counts_it_right(pulled: Pulled) -> None:
    report = measure_acceptance(pulled.samples.values())
    editing, accepting = report.by_person[pulled.editing], report.by_person[pulled.accepting]
    assert (editing.predicted, editing.accepted, editing.resized, editing.relabelled) == (9, 7, 1, 1)
    assert (accepting.predicted, accepting.accepted, accepting.edits) == (12, 12, 0)
    assert report.contradictions == 0


def test_agreement_counts_it_right(pulled: Pulled) -> None:
    report = measure_agreement(pulled.samples.values())
    assert (report.samples, len(report.pairs)) == (3, 1)
    assert report.exact.measure_f() == pytest.approx(7 / 9)
