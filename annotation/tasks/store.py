"""Samples on disk: one task per record of a JSONL or `.json` file.

Files are written whole (temporary file, fsync, rename) and only with tasks that satisfy the JSON Schema. A bad record
goes to `on_error`, and reading and writing continue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from goldspan.annotation.checks import check_text, find_errors
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import AtomicFile, suggest_path
from goldspan.annotation.identity import IdentityCheck
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.codec import DecodedTask, encode_task, load_task_validator, read_task, validate_task
from goldspan.annotation.tasks.jsonl import JsonRecord, OnError, raise_error, read_records
from goldspan.annotation.tasks.record import pack_record
from goldspan.annotation.tombstones import Tombstones, find_tombstones
from goldspan.annotation.types import Sample

_COMPANIONS = (".state.json", ".conflicts.jsonl", ".part.jsonl", ".rejections.jsonl")
"""Suffixes of companion files, which hold no samples and are skipped in folders."""


_OTHER_FILES = frozenset(
    {".csv", ".tsv", ".psv", ".txt", ".md", ".xlsx", ".conll", ".conllu", ".bio", ".bioes", ".iob", ".iob2", ".ann"}
    | {".spacy", ".parquet", ".arrow", ".xml", ".xmi", ".tei", ".yml", ".yaml"}
)
"""Endings of files that are never samples."""


_FILLED_BY = {
    "training_samples": " `goldspan studio pull` brings the reviews.",
    "annotation_samples": " `goldspan samples import` or `goldspan generate start` fills it.",
}
"""What makes the folders of a workspace."""


def list_files(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files themselves (one path or several), and the `.jsonl` and `.json` files of folders, sorted by name.

    Raises:
        InputError: a path does not exist, or a folder holds no such file.
    """
    files: list[Path] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if _holds_samples(file))
            if not found:
                raise InputError(
                    f"{path} holds no .jsonl or .json file. `goldspan samples import {path}` reads others."
                )
            files += found
        elif path.suffix.lower() in _OTHER_FILES:
            raise InputError(f"{path} is not a file of samples. `goldspan samples import {path}` makes one of it.")
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"There is no file {path}.{_FILLED_BY.get(path.name) or suggest_path(path)}")
    return files


def _holds_samples(file: Path) -> bool:
    return (
        file.suffix in {".jsonl", ".json"}
        and not file.name.endswith(_COMPANIONS)
        and not file.name.startswith(".")
        and file.is_file()
    )


def read_samples(
    paths: str | Path | Iterable[str | Path],
    labels: LabelSchema | None = None,
    on_error: OnError = raise_error,
    *,
    tolerant: bool = False,
    unique: bool = True,
) -> Iterator[Sample]:
    """The samples of files and folders, one at a time; without `labels` by the label schema that `load_labels()` finds.

    A record with an issue in its regions or relations is refused, and so is one whose id stood before with another
    text or whose text stood before with another id (`IdentityCheck`; not if `unique` is False).
    `tolerant` yields what can be read of a record, whatever its identity.
    """
    identities = IdentityCheck()
    for record, (sample, issues) in read_tasks(paths, load_labels() if labels is None else labels, on_error):
        if tolerant:
            yield sample
        elif issues:
            on_error(RecordError(f"{issues[0].code}: {issues[0].message}", file=record.file, line=record.line))
        elif unique and (problem := identities.add(sample)):
            on_error(RecordError(problem, file=record.file, line=record.line, pointer="/data/sample_id"))
        else:
            yield sample


def read_tasks(
    paths: str | Path | Iterable[str | Path], labels: LabelSchema, on_error: OnError = raise_error
) -> Iterator[tuple[JsonRecord, DecodedTask]]:
    """Every record with a text, decoded, from files and folders; what was erased from their workspace is refused."""
    for file in list_files(paths):
        erased = find_tombstones(file)
        for record in read_records(file, on_error):
            try:
                decoded = read_task(record.value, labels)
                erased.refuse(decoded.sample.sample_id, decoded.sample.text)
            except RecordError as error:
                on_error(RecordError(error.reason, file=record.file, line=record.line, pointer=error.pointer))
            else:
                yield record, decoded


def drop_erased(samples: Iterable[Sample], erased: Tombstones, on_error: OnError = raise_error) -> Iterator[Sample]:
    """The samples without those that were erased, which go to `on_error`."""
    for sample in samples:
        try:
            erased.refuse(sample.sample_id, sample.text)
        except RecordError as error:
            on_error(error)
        else:
            yield sample


def prepare_task(sample: Sample, labels: LabelSchema) -> dict[str, Any]:
    """Encode a sample and check that it may be written or pushed.

    Raises:
        RecordError: it breaks the JSON Schema or has an issue of severity error.
    """
    for issue in check_text(sample.text):
        raise RecordError(f"{issue.code}: {issue.message}", pointer="/data/text")
    task = encode_task(sample, labels)
    if not load_task_validator(labels).accepts(task):
        problem = validate_task(task, labels)[0]
        raise RecordError(problem.message, pointer=problem.pointer)
    for annotation in sample.predictions:
        for issue in find_errors(sample.text, annotation, labels, sample.language):
            raise RecordError(f"{issue.code}: {issue.message}")
    return task


def write_samples(
    path: str | Path,
    samples: Iterable[Sample],
    labels: LabelSchema | None = None,
    on_error: OnError = raise_error,
    *,
    replace: bool = True,
) -> int:
    """Write samples as JSONL, whole or not at all; returns how many. Refused ones go to `on_error`.

    What was erased from the file's workspace is refused too. Without `labels`, the label schema is the one that
    `load_labels()` finds.

    Raises:
        StateError: the disk refused, or the file exists and `replace` is False.
    """
    written = 0
    schema = load_labels() if labels is None else labels
    erased = find_tombstones(Path(path))
    with AtomicFile(Path(path), replace=replace) as stream:
        for number, sample in enumerate(samples, start=1):
            try:
                erased.refuse(sample.sample_id, sample.text)
                task = prepare_task(sample, schema)
            except RecordError as error:
                on_error(RecordError(error.reason, file=str(path), line=number, pointer=error.pointer))
                continue
            stream.write(pack_record(task))
            written += 1
    return written
