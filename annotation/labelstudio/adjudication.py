"""Write a decision on a disputed sample back to Label Studio: a further annotation, marked as ground truth.

Nobody's annotation is changed. Who decided and why is recorded in `adjudications.jsonl` of the workspace, and as a note
on the annotation where the project's screen has one.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.checks import find_errors
from goldspan.annotation.errors import ConfigurationError, InputError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.access import connect
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.codec import encode_result
from goldspan.annotation.tasks.feedback import NOTE_CONTROL
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Sample

LONGEST_REASON = 500
"""Characters of a reason."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "adjudication.goldspan")
_MARKS = 2**53
"""Below it, integers are exact in JavaScript too."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision: the annotation that is right, who says so, and why."""

    annotation: Annotation
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DisputedTask:
    """The place of a sample: address of Label Studio, project, task, and the file that it was pulled into."""

    url: str
    project: int
    task: int
    file: Path


def write_verdict(
    workspace: Workspace, labels: LabelSchema, sample: Sample, place: DisputedTask, verdict: Verdict
) -> int:
    """Store a verdict in Label Studio and pull the project; the id of the annotation.

    A later verdict on the same sample replaces the earlier one.

    Raises:
        InputError: nobody is named, the reason is too long, or the annotation has an error.
        ConfigurationError: there is no token for this Label Studio, or the project is an adopted one.
        StateError: the text in Label Studio is another one, or the task is gone.
        ServiceError: Label Studio refused, or could not be reached.
    """
    by, reason = " ".join(verdict.by.split()), verdict.reason.strip()
    if not by or len(reason) > LONGEST_REASON:
        raise InputError(f"Say who decides, and why in at most {LONGEST_REASON} characters.")
    for issue in find_errors(sample.text, verdict.annotation, labels, sample.language):
        raise InputError(f"The decision has an error: {issue.code}: {issue.message}")
    client, _ = connect(workspace, project=place.project)
    if client.url.rstrip("/") != place.url.rstrip("/"):
        raise ConfigurationError(
            f"The sample was pulled from {place.url}, and there is only a token for {client.url}. Decide there, or "
            f"set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY."
        )
    note = f"Decided by {by}. {reason}".strip()
    fields = {
        "result": _build_result(client, labels, sample, place, verdict.annotation, note),
        "ground_truth": True,
        "was_cancelled": False,
    }
    with hold_lock(f"adjudicate {workspace.root.resolve()}"):
        known = read_verdicts(workspace)
        number = _store(client, sample, place, fields, _find_recorded(known, place))
        entry = {
            "url": place.url,
            "project": place.project,
            "task": place.task,
            "annotation": number,
            "sample_id": sample.sample_id,
            "by": by,
            "reason": reason,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        lines = [orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in (*known, entry)]
        write_atomic(_find_file(workspace), b"".join(lines), mode=0o600)
    pull_annotations(client, workspace, labels, PullOptions(place.project, place.file))
    return number


def read_verdicts(workspace: Workspace) -> list[dict[str, Any]]:
    """All verdicts of the workspace, the newest last; lines that cannot be read are left out."""
    try:
        lines = _find_file(workspace).read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found


def _build_result(
    client: StudioClient, labels: LabelSchema, sample: Sample, place: DisputedTask, annotation: Annotation, note: str
) -> list[dict[str, Any]]:
    tags = parse_tags(str(client.read_project(place.project)["label_config"]))
    if not map_tags(tags, labels).is_native:
        raise ConfigurationError(
            f"Project {place.project} is an adopted one; decide there, and mark the right annotation as ground truth."
        )
    result = encode_result(sample.text, annotation, labels)
    if labels.purpose.is_pii:
        for item in result:
            item.get("value", {}).pop("text", None)
    if NOTE_CONTROL in {control.name for control in tags.controls}:
        value = {"text": [note]}
        names = {"from_name": NOTE_CONTROL, "to_name": "text", "type": "textarea"}
        result.append({"id": uuid.uuid4().hex[:10], **names, "value": value})
    return result


def _store(
    client: StudioClient, sample: Sample, place: DisputedTask, fields: Mapping[str, Any], recorded: int | None
) -> int:
    """Create the annotation, or update that of an earlier verdict, also of one that was stored but never recorded.

    The annotation is marked with an id that follows from its task: `import_id` can be read back, and Label Studio
    refuses a second annotation with the same `unique_id`.
    """
    tasks = client.read_tasks(place.project, [place.task], "id,data,annotations,import_id")
    if not tasks or tasks[0]["data"].get("text") != sample.text:
        raise StateError(f"Task {place.task} is gone, or its text is another one than that which was pulled.")
    unique = uuid.uuid5(_NAMESPACE, f"{place.project}/{place.task}")
    mark = unique.int % _MARKS
    annotations = tasks[0].get("annotations") or ()
    earlier = next((item["id"] for item in annotations if item.get("import_id") == mark), None)
    earlier = earlier or next((item["id"] for item in annotations if item["id"] == recorded), None)
    if earlier is not None:
        return int(client.update_annotation(earlier, {**fields, "import_id": mark})["id"])
    return int(client.create_annotation(place.task, {**fields, "import_id": mark, "unique_id": str(unique)})["id"])


def _find_recorded(known: list[dict[str, Any]], place: DisputedTask) -> int | None:
    """The annotation of the newest recorded verdict on a task."""
    wanted = {"url": place.url, "project": place.project, "task": place.task}
    found = [entry for entry in known if wanted.items() <= entry.items() and isinstance(entry.get("annotation"), int)]
    return int(found[-1]["annotation"]) if found else None


def _find_file(workspace: Workspace) -> Path:
    return workspace.root / "adjudications.jsonl"
