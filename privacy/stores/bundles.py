"""Bundles and what was trained on them."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.files import explain_disk
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, Store, iter_files
from goldspan.privacy.stores.records import count_records
from goldspan.privacy.subject import Subject
from goldspan.training.bundle.manifest import MANIFEST, check_manifest
from goldspan.training.bundle.verify import NOTICE, open_bundle
from goldspan.training.bundle.withdrawal import clear_withdrawn, issue_successor, read_withdrawn, withdraw
from goldspan.training.runs import STATE, WITHDRAWN, TrainingRun, find_models_folder, find_training_folder, list_runs

_METAFLOW = ".metaflow"
_TRAINED = "trained on erased samples, may know their words: train anew on the successor and delete it"


class BundleStore(Store):
    """Frozen bundles. One that holds the subject is withdrawn, and a successor without its samples is issued."""

    name, holds, entries = "bundles", "frozen versions of reviewed samples", ("bundles",)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count the samples in each bundle."""
        for folder in _list_folders(place.workspace.bundles):
            if count := _count_samples(folder, subject):
                yield Hit(self.name, place.name(folder), count, "withdraw, issue a successor without them")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Issue successors, withdraw, and delete what an interrupted erasure or freeze left."""
        for folder in _list_folders(place.workspace.bundles):
            if (folder / NOTICE).is_file():
                if clear_withdrawn(folder):
                    yield Hit(self.name, place.name(folder), 0, "withdrawn")
            elif count := _count_samples(folder, subject):
                successor, action = _replace(place, folder, count, subject)
                yield Hit(self.name, place.name(folder), count, action)
                if successor:
                    yield Hit(self.name, place.name(successor), 0, "issued")


class TrainingStore(Store):
    """Training runs: a run on erased samples loses its inputs, checkpoints and Metaflow's copies of them."""

    name, holds, entries = "training runs", "inputs (bundle, external gold), checkpoints, figures", ("training",)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name runs whose inputs hold the subject or are those of a withdrawn bundle."""
        for run in list_runs(place.workspace):
            if _holds_run(run, subject, place):
                yield Hit(self.name, place.name(run.folder), 1, "delete inputs and checkpoints")
        if _holds_metaflow(place, subject):
            yield Hit(self.name, place.name(_find_metaflow(place)), 1, "delete Metaflow's copies")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete inputs, checkpoints and Metaflow's data."""
        held = [run for run in list_runs(place.workspace) if _holds_run(run, subject, place)]
        metaflow = _find_metaflow(place)
        if metaflow.is_dir() and (held or _holds_metaflow(place, subject)):
            with explain_disk(metaflow):
                shutil.rmtree(metaflow)
            yield Hit(self.name, place.name(metaflow), 1, "deleted")
        for run in held:
            run.update_state({"status": WITHDRAWN})
            with explain_disk(run.folder):
                for path in [path for path in run.folder.iterdir() if path.name not in (STATE, "progress.jsonl")]:
                    if path.is_dir() and not path.is_symlink():
                        shutil.rmtree(path)
                    else:
                        path.unlink()
            yield Hit(self.name, place.name(run.folder), 1, "deleted inputs and checkpoints")


class ModelStore(Store):
    """Finished models. One whose files hold the subject (as an example in a prompt) is deleted.

    Weights and vocabularies cannot forget: those trained on a withdrawn bundle are named, and people decide.
    """

    name, holds, entries = "models", "weights, figures, prompts with examples", ("models",)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name models whose files hold the subject, or whose bundle was withdrawn or will be."""
        withdrawn = set(read_withdrawn(place.root))
        for folder in _list_folders(place.workspace.bundles):
            if (manifest := _read_manifest(folder)) and _count_samples(folder, subject):
                withdrawn.add(manifest["fingerprint"])
        for folder in _list_folders(find_models_folder(place.workspace)):
            if any(search_file(file, subject) for file in iter_files(folder)):
                yield Hit(self.name, place.name(folder), 1, "delete: its files hold it")
            elif withdrawn and _names_any(folder, withdrawn):
                yield Hit(self.name, place.name(folder), 0, _TRAINED, remains=True)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete models whose files hold the subject."""
        for folder in _list_folders(find_models_folder(place.workspace)):
            if any(search_file(file, subject) for file in iter_files(folder)):
                with explain_disk(folder):
                    shutil.rmtree(folder)
                yield Hit(self.name, place.name(folder), 1, "deleted")


