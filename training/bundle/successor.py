"""Successors: bundles that take the place of an earlier one with the same split.

A successor names its predecessor in the manifest's `replaces`: a predecessor is superseded in the moment in which the
folder of its successor appears.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.splits import Split, report_split
from goldspan.annotation.files import find_json
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.training.bundle.manifest import MANIFEST, BundleSettings, describe_data, describe_split, hash_folder


def find_successor(root: Path, fingerprint: str, reason: str) -> Path | None:
    """The bundle in the folder `root` that replaces the one with this fingerprint; None if there is none.

    `reason` is `erased` (samples were erased) or `change` (labels were changed).
    """
    for path in sorted(root.glob(f"*/{MANIFEST}")):
        replaces = find_json(path).get("replaces") or {}
        if replaces.get("fingerprint") == fingerprint and reason in replaces:
            return path.parent
    return None


def choose_name(root: Path, name: str) -> Path:
    """The folder of the next successor: `<name>-r<n>`."""
    base, mark, number = name.rpartition("-r")
    base, first = (base, int(number) + 1) if mark and number.isdigit() else (name, 1)
    while (root / f"{base}-r{first}").exists():
        first += 1
    return root / f"{base}-r{first}"


def describe_successor(
    name: str,
    manifest: Mapping[str, Any],
    members: Mapping[str, Sequence[Sample]],
    labels: LabelSchema,
    tasks: dict[str, str],
) -> dict[str, Any]:
    """Sections of the successor's manifest: those of its predecessor, counted anew."""
    samples = [sample for part in members.values() for sample in part]
    assignment = {sample.sample_id: split for split, part in members.items() for sample in part}
    old = manifest["split"]
    plan = BundleSettings(name, ratios=old["ratios"], seed=old["seed"], threshold=old["threshold"])
    outlines = outline_samples(samples, labels)
    groups = tuple(int(group) for group in group_related(outlines, old["threshold"]))
    split = Split(tuple(members), tuple(assignment.values()), groups)
    report = report_split(outlines, split, old["ratios"], seed=old["seed"])
    described = describe_split(plan, report, assignment, old.get("extends"))
    return {
        "name": name,
        "data": describe_data(samples, Counter(manifest["data"]["left_out"]), hash_folder(tasks)),
        "split": described,
        "gate": manifest["gate"],
    }
