"""Withdraw a bundle: its samples are deleted, a notice stays, and a successor without the erased samples is issued.

<bundle>/withdrawn.json          name, fingerprint, date, number of erased samples, name of the successor
privacy/withdrawn.jsonl          the same lines for the whole workspace: copies of a bundle are recognised by them
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import RecordError, StateError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.annotation.tombstones import FOLDER, REFUSAL
from goldspan.annotation.types import Sample
from goldspan.training.bundle.signature import drop_signature, find_signing_key, sign_bundle, verify_signature
from goldspan.training.bundle.successor import choose_name, describe_successor, find_successor
from goldspan.training.bundle.verify import NOTICE, Bundle, describe_notice, open_bundle
from goldspan.training.bundle.write import publish_version

REGISTER = "withdrawn.jsonl"


def issue_successor(bundle: Bundle, labels: LabelSchema, erased: Set[str]) -> Path | None:
    """Write the bundle `<name>-r<n>` beside this one, with the same split, without the samples of the ids `erased`.

    A successor that an interrupted call has written already is returned. None: no sample would be left.

    Raises:
        RecordError: a sample cannot be read.
        StateError: the disk refused.
    """
    manifest, root = bundle.manifest, bundle.folder.parent
    if done := find_successor(root, manifest["fingerprint"], "erased"):
        return done
    members: dict[str, list[Sample]] = {}
    for name in manifest["split"]["sizes"]:
        samples = read_samples([bundle.folder / f"{name}.jsonl"], labels, _pass_erased)
        members[name] = [sample for sample in samples if sample.sample_id not in erased]
    left = sum(map(len, members.values()))
    if not left:
        return None
    target = choose_name(root, manifest["name"])
    replaces = {
        "name": manifest["name"],
        "fingerprint": manifest["fingerprint"],
        "erased": manifest["data"]["samples"] - left,
    }

    def describe(tasks: dict[str, str]) -> dict[str, Any]:
        return describe_successor(target.name, manifest, members, labels, tasks) | {"replaces": replaces}

    parquet = any(name.endswith(".parquet") for name in manifest["files"])
    publish_version(target, members, labels, describe, parquet=parquet)
    return target


def withdraw(folder: Path, manifest: Mapping[str, Any], erased: int, successor: str, root: Path) -> None:
    """Put the notice into a bundle's folder and the register of the workspace, then delete everything else in it.

    The successor of a signed bundle is signed too, if the key of the workspace is there.

    Raises:
        StateError: the disk refused.
    """
    notice = {
        "name": manifest["name"],
        "fingerprint": manifest["fingerprint"],
        "data": manifest["data"]["fingerprint"],
        "erased": erased,
        "successor": successor,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    register = root / FOLDER / REGISTER
    if manifest["fingerprint"] not in read_withdrawn(root):
        before = register.read_bytes() if register.exists() else b""
        write_atomic(register, before + orjson.dumps(notice, option=orjson.OPT_APPEND_NEWLINE))
    write_atomic(folder / NOTICE, orjson.dumps(notice, option=orjson.OPT_INDENT_2))
    if drop_signature(folder) and successor and find_signing_key(root).is_file():
        sign_bundle(folder.with_name(successor), root)
    clear_withdrawn(folder)


def clear_withdrawn(folder: Path) -> bool:
    """Delete what is left in a withdrawn bundle besides its notice; True if there was anything.

    Raises:
        StateError: the disk refused.
    """
    with explain_disk(folder):
        left = [path for path in sorted(folder.iterdir()) if path.name != NOTICE]
        for path in left:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return bool(left)


def read_withdrawn(root: Path) -> dict[str, dict[str, Any]]:
    """Notices of the withdrawn bundles of a workspace, by fingerprint."""
    register = root / FOLDER / REGISTER
    lines = register.read_bytes().splitlines() if register.is_file() else []
    notices: list[dict[str, Any]] = [orjson.loads(line) for line in lines]
    return {notice["fingerprint"]: notice for notice in notices}


def open_for_training(folder: Path, labels: LabelSchema, root: Path | None = None) -> Bundle:
    """Open a bundle to train on: intact, with a good signature if it is signed, and not withdrawn.

    Args:
        folder: the bundle.
        labels: the label schema that it was made with.
        root: the workspace whose withdrawals count, also for copies elsewhere; None: the one in force.

    Raises:
        StateError: it was withdrawn, or its signature is bad. Otherwise as `open_bundle`.
    """
    verify_signature(folder)
    bundle = open_bundle(folder, labels)
    if notice := read_withdrawn(root or find_workspace().root).get(bundle.manifest["fingerprint"]):
        raise StateError(f"{bundle.folder} is a copy of {describe_notice(notice)} Delete the copy.")
    return bundle


def _pass_erased(error: RecordError) -> None:
    if error.reason != REFUSAL:
        raise error
