"""Encode a sample as a Label Studio task, the format on disk, and decode it.

`data` holds the text and its metadata, `predictions` the annotations by models, `annotations` those by people
(`drafts`: not submitted). A cluster is a star of relations from each later mention to its first one.
The words task, region and relation stop here and in `goldspan.annotation.labelstudio`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.checks import Issue, make_issue
from goldspan.annotation.errors import RecordError
from goldspan.annotation.identity import hash_text, identify_sample, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.record import TEXT_FIELDS, unpack_record
from goldspan.annotation.tasks.regions import Regions, read_number, read_result, read_text
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, Status

TEXT_NAME = "text"
ENTITY_CONTROL = "label"
MENTION_CONTROL = "mention"
_LONGEST_ID = 19
"""Digits from which on a number may not fit into the 64 bits of JSON writers and databases."""

_DATA_FIELDS = {*TEXT_FIELDS, "provenance"}


class DecodedTask(NamedTuple):
    """A sample, and an issue for each part of the task that could not be read."""

    sample: Sample
    issues: list[Issue]


def encode_task(sample: Sample, labels: LabelSchema) -> dict[str, Any]:
    """Encode a sample as a task; `read_task` decodes it."""
    task: dict[str, Any] = {
        "data": {
            "text": sample.text,
            "sample_id": identify_sample(sample),
            "text_sha256": hash_text(sample.text),
            "language": sample.language,
            "country": sample.country,
            "document_type": sample.document_type,
            "provenance": dict(sample.provenance),
        },
        "predictions": [],
        "annotations": [],
    }
    for annotation in sample.annotations:
        result = encode_result(sample.text, annotation, labels)
        if annotation.author.is_model:
            task["predictions"].append(_drop_none(_encode_prediction(annotation, result)))
        elif annotation.status is Status.DRAFT:
            task.setdefault("drafts", []).append(_drop_none(_encode_review(annotation, result)))
        else:
            task["annotations"].append(_drop_none(_encode_review(annotation, result)))
    return task


def encode_result(text: str, annotation: Annotation, labels: LabelSchema) -> list[dict[str, Any]]:
    """The regions and relations of one annotation."""
    spans: list[Entity | Mention] = [*annotation.entities, *annotation.mentions]
    used = {span.id for span in spans if span.id}
    result: list[dict[str, Any]] = []
    for number, entity in enumerate(annotation.entities):
        result.append(_encode_region(text, entity, ENTITY_CONTROL, entity.id or _free_id("e", number, used)))
    drawn = {region["id"]: (region["value"]["start"], region["value"]["end"]) for region in result}
    heads: dict[str, str] = {}
    relations: list[dict[str, Any]] = []
    for number, mention in enumerate(annotation.mentions):
        region_id = mention.id or _free_id("m", number, used)
        if drawn.get(region_id) != (mention.start, mention.end):
            result.append(_encode_region(text, mention, MENTION_CONTROL, region_id))
        if mention.cluster and heads.setdefault(mention.cluster, region_id) != region_id:
            relations.append(
                {
                    "from_id": region_id,
                    "to_id": heads[mention.cluster],
                    "type": "relation",
                    "direction": "right",
                    "labels": [labels.relation],
                }
            )
    return result + relations


def _free_id(prefix: str, number: int, used: set[str]) -> str:
    region_id = f"{prefix}{number}"
    while region_id in used:
        region_id += "x"
    used.add(region_id)
    return region_id


def _encode_region(text: str, span: Entity | Mention, control: str, region_id: str) -> dict[str, Any]:
    region: dict[str, Any] = {
        "id": region_id,
        "from_name": control,
        "to_name": TEXT_NAME,
        "type": "labels",
        "value": {
            "start": span.start,
            "end": span.end,
            "text": text[span.start : span.end],
            "labels": [span.label],
        },
    }
    if span.origin:
        region["origin"] = span.origin.value
    if isinstance(span, Entity) and span.score is not None:
        region["score"] = span.score
    return region


def _encode_prediction(annotation: Annotation, result: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": _encode_id(annotation.id),
        "model_version": annotation.author.name,
        "score": annotation.score,
        "created_at": annotation.created_at,
        "updated_at": annotation.updated_at,
        "result": result,
        "other_results": annotation.other or None,
    }


def _encode_review(annotation: Annotation, result: list[dict[str, Any]]) -> dict[str, Any]:
    name = annotation.author.name
    return {
        "id": _encode_id(annotation.id),
        "completed_by": int(name) if _is_number(name) else {"email": name},
        "was_cancelled": annotation.status is Status.CANCELLED,
        "ground_truth": annotation.ground_truth,
        "created_at": annotation.created_at,
        "updated_at": annotation.updated_at,
        "lead_time": annotation.lead_time,
        "parent_prediction": _encode_id(annotation.parent),
        "result": result,
        "other_results": annotation.other or None,
    }


def _encode_id(value: str | None) -> int | str | None:
    return int(value) if value and _is_number(value) else value or None


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < _LONGEST_ID


def _drop_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def read_task(task: Mapping[str, Any], labels: LabelSchema) -> DecodedTask:
    """Decode a task, packed or not, ours or one of Label Studio's exports; each part that cannot be read is an issue.

    Raises:
        RecordError: there is no text, or a packed layer holds no list.
    """
    task = unpack_record(dict(task))
    data = task.get("data")
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(text, str):
        raise RecordError(
            "expected a task with its text as a string (`goldspan samples import` reads rows of other forms)",
            pointer="/data/text",
        )
    issues: list[Issue] = []
    if (digest := data.get("text_sha256")) and digest != hash_text(text):
        issues.append(make_issue("text_changed"))
    annotations: list[Annotation] = []
    entries = [(_read_prediction, entry) for entry in _entries(task, "predictions")]
    entries += [(_read_review, entry) for entry in _entries(task, "annotations")]
    entries += [(_read_draft, entry) for entry in _entries(task, "drafts")]
    for index, (read, entry) in enumerate(entries):
        stated = entry.get("result")
        result = stated if isinstance(stated, list) else []
        regions = read_result(text, result, labels, index)
        issues += regions.issues
        annotations.append(_add_notes(read(entry, regions), result))
    given = data.get("provenance")
    provenance = dict(given) if isinstance(given, dict) else {}
    if fields := {name: value for name, value in data.items() if name not in _DATA_FIELDS}:
        provenance["fields"] = fields
    language = read_text(data.get("language") or "")
    sample = Sample(
        text,
        language,
        read_text(data.get("country") or ""),
        read_text(data.get("document_type") or ""),
        tuple(annotations),
        provenance,
        read_text(data.get("sample_id") or "") or make_sample_id(text, language),
    )
    return DecodedTask(sample, issues)


def _add_notes(annotation: Annotation, result: list[Any]) -> Annotation:
    """The annotation with what its author wrote about single regions, as Label Studio keeps it in their `meta`."""
    notes = [
        {"id": item.get("id"), "type": item.get("type"), "meta": item["meta"]}
        for item in result
        if isinstance(item, dict) and item.get("meta")
    ]
    if not notes:
        return annotation
    try:
        others = orjson.loads(annotation.other or "[]")
        if not isinstance(others, list):
            return annotation
        added = [note for note in notes if note not in others]
        return replace(annotation, other=orjson.dumps([*others, *added]).decode()) if added else annotation
    except (TypeError, ValueError):
        return annotation


def decode_task(task: Mapping[str, Any], labels: LabelSchema) -> Sample:
    """Decode a task, and refuse it unless every part can be read.

    Raises:
        RecordError: something is not; the message names the first issue.
    """
    sample, issues = read_task(task, labels)
    if issues:
        raise RecordError(f"{issues[0].code}: {issues[0].message}")
    return sample


def validate_task(task: Any, labels: LabelSchema) -> list[schemas.Problem]:
    """Validate a task against `schemas/task.schema.json`, narrowed to the labels of the schema."""
    return load_task_validator(labels).problems(task)


def load_task_validator(labels: LabelSchema) -> schemas.Validator:
    """The compiled validator of tasks for this label schema."""
    return schemas.validator("task", list_label_enums(labels))


def list_label_enums(labels: LabelSchema) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The `$defs` that a JSON Schema gets from the label schema."""
    return (
        ("entity_label", tuple(label.code for label in labels.entities)),
        ("mention_label", tuple(label.code for label in labels.mentions)),
        ("relation_label", (labels.relation,)),
    )


