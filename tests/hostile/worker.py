"""Give every file of a folder to all of its readers, and print what came of it: one line of JSON a file.

Usage: python worker.py FOLDER. A file that ends this process has no line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from goldspan.annotation.checks import find_errors
from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import ConfigurationError, GoldspanError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labels.taxonomy import read_taxonomy
from goldspan.annotation.processes import measure_peak
from goldspan.annotation.tasks.store import read_samples, read_tasks, write_samples
from goldspan.annotation.types import Sample
from goldspan.annotation.uploads import list_uploads
from goldspan.generators.mixing.plan import load_mix
from goldspan.generators.simulator.faults import load_plan
from goldspan.masking.policy import load_policy
from goldspan.predictors.model.directory import FILES, MANIFEST, open_directory
from goldspan.shards.packing import unpack
from goldspan.shards.plan import read_plan
from goldspan.shards.report import read_report
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.config import read_config

LABELS = load_labels()
Said = Callable[[GoldspanError], None]


def read_all(path: Path, said: Said) -> None:
    """Check, import, write and export a file of records."""
    samples: list[Sample] = []
    if path.suffix in (".jsonl", ".json"):
        for _, (sample, _) in read_tasks(path, LABELS, said):
            for annotation in sample.annotations:
                list(find_errors(sample.text, annotation, LABELS, sample.language))
        samples = list(read_samples(path, LABELS, said))
    imported = list(import_files([path], LABELS, ImportOptions(language="en"), said))
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder) / "w.jsonl", [*samples, *imported], LABELS, said)
        for name in ("csv", "conll", "kiji"):
            with contextlib.suppress(RecordError):
                export_samples(name, Path(folder) / name, samples, LABELS)


def read_toml(path: Path, said: Said) -> None:
    readers: tuple[Callable[[Path], object], ...] = (
        load_labels,
        load_policy,
        load_mix,
        read_config,
        load_plan,
        read_taxonomy,
        lambda file: read_configuration(file, "project", ConfigurationError),
    )
    for read in readers:
        try:
            read(path)
        except GoldspanError as error:
            said(error)


def read_manifest(path: Path, said: Said) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder) / "manifest.json")
        open_bundle(Path(folder))


def read_plan_file(path: Path, said: Said) -> None:
    read_plan(path.read_bytes())


def read_report_file(path: Path, said: Said) -> None:
    read_report(path.read_bytes())


def read_upload(path: Path, said: Said) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "privacy" / "uploads" / path.name
        place.parent.mkdir(parents=True)
        shutil.copy(path, place)
        list_uploads(Path(folder))


def read_model(path: Path, said: Said) -> None:
    """Open a model directory whose files are the values of a JSON object, sealed as its maker would."""
    try:
        values = dict.fromkeys(FILES, "") | json.loads(path.read_bytes())
    except (ValueError, TypeError):
        values = {**dict.fromkeys(FILES, path.read_text("latin-1")), MANIFEST: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        folder.mkdir()
        manifest = values.pop(MANIFEST, None)
        files = {file: json.dumps(value).encode() for file, value in values.items() if file in FILES}
        for file, data in files.items():
            (folder / file).write_bytes(data)
        if isinstance(manifest, dict):
            manifest["files"] = {file: hashlib.sha256(data).hexdigest() for file, data in files.items()}
            sealed = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
            manifest = {**manifest, "fingerprint": hashlib.sha256(sealed.encode()).hexdigest()}
        (folder / MANIFEST).write_text(json.dumps(manifest))
        open_directory(folder)


def read_packed(path: Path, said: Said) -> None:
    with unpack(path) as plain:
        read_all(plain, said)


READERS = {
    "manifest.json": read_manifest,
    "plan.json": read_plan_file,
    "report.json": read_report_file,
    "upload.json": read_upload,
    ".gz": read_packed,
    ".zst": read_packed,
    ".model.json": read_model,
    ".toml": read_toml,
}


def choose_reader(path: Path) -> Callable[[Path, Said], None]:
    return next((reader for ending, reader in READERS.items() if path.name.endswith(ending)), read_all)


def run(folder: Path) -> Iterator[dict[str, object]]:
    for path in sorted(folder.iterdir()):
        messages: list[str] = []
        escaped = ""
        before, start = measure_peak(), process_time()
        try:
            choose_reader(path)(path, lambda error, kept=messages: kept.append(str(error)))
        except GoldspanError as error:
            messages.append(str(error))
        except BaseException as error:  # noqa: BLE001
            escaped = f"{type(error).__name__}: {str(error)[:200]}"
        seconds = process_time() - start
        yield {
            "name": path.name,
            "escaped": escaped,
            "messages": messages[:50],
            "seconds": round(seconds, 2),
            "memory": measure_peak() - before,
        }


if __name__ == "__main__":
    for outcome in run(Path(sys.argv[1])):
        sys.stdout.write(f"{json.dumps(outcome)}\n")
        sys.stdout.flush()
