"""Convert a Label Studio task to a record: cleaned, re-sliced, checked, the chosen annotation first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.errors import GoldspanError, RecordError
from goldspan.annotation.identity import hash_text, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.fields import drop_columns
from goldspan.annotation.labelstudio.project.mapping import ProjectMapping
from goldspan.annotation.labelstudio.project.results import PROBLEMS, SplitResult, split_result
from goldspan.annotation.labelstudio.project.textview import TextView, open_text
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


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Where tasks come from: project and mapping, and what all of them share.

    `annotator` replaces the user of every annotation (a project of one person under a shared account); `language`
    and `country` are those of tasks that do not say. `fetch` reads a text that a task only gives the address of.
    """

    project: int
    mapping: ProjectMapping
    annotator: str = ""
    language: str = ""
    country: str = ""
    fetch: Callable[[str], str] | None = None


class RecordBuilder:
    """Builds records from one project's tasks.

    `users` gives e-mails by id. With `snap`, spans that cut a word or have blank edges are moved to word borders;
    the places they came from are kept in `provenance.pull.snapped`.
    """

    def __init__(
        self,
        source: TaskSource,
        users: Mapping[int, str],
        labels: LabelSchema,
        policy: RankingPolicy,
        *,
        snap: bool = False,
    ) -> None:
        self._source = source
        self._users = users
        self._labels = labels
        self._policy = policy
        self._snap = snap

    def build(self, task: Mapping[str, Any]) -> PulledRecord:
        """The record of a task.

        Raises:
            RecordError: there is no text, the text is not the one that was pushed, a span of a submitted annotation
                cannot be read, or the record breaks the schema.
        """
        view, data = self._read_data(task)
        snapped: list[dict[str, Any]] = []
        lints: list[Lint] = []
        annotations = [self._read_review(view, item, snapped, lints) for item in task.get("annotations", ())]
        drafts = [self._read_review(view, item, snapped, lints, draft=True) for item in task.get("drafts", ())]
        predictions = [self._read_prediction(view, item, lints) for item in list_predictions(task)]
        ranked, reason = rank_annotations(annotations, self._policy)
        pull: dict[str, Any] = {"project": self._source.project, "task": task["id"], "stamp": task["updated_at"]}
        pull["policy"] = str(self._policy)
        if reason:
            pull |= {"chosen": ranked[0]["id"], "because": reason}
        if snapped:
            pull["snapped"] = snapped
        data["provenance"] = {**data["provenance"], "pull": pull}
        record: dict[str, Any] = {
            "id": task["id"],
            "data": data,
            "predictions": predictions,
            "annotations": ranked,
        }
        if drafts:
            record["drafts"] = drafts
        self._require_valid(record)
        pull["sha256"] = digest_record(record)
        named = tuple(replace(lint, sample_id=data["sample_id"]) for lint in lints)
        return PulledRecord(record, (*named, *self._check(record)), len(snapped))

    def _read_data(self, task: Mapping[str, Any]) -> tuple[TextView, dict[str, Any]]:
        tag, given = self._source.mapping.text, dict(task["data"])
        content = tag.read(given)
        if content is None:
            raise RecordError(f"task {task['id']} has no text under data.{tag.field}", pointer=f"/data/{tag.field}")
        if tag.is_url:
            content = self._fetch(task, content)
        try:
            view = open_text(tag, content)
        except RecordError as error:
            raise RecordError(f"task {task['id']}: {error.reason}", pointer=f"/data/{tag.field}") from None
        if tag.field == "text" and given.get("text_sha256", hash_text(view.text)) != hash_text(view.text):
            raise RecordError(f"the text of task {task['id']} was changed in Label Studio", pointer="/data/text")
        data = (
            drop_columns(given)
            if self._source.mapping.is_native
            else move_fields(given, tag.field, self._source.project)
        )
        data["text"] = view.text
        language, region = _read_language(data.get("language") or self._source.language)
        data["language"] = language
        if country := str(data.get("country") or region or self._source.country).strip().upper():
            data["country"] = country
        data["sample_id"] = str(data.get("sample_id") or make_sample_id(view.text, language))
        if not isinstance(data.get("provenance"), Mapping):
            data["provenance"] = {}
        return view, {"country": "", "document_type": "", "text_sha256": hash_text(view.text), **data}

    def _fetch(self, task: Mapping[str, Any], address: Any) -> str:
        if self._source.fetch is None or not isinstance(address, str):
            raise RecordError(f"task {task['id']} gives only the address of its text, which cannot be read")
        try:
            return self._source.fetch(address)
        except GoldspanError as error:
            raise RecordError(f"the text of task {task['id']} cannot be read: {error}") from None

    def _read_review(
        self,
        view: TextView,
        item: Mapping[str, Any],
        snapped: list[dict[str, Any]],
        lints: list[Lint],
        *,
        draft: bool = False,
    ) -> dict[str, Any]:
        review: dict[str, Any] = {"id": item["id"], "completed_by": self._read_person(item)}
        review |= {name: item[name] for name in _REVIEW_FIELDS if item.get(name) is not None}
        if isinstance(review.get("parent_prediction"), Mapping):
            review["parent_prediction"] = review["parent_prediction"]["id"]
        if item.get("annotation") is not None:
            review["annotation"] = item["annotation"]
        split = self._split(view, item, lints)
        if split.lost and not draft and not item.get("was_cancelled"):
            place = split.lost[0]
            where = f" at {place.start}–{place.end}" if place.start >= 0 else ""
            raise RecordError(
                f"annotation {item['id']} cannot be read whole: {PROBLEMS[place.code]}{where}"
                f"{f', and {len(split.lost) - 1} more' if len(split.lost) > 1 else ''}. Correct it in Label Studio"
            )
        if self._snap:
            snapped += [{"annotation": item["id"], **moved} for moved in snap_result(view.text, split.result)]
        return review | _write_result(split)

    def _read_prediction(self, view: TextView, item: Mapping[str, Any], lints: list[Lint]) -> dict[str, Any]:
        prediction: dict[str, Any] = {"id": item["id"], "model_version": item.get("model_version") or "undefined"}
        if isinstance(item.get("score"), int | float):
            prediction["score"] = item["score"]
        times = {name: item[name] for name in ("created_at", "updated_at") if item.get(name)}
        return prediction | times | _write_result(self._split(view, item, lints))

    def _split(self, view: TextView, item: Mapping[str, Any], lints: list[Lint]) -> SplitResult:
        split = split_result(view, item.get("result") or (), self._source.mapping, self._labels)
        lints += [Lint("", str(item["id"]), *place) for place in (*split.notes, *split.lost)]
        return split

    def _read_person(self, item: Mapping[str, Any]) -> dict[str, Any]:
        if self._source.annotator:
            return {"email": self._source.annotator}
        person = item.get("completed_by", item.get("user"))
        if isinstance(person, Mapping):
            return {name: person[name] for name in ("id", "email") if name in person}
        if isinstance(person, int):
            return {"id": person, "email": self._users.get(person) or str(person)}
        return {"email": str(person or "unknown")}

    def _require_valid(self, record: Mapping[str, Any]) -> None:
        for pointer, label in _iter_labels(record):
            if label not in self._labels:
                raise RecordError(
                    f"task {record['id']} has the label {label!r}, which is not in the label schema. "
                    f"`goldspan studio doctor --project {self._source.project}` names the command that maps it",
                    pointer=pointer,
                )
        for problem in validate_task(record, self._labels):
            raise RecordError(f"task {record['id']}: {problem.message}", pointer=problem.pointer)

    def _check(self, record: Mapping[str, Any]) -> list[Lint]:
        sample, issues = read_task(record, self._labels)
        lints = [Lint(sample.sample_id, "", issue.code, issue.start, issue.end) for issue in issues]
        for annotation in sample.annotations:
            if not annotation.author.is_model:
                found = check_annotation(sample.text, annotation, self._labels, sample.language, sample.country)
                lints += [Lint(sample.sample_id, annotation.id, issue.code, issue.start, issue.end) for issue in found]
        return lints