def list_trained(workspace: Workspace, model: Path) -> Iterator[str]:
    """Ids of the samples that a model was trained on, as far as their bundles are in the workspace."""
    for folder in _list_folders(workspace.bundles):
        if (manifest := _read_manifest(folder)) and _names_any(model, {manifest["fingerprint"]}):
            for file in sorted(folder.glob("*.jsonl")):
                yield from (str(record.value["data"]["sample_id"]) for record in read_records(file))


def _list_folders(root: Path) -> list[Path]:
    """Folders, those that an interrupted freeze left hidden too; links are left alone."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()) if root.is_dir() else []


def _count_samples(folder: Path, subject: Subject) -> int:
    """Samples in the files of lines; files of single samples count where there is no line."""
    lines = sum(count_records(file, subject) for file in sorted(folder.glob("*.jsonl")))
    singles = (file for file in iter_files(folder) if file.suffix == ".json" and file.parent != folder)
    return lines or sum(count_records(file, subject) for file in singles)


def _replace(place: Place, folder: Path, count: int, subject: Subject) -> tuple[Path | None, str]:
    """Withdraw a bundle and issue its successor, where there can be one."""
    manifest = _read_manifest(folder)
    if manifest is None:
        with explain_disk(folder):
            shutil.rmtree(folder)
        return None, "deleted: it was no whole bundle"
    successor = None
    try:
        labels = load_labels(place.labels_file)
        if _fits(manifest, labels):
            successor = issue_successor(open_bundle(folder), labels, frozenset(_list_held(folder, subject)))
            reason = "" if successor else "; no successor: no sample is left"
        else:
            reason = "; no successor: the label schema has changed since, freeze a new version"
    except GoldspanError as error:
        reason = f"; no successor: the bundle was not intact, or the label schema is broken ({type(error).__name__})"
    withdraw(folder, manifest, count, successor.name if successor else "", place.root)
    return successor, f"withdrawn{reason}"


def _list_held(folder: Path, subject: Subject) -> Iterator[str]:
    """Ids of the samples of a bundle that hold the subject."""
    for file in sorted(folder.glob("*.jsonl")):
        for record in read_records(file):
            if subject.holds(record.value):
                yield str(record.value["data"]["sample_id"])


def _fits(manifest: dict[str, Any], labels: LabelSchema) -> bool:
    return bool(manifest["label_schema"]["fingerprint"] == labels.fingerprint)


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        return check_manifest(orjson.loads((folder / MANIFEST).read_bytes()))
    except (OSError, orjson.JSONDecodeError, GoldspanError):
        return None


def _holds_run(run: TrainingRun, subject: Subject, place: Place) -> bool:
    """True if the inputs of a run or half-written files hold the subject, or the inputs are of a withdrawn bundle."""
    if any(search_file(file, subject) for file in run.list_leftovers()):
        return True
    if not run.inputs.is_file():
        return False
    if search_file(run.inputs, subject):
        return True
    try:
        with tarfile.open(fileobj=io.BytesIO(run.inputs.read_bytes()), mode="r:gz") as packed:
            member = packed.extractfile(f"bundle/{MANIFEST}")
            return member is not None and orjson.loads(member.read())["fingerprint"] in read_withdrawn(place.root)
    except (tarfile.TarError, OSError, EOFError, KeyError, orjson.JSONDecodeError):
        return False


def _find_metaflow(place: Place) -> Path:
    return find_training_folder(place.workspace) / _METAFLOW


def _holds_metaflow(place: Place, subject: Subject) -> bool:
    return any(search_file(file, subject) for file in iter_files(_find_metaflow(place)))


def _names_any(folder: Path, fingerprints: set[str]) -> bool:
    """True if a JSON file of a model names one of the bundles."""
    for file in iter_files(folder):
        if file.suffix == ".json" and file.stat().st_size < 1 << 20:
            data = file.read_bytes()
            if any(fingerprint.encode() in data for fingerprint in fingerprints):
                return True
    return False
