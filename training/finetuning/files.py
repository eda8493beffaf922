"""The files of a fine-tuning run: rows for the provider, and which line is which sample.

train.jsonl, validation.jsonl    rows, readable by their owner only
lines.json                       sample and window of every line
journal.db                       the journal
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
from goldspan.annotation.identity import hash_file
from goldspan.training.finetuning.journal import FileRecord
from goldspan.training.finetuning.rows import CheckedRows, TuningRow

TRAIN, VALIDATION = "train", "validation"
_LINES = "lines.json"


def write_rows(folder: Path, rows: CheckedRows) -> None:
    """Write the rows and the index of their lines into a private folder."""
    with explain_disk(folder):
        make_private_folder(folder)
        splits = {TRAIN: rows.train, VALIDATION: rows.validation}
        for name, part in splits.items():
            if part:
                write_atomic(folder / f"{name}.jsonl", b"".join(row.encode() for row in part))
        index = {name: [[row.sample_id, row.start, row.end] for row in part] for name, part in splits.items()}
        write_atomic(folder / _LINES, orjson.dumps(index))


def describe_files(folder: Path, marker: str) -> list[FileRecord]:
    """The files to upload: their names hold the run's marker and their content's digest."""
    found = []
    for role in (TRAIN, VALIDATION):
        path = folder / f"{role}.jsonl"
        if path.is_file():
            sha256 = hash_file(path)
            name = f"goldspan-{marker}-{role}-{sha256[:12]}.jsonl"
            found.append(FileRecord(role, name, path.stat().st_size, sha256))
    return found


def digest_rows(train: Sequence[TuningRow], validation: Sequence[TuningRow]) -> str:
    """A digest of all rows: the same for the same data, prompt and windows."""
    hashed = hashlib.sha256()
    for row in (*train, *validation):
        hashed.update(row.encode())
    return hashed.hexdigest()


def list_samples(folder: Path, role: str) -> list[str]:
    """Ids of the samples in a file of rows.

    Raises:
        StateError: the index of the lines cannot be read.
    """
    try:
        return [str(sample_id) for sample_id, *_ in orjson.loads((folder / _LINES).read_bytes()).get(role, ())]
    except (OSError, ValueError, TypeError, AttributeError):
        raise StateError(f"{folder / _LINES} cannot be read. Start the run again under another name.") from None


def name_line(folder: Path, line: int) -> str:
    """The sample and window of a line of the training file, counted from 1; empty if there is no such line."""
    try:
        index: dict[str, list[list[Any]]] = orjson.loads((folder / _LINES).read_bytes())
        sample_id, start, end = index[TRAIN][line - 1] if line > 0 else ("", 0, 0)
    except (OSError, ValueError, KeyError, IndexError):
        return ""
    return f"sample {sample_id}, characters {start} to {end}" if sample_id else ""
