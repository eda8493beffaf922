"""Samples with every state a dashboard can show, built from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import orjson

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Sample, Status
from goldspan.training.loop.simulation.report import FORMAT, find_simulation, write_document

TEXT = (
    "Case of <USERNAME>user{number}</USERNAME>. "
    'Dear <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>{surname}</SURNAME></m>, we got your letter '
    'about <IBAN>{iban}</IBAN>. <m c="1" k="PRONOUN">You</m> moved to <STREET>High Street</STREET> '
    "<BUILDINGNUM>12</BUILDINGNUM>, <ZIP>SW1A 1AA</ZIP> <CITY>{city}</CITY>. "
    'Write to <EMAIL>m{number}@firm.co.uk</EMAIL>. <m c="2"><FIRSTNAME>John</FIRSTNAME></m> will help, and '
    '<m c="2" k="PRONOUN">he</m> is our best man.{ending}'
)
_SURNAMES = ("Santos", "Müller", "O’Neill", "Lyon")
_CITIES = ("London", "Leeds", "Lyon")
_ENDINGS = ("", " Write soon.", " We are always glad to hear from you.", " In the hope of a good answer.")
_DAYS = ("2026-11-19", "2026-11-20", "2026-11-21")


def make_sample(number: int, labels: LabelSchema, seed: int = 7) -> Sample:
    """One sample; what became of it follows from its number."""
    draw = random.Random(f"{seed} {number}")
    tagged = parse_tagged(
        TEXT.format(
            number=number,
            surname=draw.choice(_SURNAMES),
            iban=draw.choice(("GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33")),
            city=draw.choice(_CITIES),
            ending=draw.choice(_ENDINGS),
        ),
        labels,
    )
    entities = tuple(replace(entity, id=f"e{at}") for at, entity in enumerate(tagged.entities))
    mentions = tuple(replace(mention, id=f"m{at}") for at, mention in enumerate(tagged.mentions))
    prediction = Annotation(
        Author.model(f"model-{number % 2}"), entities, mentions, id=str(10 * number + 1), score=round(draw.random(), 2)
    )
    language = draw.choice(("en", "de", "fr"))
    sample = Sample(
        tagged.text,
        language,
        "GB",
        draw.choice(("letter", "chat", "invoice")),
        (prediction, *_review(number, prediction, draw)),
        {"run": "made", **({"control": True} if number % 10 == 9 else {})},
    )
    return replace(sample, sample_id=make_sample_id(sample.text, language))


def _review(number: int, prediction: Annotation, draw: random.Random) -> list[Annotation]:
    kind = number % 5
    if kind == 0:
        return []
    review = replace(
        prediction,
        author=Author.person("ann@firm.test"),
        id=str(10 * number + 2),
        score=None,
        parent=prediction.id,
        created_at=f"{draw.choice(_DAYS)}T10:00:00Z",
        lead_time=round(draw.uniform(1, 90), 1),
    )
    if kind == 1:
        return [review]
    if kind == 2:
        return [replace(review, status=Status.DRAFT if number % 2 else Status.CANCELLED)]
    changed = replace(review, entities=_change(review.entities, draw), mentions=review.mentions[:-1])
    if kind == 3:
        return [changed]
    other = replace(review, author=Author.person("bob@firm.test"), id=str(10 * number + 3), parent=None)
    return [changed, replace(other, created_at="2026-11-21T11:00:00Z")]


def _change(entities: tuple[Entity, ...], draw: random.Random) -> tuple[Entity, ...]:
    at = draw.randrange(len(entities))
    entity = entities[at]
    changes = [
        replace(entity, label="COMPANYNAME"),
        replace(entity, end=entity.end - 1),
        replace(entity, start=entity.start - 1, id=""),
    ]
    if draw.random() < 0.3:
        return (*entities[:at], *entities[at + 1 :])
    return (*entities[:at], draw.choice(changes), *entities[at + 1 :])


def write_tasks(path: Path, samples: Iterable[Sample], labels: LabelSchema, task_ids: bool = False) -> None:
    """Tasks as they are, whatever the checks would say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for number, sample in enumerate(samples, start=1):
            task = encode_task(sample, labels)
            stream.write(orjson.dumps({"id": number, **task} if task_ids else task) + b"\n")


def fill_workspace(workspace: Workspace, labels: LabelSchema, samples: int, touched: int = 10_000) -> None:
    """Generated samples, and some of the touched ones once more as a pull would leave them."""
    built = [make_sample(number, labels) for number in range(samples)]
    generated = [replace(sample, annotations=sample.annotations[:1]) for sample in built]
    pulled = [sample for sample in built if len(sample.annotations) > 1][:touched]
    write_tasks(workspace.annotation_samples / "made.jsonl", generated, labels)
    write_tasks(workspace.training_samples / "project.jsonl", pulled, labels, task_ids=True)
    state = {"url": "http://127.0.0.1:8080/", "project": 3, "watermark": "2026-11-21T12:00:00Z", "format": 1}
    (workspace.training_samples / "project.state.json").write_bytes(orjson.dumps(state))


def add_simulation(workspace: Workspace) -> None:
    """The figures of a simulation of two orders, as `goldspan loop simulate` leaves them."""
    measures = dict.fromkeys(("f1", "f1_low", "f1_high", "edits", "edits_low", "edits_high"), 0.5)
    curves = [
        {"order": order, "reviews": reviews, "seeds": 2, "hours": reviews / 60, **measures}
        for order in ("random", "queue")
        for reviews in (20, 40)
    ]
    table = {"title": "Order", "columns": ["order", "samples"], "rows": [["random", "96"]], "note": "None helps."}
    document = {"format": FORMAT, "about": "Truth: made.", "curves": curves, "tables": [table]}
    write_document(find_simulation(workspace), document)
