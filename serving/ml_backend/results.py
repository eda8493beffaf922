"""Predictions in Label Studio's form: regions with stable ids, a score for each region and task."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.text.words import find_occurrences
from goldspan.annotation.types import Annotation, Entity
from goldspan.serving.ml_backend.controls import LabelControls

_NAMESPACE = uuid.UUID("5d3c0c1e-8a55-5a0e-9f0a-7c1f2a6b9d10")


def read_task_text(task: Any, controls: LabelControls) -> tuple[str, str, str]:
    """Text, language and country of a task; empty where it has none."""
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        return "", "", ""
    text, language, country = (data.get(key) for key in (controls.field, "language", "country"))
    return tuple(value if isinstance(value, str) else "" for value in (text, language, country))  # type: ignore[return-value]


def build_result(text: str, annotation: Annotation, controls: LabelControls, version: str) -> dict[str, Any]:
    """The prediction of one task. Entities outside the text or with a label that the config lacks are left out.

    A region's id follows from text, model version, place and label: the same prediction has the same ids. The task's
    score is the lowest of its regions': what the model is least sure of decides how soon a person should look.
    """
    identity = make_sample_id(text, "")
    regions = [
        _build_region(text, entity, controls, f"{identity}|{version}")
        for entity in annotation.entities
        if 0 <= entity.start < entity.end <= len(text) and entity.label in controls.by_label
    ]
    scores = [region["score"] for region in regions if "score" in region]
    score = annotation.score if annotation.score is not None else min(scores, default=None)
    return {"result": regions, "model_version": version} | ({} if score is None else {"score": score})


def complete_regions(text: str, drawn: Sequence[Any], controls: LabelControls) -> list[Entity]:
    """For smart labelling: every other stand-alone occurrence of each drawn region's value, with its label."""
    taken = [(region["value"]["start"], region["value"]["end"]) for region in drawn if _is_region(region, text)]
    found: list[Entity] = []
    for region in drawn:
        if not _is_region(region, text):
            continue
        value = text[region["value"]["start"] : region["value"]["end"]]
        label = region["value"]["labels"][0]
        if label not in controls.by_label:
            continue
        for start, end in find_occurrences(text, value):
            if not any(start < other and one < end for one, other in taken):
                taken.append((start, end))
                found.append(Entity(start, end, label))
    return found


def _build_region(text: str, entity: Entity, controls: LabelControls, seed: str) -> dict[str, Any]:
    region: dict[str, Any] = {
        "id": str(uuid.uuid5(_NAMESPACE, f"{seed}|{entity.start}|{entity.end}|{entity.label}"))[:13],
        "from_name": controls.by_label[entity.label],
        "to_name": controls.text_name,
        "type": "labels",
        "value": {
            "start": entity.start,
            "end": entity.end,
            "text": text[entity.start : entity.end],
            "labels": [entity.label],
        },
    }
    return region | ({} if entity.score is None else {"score": entity.score})


def _is_region(region: Any, text: str) -> bool:
    value = region.get("value") if isinstance(region, dict) else None
    if not isinstance(value, dict):
        return False
    start, end, labels = value.get("start"), value.get("end"), value.get("labels")
    return (
        isinstance(start, int)
        and isinstance(end, int)
        and 0 <= start < end <= len(text)
        and isinstance(labels, list)
        and len(labels) == 1
        and isinstance(labels[0], str)
    )
