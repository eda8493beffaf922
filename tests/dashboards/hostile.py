"""Data that tries to be markup, in every field that a page shows."""

from __future__ import annotations

from dataclasses import replace

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.results.evaluate import EvaluationSettings, evaluate_pairing
from goldspan.evaluation.results.result import write_result
from goldspan.generators.journal.journal import Journal
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.settings import RunSettings
from tests.dashboards.sample_data import make_sample, write_tasks

EVIL = (
    '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    "**bold** [a](javascript:alert(1)) :red[r] $x$ `c`"
)
"""Markup of every kind that a page could fall for."""

RIGHT_TO_LEFT = "\u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c \u05e9\u05dc\u05d5\u05dd"
LONG_WORD = "Donaudampfschiff" * 60


def make_hostile_samples(labels: LabelSchema) -> list[Sample]:
    """Samples whose every field tries to be markup."""
    text = f"{EVIL} Ann wrote. {LONG_WORD} {RIGHT_TO_LEFT}"
    at = text.index("Ann")
    entities = (Entity(0, 9, EVIL, id="a"), Entity(at, at + 3, "FIRSTNAME", id="b"))
    prediction = Annotation(Author.model(EVIL), entities, id="1")
    review = Annotation(Author.person(EVIL), entities[1:], id="2", created_at="2026-11-21T10:00:00Z", lead_time=20.0)
    other = replace(review, author=Author.person("=cmd|' /C calc'!A0"), id="3")
    sample = Sample(text, EVIL, EVIL, EVIL, (prediction, review, other), {"run": EVIL})
    return [replace(sample, sample_id="hostile-1"), replace(sample, text=text + " More.", sample_id="hostile-2")]


def add_hostile(workspace: Workspace, labels: LabelSchema) -> None:
    """A file of hostile samples with a hostile name, a result with hostile names, and a run with hostile letters."""
    name = "<b>x<b> **bold** <img src=x onerror=window.pwned=1>.jsonl"
    write_tasks(workspace.training_samples / name, make_hostile_samples(labels), labels, task_ids=True)
    settings = RunSettings("offline", 4, 1, ("en",))
    folder = begin_run(workspace, settings, labels, "hostile")
    with Journal(folder) as journal:
        for item, state in enumerate(("done", "dead", "dead", "open")):
            journal.add_item(item, {"language": EVIL}, "draft")
            if state != "open":
                journal.update_item(item, state=state, stage="draft", reason=EVIL if state == "dead" else "")


def add_results(workspace: Workspace, labels: LabelSchema) -> None:
    """Two results of the same samples, one with a hostile name."""
    samples = [sample for sample in (make_sample(number, labels) for number in range(40)) if sample.reviews]
    pairing = pair_samples(samples, samples)
    for file, name in (("first", "first"), ("**evil**<b>", EVIL)):
        write_result(workspace.results / f"{file}.json", evaluate_pairing(pairing, labels, EvaluationSettings(), name))
