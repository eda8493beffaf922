"""How the tasks of a project are recognised and written: Goldspan's own shape, or that of an adopted project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from goldspan.annotation.errors import ConfigurationError, RecordError
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.mapping import KEPT_VERBATIM, ProjectMapping
from goldspan.annotation.labelstudio.project.tags import ControlTag
from goldspan.annotation.labelstudio.project.textview import PlainView, TextView, open_text
from goldspan.annotation.labelstudio.push.index import read_own_id
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry

Predictions = list[dict[str, Any]]


class PushTarget(Protocol):
    """Translates between samples and the tasks of one project."""

    def identify(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """Sample id and SHA-256 of the text of a task's data; the id is empty if it is no sample that is known."""

    def encode_task(self, entry: SpoolEntry) -> bytes:
        """The task to import.

        Raises:
            RecordError: the project has no way to hold it.
        """

    def encode_predictions(self, entries: Mapping[int, SpoolEntry]) -> Mapping[int, Predictions | RecordError]:
        """The predictions of samples, or why they cannot be written, by the task that gets them."""


@dataclass(frozen=True, slots=True)
class NativeTarget:
    """A project that Goldspan created, or one of the same shape."""

    spool: Spool

    def identify(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """`data.sample_id` and `data.text_sha256`."""
        return read_own_id(data)

    def encode_task(self, entry: SpoolEntry) -> bytes:
        """The task as it is in the spool."""
        return self.spool.read(entry)

    def encode_predictions(self, entries: Mapping[int, SpoolEntry]) -> Mapping[int, Predictions | RecordError]:
        """The predictions as they are in the spool."""
        return {task: self.spool.load(entry)["predictions"] for task, entry in entries.items()}


class AdoptedTarget:
    """A team's project: tasks are recognised by their texts, regions get the team's names and offsets."""

    def __init__(self, client: StudioClient, project: int, mapping: ProjectMapping, spool: Spool) -> None:
        if mapping.text.is_url:
            raise ConfigurationError(
                f"The tasks of project {project} hold addresses instead of texts; predictions cannot be pushed to it."
            )
        self._client, self._project, self._mapping, self._spool = client, project, mapping, spool
        self._by_text = {entry.text_sha256: entry.sample_id for entry in spool.entries.values()}
        self._labels = _invert(mapping)

    def identify(self, data: Mapping[str, Any]) -> tuple[str, str]:
        """The sample with the same text."""
        try:
            digest = hash_text(self._open(data).text)
        except RecordError:
            return "", ""
        return self._by_text.get(digest, ""), digest

    def encode_task(self, entry: SpoolEntry) -> bytes:
        """A task with the text in the team's field; only `<Text>` has one that a text alone makes."""
        tag = self._mapping.text
        if tag.kind != "Text" or "." in tag.field:
            raise RecordError(f"no task of the project has this text, and none can be made for data.{tag.field}")
        task = self._spool.load(entry)
        text = task["data"]["text"]
        predictions = [self._encode(PlainView(text), prediction) for prediction in task["predictions"]]
        return orjson.dumps({"data": {tag.field: text}, "predictions": predictions})

    def encode_predictions(self, entries: Mapping[int, SpoolEntry]) -> Mapping[int, Predictions | RecordError]:
        """The predictions in the team's names, their offsets as each task needs them."""
        encoded: dict[int, Predictions | RecordError] = {}
        for task in self._client.read_tasks(self._project, sorted(entries), "id,data"):
            view = self._open(task["data"])
            predictions = self._spool.load(entries[task["id"]])["predictions"]
            try:
                encoded[task["id"]] = [self._encode(view, prediction) for prediction in predictions]
            except RecordError as error:
                encoded[task["id"]] = error
        return encoded

    def find_missing_labels(self, entry: SpoolEntry, mention_codes: frozenset[str]) -> Sequence[str]:
        """Entity labels of a sample's predictions that the project has no label for."""
        return sorted(entry.labels - mention_codes - self._labels.keys())

    def _open(self, data: Mapping[str, Any]) -> TextView:
        return open_text(self._mapping.text, self._mapping.text.read(data))

    def _encode(self, view: TextView, prediction: Mapping[str, Any]) -> dict[str, Any]:
        regions = [item for item in prediction["result"] if item["type"] != "relation"]
        relations = [item for item in prediction["result"] if item["type"] == "relation"]
        result: list[dict[str, Any]] = []
        for item in regions:
            value = item["value"]
            if (found := self._labels.get(value["labels"][0])) is not None:
                control, label = found
                place = view.write_span(value["start"], value["end"])
                fields = place | {"text": value["text"], control.result_type: [label]}
                names = {"from_name": control.name, "to_name": self._mapping.text.name, "type": control.result_type}
                result.append({**item, **names, "value": fields})
        written = {item["id"] for item in result}
        if self._mapping.coreference:
            name = {"labels": [self._mapping.coreference]}
            result += [item | name for item in relations if {item["from_id"], item["to_id"]} <= written]
        return {**prediction, "result": result}


def _invert(mapping: ProjectMapping) -> dict[str, tuple[ControlTag, str]]:
    """The control and the team's label for each code; the first one where several labels mean the same."""
    inverse: dict[str, tuple[ControlTag, str]] = {}
    for control in mapping.controls.values():
        for label in control.labels:
            if (code := mapping.codes.get(label, label)) != KEPT_VERBATIM:
                inverse.setdefault(code, (control, label))
    return inverse
