"""Predictions in Label Studio's form: regions with stable ids, a score for each region and task."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.text.words import find_occurrences
from goldspan.annotation.types import Annotation, Entity, Origin
from goldspan.serving.ml_backend.controls import LabelControls

_NAMESPACE = uuid.UUID("5d3c0c1e-8a55-5a0e-9f0a-7c1f2a6b9d10")


def read_task_text(task: Any, controls: LabelControls) -> tuple[str, str, str]:
    """Text, language and country of a task; empty where it has none."""
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        return "", "", ""
    text, language, country = (_look_up(data, key) for key in (controls.field, "language", "country"))
    return tuple(value if isinstance(value, str) else "" for value in (text, language, country))  # type: ignore[return-value]


def _look_up(data: Mapping[str, Any], field: str) -> Any:
    """The value of a field; `a.b` may also be a field of an object, as in Label Studio."""
    value: Any = data.get(field)
    if value is None:
        value = data
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
    return value


def build_result(text: str, annotation: Annotation, controls: LabelControls, version: str) -> dict[str, Any]:
    """The prediction of one text of a task.

    Entities outside the text or with a label that the config lacks are left out. A region's id follows from text, model
    version, place and label: the same prediction has the same ids. The score is the lowest of its regions': what the
    model is least sure of decides how soon a person should look.
    """
    identity = make_sample_id(text, "")
    regions = [
        _build_region(text, entity, controls, _make_id(f"{identity}|{version}", entity))
        for entity in annotation.entities
        if 0 <= entity.start < entity.end <= len(text) and entity.label in controls.by_label
    ]
    scores = [region["score"] for region in regions if "score" in region]
    score = annotation.score if annotation.score is not None else min(scores, default=None)
    return {"result": regions, "model_version": version} | ({} if score is None else {"score": score})


def join_results(parts: Sequence[dict[str, Any]], version: str) -> dict[str, Any]:
    """The prediction of a task from those of its texts; its score is the lowest."""
    seen: set[str] = set()
    regions = []
    for place, part in enumerate(parts):
        for region in part["result"]:
            free = region["id"] if region["id"] not in seen else f"{region['id'][:11]}-{place}"
            seen.add(free)
            regions.append(region | {"id": free})
    scores = [part["score"] for part in parts if "score" in part]
    return {"result": regions, "model_version": version} | ({"score": min(scores)} if scores else {})


def answer_drawing(task: Any, drawn: Sequence[Any], controls: LabelControls) -> list[dict[str, Any]]:
    """For smart labelling: every other stand-alone occurrence of the values that a person marked, with their labels.

    Label Studio sends all regions of the label that was drawn. Those that the model suggested are not spread, and
    places that the task's annotations, drafts or predictions mark already are left alone. The drawn regions are no part
    of the answer: its editor (1.23) cannot change a region and drops an answer that names one.
    """
    text, name = read_task_text(task, controls)[0], controls.text_name
    if not text:
        return []
    identity = make_sample_id(text, "")
    regions = [one for one in drawn if _is_region(one, text, name) and _read_label(one) in controls.by_label]
    taken = bytearray(len(text))
    for start, end in _list_places(regions) + _list_marked(task, text, name):
        take_range(taken, start, end)
    wanted: dict[str, str] = {}
    for region in regions:
        if region.get("origin") != Origin.PREDICTION:
            wanted.setdefault(text[region["value"]["start"] : region["value"]["end"]], _read_label(region))
    answer: list[dict[str, Any]] = []
    for value, label in wanted.items():
        for start, end in find_occurrences(text, value):
            if not is_taken(taken, start, end):
                take_range(taken, start, end)
                entity = Entity(start, end, label)
                answer.append(_build_region(text, entity, controls, _make_id(identity, entity)))
    return answer


def _read_label(region: Any) -> str:
    return str(region["value"]["labels"][0])


def _list_marked(task: Any, text: str, name: str) -> list[tuple[int, int]]:
    """Places that are marked in the task as Label Studio sent it."""
    lists = [task[key] for key in ("annotations", "drafts", "predictions") if isinstance(task.get(key), list)]
    results = [one.get("result") for annotations in lists for one in annotations if isinstance(one, dict)]
    regions = [one for result in results if isinstance(result, list) for one in result if _is_region(one, text, name)]
    return _list_places(regions)


def _list_places(regions: Sequence[Any]) -> list[tuple[int, int]]:
    return [(region["value"]["start"], region["value"]["end"]) for region in regions]


def _make_id(seed: str, entity: Entity) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{seed}|{entity.start}|{entity.end}|{entity.label}"))[:13]


def _build_region(text: str, entity: Entity, controls: LabelControls, region_id: str) -> dict[str, Any]:
    region: dict[str, Any] = {
        "id": region_id,
        "from_name": controls.by_label[entity.label],
        "to_name": controls.text_name,
        "type": "labels",
        "value": {"start": entity.start, "end": entity.end, "labels": [entity.label]},
    }
    if controls.keeps_text:
        region["value"]["text"] = text[entity.start : entity.end]
    return region | ({} if entity.score is None else {"score": entity.score})


def _is_region(region: Any, text: str, name: str) -> bool:
    """True for a region of the text of this name."""
    value = region.get("value") if isinstance(region, dict) and region.get("to_name", name) == name else None
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
