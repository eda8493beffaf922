"""Bundles under a change of labels: each gets a successor with the new labels and the same split.

A bundle is frozen, so it stays as it is, with its signature; the successor names it. The split ledger knows samples
and not labels: it stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.rename import LabelChange, relabel_record
from goldspan.annotation.tasks.codec import decode_task
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.predictors.model.signing import find_public_key, find_signature
from goldspan.training.bundle.lineage import list_bundles
from goldspan.training.bundle.manifest import MANIFEST
from goldspan.training.bundle.signature import find_signing_key, sign_bundle, verify_signature
from goldspan.training.bundle.successor import choose_name, describe_successor, find_successor
from goldspan.training.bundle.verify import NOTICE, open_bundle
from goldspan.training.bundle.write import publish_version
from goldspan.training.relabel.effects import Effect


class BundlePart:
    """The bundles of a workspace that were made with the schema before the change."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.effects: list[Effect] = []

    def plan(self, before: str) -> list[Effect]:
        """What would become of each bundle; `before` is the fingerprint of the present schema."""
        return [
            Effect(folder, f"superseded by {found.name}", changes=False)
            if (found := find_successor(folder.parent, manifest["fingerprint"], "change"))
            else Effect(folder, "stays; a successor with the new labels and the same split is written")
            for folder, manifest in self._list(before)
        ]

    def list_files(self, change: LabelChange) -> list[Path]:
        """None: bundles stay as they are."""
        return []

    def prepare(self, change: LabelChange, labels: LabelSchema) -> None:
        """Nothing: a bundle is bound to the final schema."""

    def finish(self, change: LabelChange, before: str, labels: LabelSchema) -> None:
        """Write the successors that are not there yet, and sign those of signed bundles.

        A bundle that is not intact gets none, and is named.

        Raises:
            StateError: the disk refused.
        """
        self.effects = []
        for folder, manifest in self._list(before) if before != labels.fingerprint else ():
            successor = find_successor(folder.parent, manifest["fingerprint"], "change")
            if successor is None:
                try:
                    verify_signature(folder)
                    members = _read_members(folder, change, labels)
                except GoldspanError as error:
                    self.effects.append(Effect(folder, f"no successor: {error}", changes=False))
                    continue
                successor = _publish(choose_name(folder.parent, manifest["name"]), manifest, members, (change, labels))
            self.effects.append(Effect(folder, f"superseded by {successor.name}{self._sign(folder, successor)}"))

    def _sign(self, folder: Path, successor: Path) -> str:
        if not find_signature(folder).is_file():
            return ""
        if not (find_signature(successor).is_file() and find_public_key(successor).is_file()):
            if not find_signing_key(self._workspace.root).is_file():
                return ", which is not signed: the key of the workspace is not here"
            sign_bundle(successor, self._workspace.root)
        return ", signed"

    def _list(self, before: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        for folder in list_bundles(self._workspace):
            if (folder / NOTICE).is_file():
                continue
            try:
                manifest = orjson.loads((folder / MANIFEST).read_bytes())
                if manifest["label_schema"]["fingerprint"] == before:
                    yield folder, manifest
            except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
                continue


def _read_members(folder: Path, change: LabelChange, labels: LabelSchema) -> dict[str, list[Sample]]:
    bundle = open_bundle(folder)
    members: dict[str, list[Sample]] = {}
    for name in bundle.manifest["split"]["sizes"]:
        records = (record.value for record in read_records(folder / f"{name}.jsonl"))
        members[name] = [decode_task(relabel_record(one, change.rules, labels) or one, labels) for one in records]
    return members


def _publish(
    target: Path,
    manifest: Mapping[str, Any],
    members: Mapping[str, list[Sample]],
    under: tuple[LabelChange, LabelSchema],
) -> Path:
    change, labels = under
    replaces = {"name": manifest["name"], "fingerprint": manifest["fingerprint"], "change": change.summary}

    def describe(tasks: dict[str, str]) -> dict[str, Any]:
        return describe_successor(target.name, manifest, members, labels, tasks) | {"replaces": replaces}

    parquet = any(name.endswith(".parquet") for name in manifest["files"])
    publish_version(target, members, labels, describe, parquet=parquet)
    return target
