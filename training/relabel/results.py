"""Evaluation results under a change of labels.

A label that only gets another name has the same figures under that name. A merge, a split or a removal changes what was
right and wrong; results hold no texts to count again, so they stay, and are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.rename import LabelChange
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.evaluation.results.result import read_result_document, write_result_document
from goldspan.training.relabel.effects import Effect

_BY_LABEL = ("per_class_metrics", "outcomes")
_NESTED = ("masking", "coreference", "baselines")


class ResultPart:
    """The evaluation results of a workspace that name a label which changes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def plan(self, change: LabelChange) -> list[Effect]:
        """What would become of each result."""
        return [
            Effect(path, "its label is renamed")
            if rename_labels(document, change)
            else Effect(path, "stays: its figures are of the old labels; evaluate again", changes=False)
            for path, document in self._list(change)
        ]

    def list_files(self, change: LabelChange) -> list[Path]:
        """The results that are rewritten."""
        return [effect.path for effect in self.plan(change) if effect.changes]

    def prepare(self, change: LabelChange, labels: LabelSchema) -> None:
        """Nothing: a result names the final schema."""

    def finish(self, change: LabelChange, before: str, labels: LabelSchema) -> None:
        """Rename the labels in each result.

        Raises:
            StateError: the disk refused.
        """
        for path, document in self._list(change):
            if renamed := rename_labels(document, change):
                if renamed.get("labels", {}).get("fingerprint") == before:
                    renamed["labels"] = {**renamed["labels"], "fingerprint": labels.fingerprint}
                write_result_document(path, renamed)

    def _list(self, change: LabelChange) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self._workspace.results.glob("*.json")):
            try:
                document = read_result_document(path)
            except RecordError:
                continue
            if change.rules.sources & _list_labels(document):
                yield path, document


def rename_labels(document: Mapping[str, Any], change: LabelChange) -> dict[str, Any] | None:
    """The JSON of a result with renamed labels; None where the change is more than other names."""
    rename, present = change.rules.rename, _list_labels(document)
    concerned = change.rules.sources & present
    targets = {rename.get(label) for label in concerned}
    if not concerned <= rename.keys() or len(targets) < len(concerned) or targets & present or not change.copies:
        return None
    by_label = document.get("level", "label") == "label"
    renamed = dict(document)
    for name in (*(_BY_LABEL if by_label else ()), *_NESTED):
        if name in renamed:
            renamed[name] = _rename_keys(renamed[name], rename)
    if by_label:
        renamed["errors"] = [
            {
                **error,
                **{
                    side: {**error[side], "label": rename.get(error[side]["label"], error[side]["label"])}
                    for side in ("gold", "predicted")
                    if error[side]
                },
            }
            for error in document.get("errors", ())
        ]
    return renamed


def _rename_keys(value: Any, rename: Mapping[str, str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {rename.get(key, key): _rename_keys(part, rename) for key, part in value.items()}


def _list_labels(document: Mapping[str, Any]) -> set[str]:
    """Every label that the result gives figures or errors of."""
    by_label = document.get("level", "label") == "label"
    found = set((document.get("masking") or {}).get("leakage_by_label", ()))
    if by_label:
        found.update(*(document.get(name, ()) for name in _BY_LABEL))
        sides = (error[side] for error in document.get("errors", ()) for side in ("gold", "predicted"))
        found.update(span["label"] for span in sides if span)
    return found
