"""Push large projects through a Label Studio storage: tasks as files instead of API imports.

Only samples that the project lacks are written. A file's name follows from what is in it, and Label Studio reads no
file twice, so an interrupted push can be run again; what a file that it left behind brings twice is deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from goldspan.annotation.errors import ConfigurationError, GoldspanError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient, split_chunks
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.find import ensure_project
from goldspan.annotation.labelstudio.project.views import ensure_views
from goldspan.annotation.labelstudio.push.cleanup import delete_duplicate_tasks
from goldspan.annotation.labelstudio.push.entries import show_version
from goldspan.annotation.labelstudio.push.index import index_project
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.report import PushOptions
from goldspan.annotation.labelstudio.push.selection import order_entries
from goldspan.annotation.labelstudio.push.source import find_source, import_source
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry, open_spool
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.remote import make_remote_folder, open_remote
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import describe_error

FILE_TASKS = 5000
"""Tasks in one file; Label Studio holds one file in memory while it reads it."""


@dataclass(frozen=True, slots=True)
class StorageReport:
    """Result of a push to storage. `arrived` is the number of tasks imported, None before the sync."""

    project: int
    title: str
    target: str
    files: tuple[str, ...]
    written: int
    unchanged: int
    arrived: int | None
    refused: tuple[RefusedSample, ...] = ()


def push_to_storage(
    client: StudioClient,
    samples: Iterable[Sample],
    labels: LabelSchema,
    options: PushOptions,
    target: str | Path,
    progress: Progress = ignore_progress,
    *,
    send_keys: bool = False,
) -> StorageReport:
    """Write missing samples as task files, and let Label Studio import them.

    `target` is a folder below the server's storage root or `s3://bucket/prefix`, which Label Studio is told to read at
    once, or another address that fsspec knows, which has to be added in the project's settings under Cloud Storage as a
    source of JSONL files with the import method "Tasks". With `send_keys`, Label Studio is given the AWS keys of this
    environment; without, it reads S3 with its own.

    Raises:
        ConfigurationError: the target cannot be written to, or Label Studio may not read the folder.
        As `push_samples` otherwise.
    """
    source = find_source(target, client.url, send_keys=send_keys)
    with open_spool() as spool:
        refused = tuple(fill_spool(spool, samples, TaskValidator(labels, options.control_share, options.erased)))
        with hold_lock(f"create {client.url} {options.project}"):
            project = ensure_project(client, options.project, labels)
        number = int(project["id"])
        with hold_lock(f"push {client.url} {number}"):
            index = index_project(client, number, spool.entries)
            plan = make_plan(spool.entries, index, replace=False)
            entries = order_entries(plan.create, options.order, labels)
            files = tuple(_write_files(spool, entries, target, progress))
            arrived = import_source(client, number, source, len(entries), progress) if source else None
            version = options.model_version or next((entry.versions[-1] for entry in entries if entry.versions), "")
            if arrived:
                show_version(client, project, version, chosen=bool(options.model_version))
            if arrived is not None and arrived > len(entries):
                removed, _ = delete_duplicate_tasks(client, number, index_project(client, number, spool.entries))
                arrived -= removed
            ensure_views(client, number)
        return StorageReport(
            project=number,
            title=project["title"],
            target=str(target),
            files=files,
            written=len(entries),
            unchanged=len(spool.entries) - len(entries) - len(plan.refused),
            arrived=arrived,
            refused=refused + plan.refused,
        )


def _write_files(spool: Spool, entries: Sequence[SpoolEntry], target: str | Path, progress: Progress) -> Iterator[str]:
    done = 0
    for chunk in split_chunks(entries, FILE_TASKS):
        digest = hashlib.sha256("\n".join(entry.sample_id for entry in chunk).encode()).hexdigest()[:16]
        with _open_target(target, f"tasks-{digest}.jsonl") as (name, stream):
            for entry in chunk:
                stream.write(spool.read(entry) + b"\n")
        done += len(chunk)
        progress("writing", done, len(entries))
        yield name


@contextmanager
def _open_target(target: str | Path, name: str) -> Iterator[tuple[str, IO[bytes]]]:
    if isinstance(target, Path):
        with AtomicFile(target / name) as stream:
            yield str(target / name), stream
        return
    address = f"{target.rstrip('/')}/{name}"
    try:
        files, path = open_remote(target)
        make_remote_folder(files, path)
        with files.open(f"{path}/{name}", "wb") as stream:
            yield address, stream
    except (OSError, ValueError, ImportError, GoldspanError) as error:
        said = describe_error(error)
        raise ConfigurationError(
            f"{address} cannot be written: {said}. Correct --storage or its credentials."
        ) from None