def _entries(task: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = task.get(name)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _read_prediction(entry: Mapping[str, Any], regions: Regions) -> Annotation:
    return Annotation(
        Author.model(read_text(entry.get("model_version") or "") or "undefined"),
        regions.entities,
        regions.mentions,
        id=_read_id(entry.get("id")) or "",
        score=read_number(entry.get("score")),
        created_at=_read_time(entry.get("created_at")),
        updated_at=_read_time(entry.get("updated_at")),
        other=read_text(entry.get("other_results") or ""),
    )


def _read_review(entry: Mapping[str, Any], regions: Regions, status: Status | None = None) -> Annotation:
    return Annotation(
        Author.person(_read_person(entry)),
        regions.entities,
        regions.mentions,
        id=_read_id(entry.get("id")) or "",
        status=status or (Status.CANCELLED if entry.get("was_cancelled") else Status.SUBMITTED),
        created_at=_read_time(entry.get("created_at")),
        updated_at=_read_time(entry.get("updated_at")),
        lead_time=read_number(entry.get("lead_time")),
        parent=_read_id(entry.get("parent_prediction")),
        ground_truth=bool(entry.get("ground_truth")),
        other=read_text(entry.get("other_results") or ""),
    )


def _read_draft(entry: Mapping[str, Any], regions: Regions) -> Annotation:
    return _read_review(entry, regions, Status.DRAFT)


def _read_person(entry: Mapping[str, Any]) -> str:
    person = entry.get("completed_by", entry.get("user"))
    if isinstance(person, dict):
        person = person.get("email") or person.get("id")
    return "unknown" if person is None else read_text(person)


def _read_id(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("id")
    return None if value is None else read_text(value)


def _read_time(value: Any) -> str | None:
    """A time as text; None for a value that is no time."""
    if value is None or isinstance(value, str):
        return value
    return None if read_number(value) is None else str(value)
