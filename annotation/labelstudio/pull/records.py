"""Convert a Label Studio task to a record: cleaned, re-sliced, checked, the chosen annotation first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.errors import RecordError
from goldspan.annotation.identity import hash_text, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy, rank_annotations
from goldspan.annotation.tasks.codec import read_task, validate_task
from goldspan.annotation.text.words import snap_span, splits_word

_REVIEW_FIELDS = ("was_cancelled", "ground_truth", "lead_time", "created_at", "updated_at", "parent_prediction")


@dataclass(frozen=True, slots=True)
class Lint:
    """A doubtful or broken span in an annotation; offsets only, never text."""

    sample_id: str
    annotation: str
    code: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PulledRecord:
    """A record to write, with its lints. `snapped` counts spans moved to word borders."""

    record: dict[str, Any]
    lints: tuple[Lint, ...]
    snapped: int


class RecordBuilder:
    """Builds records from one project's tasks.

    `users` gives e-mails by id. With `snap`, spans that cut a word or have blank edges are moved to word borders;
    the places they came from are kept in `provenance.pull.snapped`.
    """

    def __init__(
        self, project: int, users: Mapping[int, str], labels: LabelSchema, policy: RankingPolicy, *, snap: bool = False
    ) -> None:
        self._project = project
        self._users = users
        self._labels = labels
        self._policy = policy
        self._snap = snap

    def build(self, task: Mapping[str, Any]) -> PulledRecord:
        """The record of a task.

        Raises:
            RecordError: there is no text, the text is not the one that was pushed, or the record breaks the schema.

        """
        data = dict(task["data"])
        text = data.get("text")
        if not isinstance(text, str):
            raise RecordError(f"task {task['id']} has no text", pointer="/data/text")
        if data.get("text_sha256", hash_text(text)) != hash_text(text):
            raise RecordError(f"the text of task {task['id']} was changed in Label Studio", pointer="/data/text")
        data.setdefault("language", "")
        data.setdefault("sample_id", make_sample_id(text, str(data["language"])))
        snapped: list[dict[str, Any]] = []
        lints: list[Lint] = []
        annotations = [self._read_review(text, item, snapped, lints) for item in task.get("annotations", ())]
        drafts = [self._read_review(text, item, snapped, lints) for item in task.get("drafts", ())]
        predictions = [self._read_prediction(text, item) for item in task.get("predictions", ())]
        ranked, reason = rank_annotations(annotations, self._policy)
        pull: dict[str, Any] = {"project": self._project, "task": task["id"], "stamp": task["updated_at"]}
        pull["policy"] = str(self._policy)
        if reason:
            pull |= {"chosen": ranked[0]["id"], "because": reason}
        if snapped:
            pull["snapped"] = snapped
        provenance = data.get("provenance") if isinstance(data.get("provenance"), Mapping) else {}
        data["provenance"] = {**(provenance or {}), "pull": pull}
        record: dict[str, Any] = {
            "id": task["id"],
            "data": data,
            "predictions": predictions,
            "annotations": ranked,
        }
        if drafts:
            record["drafts"] = drafts
        for problem in validate_task(record, self._labels):
            raise RecordError(f"task {task['id']}: {problem.message}", pointer=problem.pointer)
        pull["sha256"] = digest_record(record)
        return PulledRecord(record, (*lints, *self._check(record)), len(snapped))

    def _read_review(
        self, text: str, item: Mapping[str, Any], snapped: list[dict[str, Any]], lints: list[Lint]
    ) -> dict[str, Any]:
        review: dict[str, Any] = {"id": item["id"], "completed_by": self._read_person(item)}
        review |= {name: item[name] for name in _REVIEW_FIELDS if item.get(name) is not None}
        if isinstance(review.get("parent_prediction"), Mapping):
            review["parent_prediction"] = review["parent_prediction"]["id"]
        if item.get("annotation") is not None:
            review["annotation"] = item["annotation"]
        result, lost = clean_result(text, item.get("result") or (), self._labels.relation)
        lints += [Lint("", str(item["id"]), "broken_region", start, end) for start, end in lost]
        if self._snap:
            snapped += [{"annotation": item["id"], **moved} for moved in snap_result(text, result)]
        return review | {"result": result}

    def _read_prediction(self, text: str, item: Mapping[str, Any]) -> dict[str, Any]:
        result, _ = clean_result(text, item.get("result") or (), self._labels.relation)
        prediction: dict[str, Any] = {"id": item["id"], "model_version": item.get("model_version") or "undefined"}
        if isinstance(item.get("score"), int | float):
            prediction["score"] = item["score"]
        return prediction | {"created_at": item["created_at"], "updated_at": item["updated_at"], "result": result}

    def _read_person(self, item: Mapping[str, Any]) -> dict[str, Any]:
        person = item.get("completed_by", item.get("user"))
        if isinstance(person, Mapping):
            return {name: person[name] for name in ("id", "email") if name in person}
        if isinstance(person, int):
            return {"id": person, "email": self._users.get(person) or str(person)}
        return {"email": str(person or "unknown")}

    def _check(self, record: Mapping[str, Any]) -> list[Lint]:
        sample, issues = read_task(record, self._labels)
        lints = [Lint(sample.sample_id, "", issue.code, issue.start, issue.end) for issue in issues]
        for annotation in sample.annotations:
            if not annotation.author.is_model:
                found = check_annotation(sample.text, annotation, self._labels, sample.language, sample.country)
                lints += [Lint(sample.sample_id, annotation.id, issue.code, issue.start, issue.end) for issue in found]
        return lints


def clean_result(text: str, result: Iterable[Any], relation: str) -> tuple[list[dict[str, Any]], list[tuple[int, int]]]:
    """Regions with integer offsets and re-sliced text; the spans of those that cannot be used.

    Label Studio keeps regions without a label, offsets as text or fractions, relations without labels, and its
    `value.text` may be stale or have line breaks spelt out.
    """
    regions: list[dict[str, Any]] = []
    relations: list[dict[str, Any]] = []
    lost: list[tuple[int, int]] = []
    for item in result:
        if item.get("type") == "relation":
            relations.append(item)
            continue
        value = item.get("value") or {}
        place = _read_place(value, len(text))
        if place is None or not value.get("labels") or not item.get("id"):
            lost.append(place or (-1, -1))
            continue
        start, end = place
        fields = {**value, "start": start, "end": end, "text": text[start:end], "labels": value["labels"][:1]}
        regions.append({**item, "id": str(item["id"]), "value": fields})
    ids = {region["id"] for region in regions}
    kept = [_read_relation(item, relation) for item in relations if {item.get("from_id"), item.get("to_id")} <= ids]
    return regions + kept, lost + [(-1, -1)] * (len(relations) - len(kept))


def snap_result(text: str, result: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move spans that cut a word or have blank edges to word borders, in place; what was moved, from where to where."""
    moved: list[dict[str, Any]] = []
    for region in result:
        if region["type"] == "relation":
            continue
        value = region["value"]
        start, end = value["start"], value["end"]
        blank = text[start].isspace() or text[end - 1].isspace()
        if not blank and not splits_word(text, start, end):
            continue
        new_start, new_end = snap_span(text, start, end)
        if (new_start, new_end) != (start, end) and new_start < new_end:
            value |= {"start": new_start, "end": new_end, "text": text[new_start:new_end]}
            moved.append({"region": region["id"], "from": [start, end], "to": [new_start, new_end]})
    return moved


def digest_record(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record's content without its pull metadata: a later difference is an edit."""
    provenance = {name: value for name, value in record["data"].get("provenance", {}).items() if name != "pull"}
    data = {**record["data"], "provenance": provenance}
    said = [data, *(record.get(name, []) for name in ("predictions", "annotations", "drafts"))]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _read_place(value: Mapping[str, Any], length: int) -> tuple[int, int] | None:
    try:
        start, end = int(value["start"]), int(value["end"])
    except (KeyError, TypeError, ValueError):
        return None
    return (start, end) if 0 <= start < end <= length else None


def _read_relation(item: Mapping[str, Any], relation: str) -> dict[str, Any]:
    return {**item, "direction": item.get("direction") or "right", "labels": item.get("labels") or [relation]}