def list_predictions(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The predictions of a task, and those that it has no more but that an annotation still carries a copy of.

    A review's parent is what its author was shown: acceptance needs it when a newer model's prediction has replaced it.
    """
    predictions = list(task.get("predictions", ()))
    known = {item["id"] for item in predictions}
    for annotation in task.get("annotations", ()):
        shown = annotation.get("prediction")
        if (
            isinstance(shown, Mapping)
            and isinstance(shown.get("result"), list)
            and shown.get("id") not in (None, *known)
        ):
            known.add(shown["id"])
            predictions.append(shown)
    return sorted(predictions, key=lambda item: str(item.get("created_at") or ""))


def _read_language(given: Any) -> tuple[str, str]:
    """Language and region of a tag such as `EN`, `en-GB` or `pt_BR`, in our letter case."""
    language, _, rest = str(given).strip().replace("_", "-").partition("-")
    region = rest.rpartition("-")[2]
    return language.lower(), region if len(region) == 2 and region.isalpha() else ""


def move_fields(given: Mapping[str, Any], text_field: str, project: int) -> dict[str, Any]:
    """Keep the fields that a sample has, and move a team's own ones to `provenance.fields`."""
    own = {
        name: given[name]
        for name in ("sample_id", "language", "country", "document_type")
        if name != text_field and isinstance(given.get(name), str) and given[name]
    }
    provenance = given.get("provenance") if isinstance(given.get("provenance"), Mapping) else None
    used = {*own, text_field, "text_sha256", *(("provenance",) if provenance is not None else ())}
    fields = {name: value for name, value in given.items() if name not in used}
    origin = {**(provenance or {"source": f"label-studio:{project}"})}
    return own | {"provenance": origin | ({"fields": fields} if fields else {})}


def _iter_labels(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("annotations", "predictions", "drafts"):
        for number, item in enumerate(record.get(part, ())):
            for place, region in enumerate(item["result"]):
                if region["type"] != "relation":
                    yield f"/{part}/{number}/result/{place}/value/labels/0", region["value"]["labels"][0]


def _write_result(split: SplitResult) -> dict[str, Any]:
    other = {"other_results": orjson.dumps(split.other).decode()} if split.other else {}
    return {"result": split.result} | other


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
