"""Change labels everywhere: label schema, samples, gold, and the Label Studio project.

A change can be interrupted at any point and run again. Until it is done the label schema holds old and new labels, so
that every file can be read at every moment:

    1  the change is written down, and every file that it touches is backed up
    2  the label schema gets the new labels beside the old ones
    3  files are rewritten, each as a whole; then the Label Studio project
    4  the label schema loses the old labels
    5  what is bound to the final schema follows (bundles, results), and the note is deleted

What else carries labels takes part as a `ChangePart`: it prepares before step 3 and finishes in step 5.
"""

from __future__ import annotations

import copy
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from goldspan.annotation.errors import RecordError, StateError
from goldspan.annotation.files import AtomicFile, make_private_folder, write_atomic
from goldspan.annotation.labels.edit import copy_label, drop_label, rename_in_phrases, rename_tags
from goldspan.annotation.labels.schema import LabelSchema, build_labels, load_labels
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, relabel_result
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.jsonl import LIST, read_records
from goldspan.annotation.tasks.record import pack_record, parse_json, unpack_record
from goldspan.annotation.tasks.store import list_files
from goldspan.annotation.tasks.workspace import Workspace

_PARTS = ("annotations", "predictions", "drafts")
_NOTE = "label-change.json"


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What becomes of labels. `copies` are new labels and the old ones that they are made after.

    `summary` names the change: it is how an interrupted one is recognised.
    """

    summary: str
    rules: RelabelRules
    copies: Mapping[str, str] = field(default_factory=dict)

    @property
    def retired(self) -> tuple[str, ...]:
        """The labels that leave the schema."""
        return tuple(sorted(self.rules.sources))


@dataclass(frozen=True, slots=True)
class FileUses:
    """Regions with an old label in one file."""

    file: Path
    uses: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """What a change would touch; `pending` is True if an interrupted one would be finished.

    `before` is then the fingerprint of the schema before the change.
    """

    files: tuple[FileUses, ...]
    pending: bool
    before: str = ""

    @property
    def uses(self) -> dict[str, int]:
        """Regions by old label, over all files."""
        return dict(sum((Counter(entry.uses) for entry in self.files), Counter[str]()))


class ChangePart(Protocol):
    """What carries labels besides samples. Each call may be repeated after an interruption."""

    def list_files(self, change: LabelChange) -> Sequence[Path]:
        """Files that the change rewrites in place; they are backed up first."""

    def prepare(self, change: LabelChange, labels: LabelSchema) -> None:
        """Before samples are rewritten, while the schema holds old and new labels."""

    def finish(self, change: LabelChange, before: str, labels: LabelSchema) -> None:
        """When the schema is final; `before` is its fingerprint before the change."""


def plan_change(workspace: Workspace, change: LabelChange) -> ChangePlan:
    """Count the regions that the change touches in the files of the workspace.

    Raises:
        StateError: another change was interrupted; it has to be finished first.
    """
    note = _read_note(workspace)
    if note and note["summary"] != change.summary:
        raise StateError(
            f"A change of labels was interrupted: {note['summary']}. Run it again to finish it; "
            f"its backup is {note['backup']}."
        )
    files = (FileUses(file, _count_uses(file, change.rules)) for file in _list_sample_files(workspace))
    return ChangePlan(tuple(entry for entry in files if entry.uses), bool(note), note.get("before", ""))


def apply_change(
    workspace: Workspace,
    label_file: Path,
    change: LabelChange,
    migrate: Callable[[], object] | None = None,
    parts: Sequence[ChangePart] = (),
) -> Path:
    """Carry out the change, or finish an interrupted one; the folder with the backup.

    Args:
        workspace: whose `annotation_samples` and `training_samples` are rewritten.
        label_file: the project's label schema.
        change: what becomes of which label.
        migrate: called when the files are rewritten, while the schema holds old and new labels.
        parts: what else carries labels.

    Raises:
        StateError: another change was interrupted, or the disk refuses.
        SchemaError: the label schema would no longer be valid. Nothing is changed then.
    """
    for new in change.copies:
        build_labels({"labels": {new: {"name": new}}})
    with hold_lock(f"labels {label_file.resolve()}"):
        plan = plan_change(workspace, change)
        note = _read_note(workspace) or _begin(workspace, label_file, change, (plan, parts))
        for new, old in change.copies.items():
            copy_label(label_file, old, new)
        labels = load_labels(label_file)
        for part in parts:
            part.prepare(change, labels)
        for entry in plan.files:
            _rewrite(entry.file, change.rules, labels)
        if migrate:
            migrate()
        for old, new in change.rules.rename.items():
            rename_tags(label_file, old, new)
            rename_in_phrases(labels, old, new)
        for old in change.retired:
            drop_label(label_file, old)
        final = load_labels(label_file)
        for part in parts:
            part.finish(change, note.get("before", ""), final)
        _find_note(workspace).unlink()
        return Path(note["backup"])


def _begin(
    workspace: Workspace, label_file: Path, change: LabelChange, touched: tuple[ChangePlan, Sequence[ChangePart]]
) -> dict[str, Any]:
    plan, parts = touched
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    backup = workspace.root / "backups" / f"labels-{stamp}"
    files = [
        label_file,
        *(entry.file for entry in plan.files),
        *(file for part in parts for file in part.list_files(change)),
    ]
    for file in files:
        inside = file.is_relative_to(workspace.root)
        target = backup / (file.relative_to(workspace.root) if inside else file.name)
        make_private_folder(target.parent)
        shutil.copy2(file, target)
    note = {"summary": change.summary, "backup": str(backup), "before": load_labels(label_file).fingerprint}
    write_atomic(_find_note(workspace), orjson.dumps(note), mode=0o600)
    return note


def _find_note(workspace: Workspace) -> Path:
    return workspace.root / _NOTE


def _read_note(workspace: Workspace) -> dict[str, Any]:
    try:
        note: dict[str, Any] = orjson.loads(_find_note(workspace).read_bytes())
    except FileNotFoundError:
        return {}
    return note


def _list_sample_files(workspace: Workspace) -> list[Path]:
    folders = (workspace.annotation_samples, workspace.training_samples)
    return [
        file for folder in folders if folder.is_dir() and any(folder.glob("*.json*")) for file in list_files(folder)
    ]


def _iter_results(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for part in _PARTS:
        items = record.get(part)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and isinstance(item.get("result"), list):
                yield item


def _count_uses(file: Path, rules: RelabelRules) -> dict[str, int]:
    uses: Counter[str] = Counter()
    for record in read_records(file, lambda _: None):
        for item in _iter_results(record.value):
            for region in item["result"]:
                value = region.get("value") if isinstance(region, dict) else None
                names = value.get("labels") if isinstance(value, dict) else None
                uses.update(name for name in names or () if name in rules.sources)
    return dict(uses)


def _rewrite(file: Path, rules: RelabelRules, labels: LabelSchema) -> None:
    """Rewrite one file as a whole; lines without an old label stay as they are, byte for byte."""
    mode = file.stat().st_mode & 0o777
    if (document := _load_whole(file)) is not None:
        records = document if isinstance(document, list) else [document]
        relabelled = [
            (relabel_record(record, rules, labels) if isinstance(record, dict) else None) or record
            for record in records
        ]
        write_atomic(file, orjson.dumps(relabelled if isinstance(document, list) else relabelled[0]), mode)
        return
    with file.open("rb") as lines, AtomicFile(file, mode) as stream:
        for line in lines:
            stream.write(_relabel_line(line, rules, labels))


def _load_whole(file: Path) -> Any:
    """The document of a file that is one JSON value, as `read_records` takes it; None for a file of lines."""
    data = file.read_bytes() if file.suffix == ".json" else b""
    with file.open("rb") as stream:
        if not data and LIST.match(stream.read(512)):
            data = file.read_bytes()
    try:
        return parse_json(data) if data else None
    except ValueError:
        return None


def _relabel_line(line: bytes, rules: RelabelRules, labels: LabelSchema) -> bytes:
    try:
        record = orjson.loads(line)
        relabelled = relabel_record(record, rules, labels) if isinstance(record, dict) else None
    except (orjson.JSONDecodeError, RecordError):
        return line
    return line if relabelled is None else pack_record(relabelled)


def relabel_record(record: Mapping[str, Any], rules: RelabelRules, labels: LabelSchema) -> dict[str, Any] | None:
    """A task with the rules applied; None if nothing changes.

    One that was pulled and not edited counts as not edited afterwards too.
    """
    relabelled = copy.deepcopy(unpack_record(dict(record)))
    data = relabelled.get("data")
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(text, str):
        return None
    pull = _find_pull(relabelled)
    unedited = pull is not None and pull.get("sha256") == digest_record(relabelled)
    changed = False
    for item in _iter_results(relabelled):
        if (result := relabel_result(text, item["result"], rules, labels)) is not None:
            item["result"] = result
            changed = True
    if changed and unedited and pull is not None:
        pull["sha256"] = digest_record(relabelled)
    return relabelled if changed else None


def _find_pull(record: Mapping[str, Any]) -> dict[str, Any] | None:
    provenance = record["data"].get("provenance")
    pull = provenance.get("pull") if isinstance(provenance, dict) else None
    return pull if isinstance(pull, dict) else None
