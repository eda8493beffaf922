"""Pull adopted projects and join them: the same text in several projects is one sample with everybody's annotations.

Each project is pulled into a file of its own in the adoption's folder. The joined file is made of those; records that
were edited in it are treated as `merge_records` treats them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import write_atomic
from goldspan.annotation.identity import digest, hash_text, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress
from goldspan.annotation.labelstudio.project.adoption import AdoptedProject, Adoption
from goldspan.annotation.labelstudio.project.find import require_project
from goldspan.annotation.labelstudio.pull.fetching import TextFetcher
from goldspan.annotation.labelstudio.pull.merge import Merged, find_conflict_file, merge_records, read_known_tasks
from goldspan.annotation.labelstudio.pull.project import pull_project
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy, rank_annotations
from goldspan.annotation.labelstudio.pull.record_file import RecordFile
from goldspan.annotation.labelstudio.pull.records import TaskSource, digest_record
from goldspan.annotation.labelstudio.pull.report import PullOptions, PullReport
from goldspan.annotation.labelstudio.pull.state import PullState, save_state
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.workspace import Workspace


def pull_adoption(
    client: StudioClient,
    workspace: Workspace,
    adoption: Adoption,
    labels: LabelSchema,
    options: PullOptions,
    progress: Progress,
) -> PullReport:
    """Pull every project of an adoption and join them into `training_samples/<name>.jsonl`.

    Raises:
        StateError: a project's number belongs to another project than the one that was adopted.
        As `pull_annotations` otherwise.
    """
    path = options.output or workspace.training_samples / f"{adoption.name}.jsonl"
    reports: list[PullReport] = []
    files: list[Path] = []
    for adopted in adoption.projects:
        files.append(adoption.folder / f"project-{adopted.id}.jsonl")
        reports.append(_pull_one(client, adoption, adopted, files[-1], labels, options, progress))
    with hold_lock(f"pull {path.resolve()}"):
        merged = _join(files, path, options)
        watermark = max(report.watermark for report in reports)
        first = adoption.projects[0]
        save_state(path, PullState(client.url, first.id, first.created_at, watermark))
    return _sum_reports(reports, adoption, path, merged)


def _pull_one(
    client: StudioClient,
    adoption: Adoption,
    adopted: AdoptedProject,
    path: Path,
    labels: LabelSchema,
    options: PullOptions,
    progress: Progress,
) -> PullReport:
    project = require_project(client, adopted.id)
    source = TaskSource(
        project["id"],
        adoption.map_project(project, labels),
        adopted.annotator,
        adoption.language,
        adoption.country,
        TextFetcher(client, adoption.hosts),
    )
    marker = path.with_suffix(".rules")
    rules = digest([labels.fingerprint, adopted.annotator, adoption.language, adoption.country, str(source.mapping)])
    is_new = not marker.exists() or marker.read_text() != rules
    settings = replace(options, output=path, full=options.full or is_new, take_remote=True)
    report = pull_project(client, project, path, labels, settings, source, progress)
    write_atomic(marker, rules.encode())
    return report


def _join(files: Sequence[Path], path: Path, options: PullOptions) -> Merged:
    """Write the joined records; `options.take_remote` holds for records that were edited in the joined file."""
    groups: dict[str, list[tuple[int, int]]] = {}
    stores = [_Lines(file) for file in files]
    for number, store in enumerate(stores):
        for place, record in store:
            groups.setdefault(hash_text(record["data"]["text"]), []).append((number, place))
    records = RecordFile(path.with_suffix(".part.jsonl"))
    records.keep_only({})
    try:
        taken: set[str] = set()
        for members in groups.values():
            record = join_records([stores[number].read(place) for number, place in members], options.policy)
            data = record["data"]
            if data["sample_id"] in taken:
                data["sample_id"] = make_sample_id(data["text"], data["language"])
                data["provenance"]["pull"]["sha256"] = digest_record(record)
            taken.add(data["sample_id"])
            records.add(record["id"], "", record)
        gone = read_known_tasks(path).keys() - records.places.keys()
        return merge_records(path, records, set(gone), take_remote=options.take_remote)
    finally:
        records.close(finished=True)


def join_records(records: Sequence[dict[str, Any]], policy: RankingPolicy) -> dict[str, Any]:
    """One record of all annotations of the same text; the one with the lowest task id lends its fields."""
    first, *others = sorted(records, key=lambda record: int(record["id"]))
    if not others:
        return first
    ranked, reason = rank_annotations([item for record in (first, *others) for item in record["annotations"]], policy)
    versions = {item["model_version"] for item in first["predictions"]}
    predictions = list(first["predictions"])
    for item in (item for other in others for item in other["predictions"]):
        if item["model_version"] not in versions:
            versions.add(item["model_version"])
            predictions.append(item)
    pulls = [record["data"]["provenance"]["pull"] for record in (first, *others)]
    pull = {**pulls[0], "stamp": max(str(pull["stamp"]) for pull in pulls)}
    pull["tasks"] = [{"project": pull["project"], "task": pull["task"]} for pull in pulls]
    for name in ("chosen", "because"):
        pull.pop(name, None)
    if reason:
        pull |= {"chosen": ranked[0]["id"], "because": reason}
    data = {**first["data"], "provenance": {**first["data"]["provenance"], "pull": pull}}
    record = {"id": first["id"], "data": data, "predictions": predictions, "annotations": ranked}
    if drafts := [item for member in (first, *others) for item in member.get("drafts", ())]:
        record["drafts"] = drafts
    pull["sha256"] = digest_record(record)
    return record


class _Lines:
    """The records of a file by the place of their line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        with self._path.open("rb") as stream:
            place = 0
            for line in stream:
                yield place, unpack_record(orjson.loads(line))
                place += len(line)

    def read(self, place: int) -> dict[str, Any]:
        """The record of the line that begins here."""
        with self._path.open("rb") as stream:
            stream.seek(place)
            return unpack_record(orjson.loads(stream.readline()))


def _sum_reports(reports: Sequence[PullReport], adoption: Adoption, path: Path, merged: Merged) -> PullReport:
    lint_counts: dict[str, int] = {}
    for report in reports:
        for code, count in report.lint_counts.items():
            lint_counts[code] = lint_counts.get(code, 0) + count
    sums: Mapping[str, int] = {
        name: sum(getattr(report, name) for report in reports)
        for name in ("annotations", "drafts", "cancelled", "empty", "snapped", "other_results")
    }
    return PullReport(
        project=adoption.projects[0].id,
        title=adoption.name,
        file=path,
        full=all(report.full for report in reports),
        added=len(merged.added),
        updated=len(merged.updated),
        removed=len(merged.removed),
        unchanged=merged.unchanged,
        total=merged.total,
        conflicts=tuple(merged.conflicts),
        conflict_file=find_conflict_file(path) if merged.conflicts else None,
        refused=tuple(item for report in reports for item in report.refused),
        lint_counts=lint_counts,
        lints=tuple(lint for report in reports for lint in report.lints),
        watermark=max(report.watermark for report in reports),
        projects=tuple(item.id for item in adoption.projects),
        **sums,
    )
