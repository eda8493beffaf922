"""Write a training bundle: a frozen, split, fingerprinted version of the data in kiji's training format.

    <bundle>/
    ├── manifest.json          what is in it, how it was split, fingerprints, the gate's verdict
    ├── label_mappings.json    class ids of the BIO tags, for each trainer
    ├── README.md              a card: `datasets.load_dataset(<bundle>)` finds splits and types there
    ├── train.jsonl  validation.jsonl  test.jsonl      a record a line
    ├── train.parquet  validation.parquet  test.parquet      on request: typed columns of the flat JSONL
    └── train/  validation/  test/                     a task a file: what kiji's loader reads

Identical input gives identical bytes, in whatever order it comes. The folder appears whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.dedupe import Reason, find_duplicates
from goldspan.annotation.corpus.ledger import SplitLedger
from goldspan.annotation.corpus.outline import Outline, outline_samples
from goldspan.annotation.corpus.splits import check_ratios, report_split, split_samples
from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import open_private, stage_folder
from goldspan.annotation.formats.kiji import encode_kiji
from goldspan.annotation.formats.parquet import write_parquet
from goldspan.annotation.identity import hash_file
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.record import pack_record
from goldspan.annotation.tasks.workspace import check_file_name, make_file_name
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.ledger import AuditLedger
from goldspan.evaluation.matching.annotations import is_random
from goldspan.training.bundle.card import CARD, render_bundle_card
from goldspan.training.bundle.lineage import Lineage
from goldspan.training.bundle.manifest import (
    FORMAT,
    MANIFEST,
    MAPPINGS,
    SCHEMA,
    BundleSettings,
    check_manifest,
    describe_data,
    describe_labels,
    describe_split,
    dump,
    hash_bytes,
    hash_folder,
    make_mappings,
    seal_manifest,
)


def write_bundle(
    target: Path,
    samples: Iterable[Sample],
    labels: LabelSchema,
    plan: BundleSettings,
    lineage: Lineage | None = None,
) -> dict[str, Any]:
    """Write a bundle to the folder `target` and return its manifest.

    With the lineage of the project, samples of earlier versions keep their split, new ones of the queue's random
    reserve go to `test`, and the ledger records this version before the bundle appears.

    Left out, and counted in the manifest: samples without an annotation, those whose only annotation says that they
    hold nothing without anybody having checked, the second of two with the same text, with `plan.reviewed_only` those
    that no person has reviewed, and with `plan.audited_only` those that the audit ledger does not call settled. A
    bundle that is already there with the same bytes is left as it is.

    Raises:
        InputError: nothing is left to bundle, or two texts claim one sample id.
        RecordError: a sample may not be written.
        StateError: `target` holds something else, or the disk refused.
    """
    kept, left_out = choose_samples(samples, plan, lineage.audits if lineage else None)
    if not kept:
        hint = " Have them reviewed, or take them with --all." if left_out["not_reviewed"] else ""
        lost = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in left_out.items())
        raise InputError(f"No sample is left for the bundle; left out: {lost or 'nothing, there was none'}.{hint}")
    outlines = outline_samples(kept, labels)
    ratios = check_ratios(plan.ratios)
    ledger = _reserve(kept, outlines, lineage.ledger, plan.name) if lineage else None
    split = split_samples(outlines, ratios, seed=plan.seed, threshold=plan.threshold, ledger=ledger)
    report = report_split(outlines, split, ratios, seed=plan.seed)
    assignment = {sample.sample_id: name for sample, name in zip(kept, split.assignment, strict=True)}

    def describe(tasks: dict[str, str]) -> dict[str, Any]:
        return {
            "name": plan.name,
            "data": describe_data(kept, left_out, hash_folder(tasks)),
            "split": describe_split(plan, report, assignment, lineage.describe(assignment) if lineage else None),
            "gate": {"verdict": plan.gate.verdict, "reasons": list(plan.gate.reasons)},
        }

    def record() -> None:
        if lineage:
            lineage.record(outlines, split.assignment, plan.name)

    members = {name: [kept[index] for index in split.members(name)] for name in split.names}
    return publish_version(target, members, labels, describe, record, parquet=plan.parquet)


def publish_version(
    target: Path,
    members: Mapping[str, Sequence[Sample]],
    labels: LabelSchema,
    describe: Callable[[dict[str, str]], dict[str, Any]],
    before: Callable[[], None] = lambda: None,
    *,
    parquet: bool = False,
) -> dict[str, Any]:
    """Write the samples of each split and a manifest, and put the folder into its place; returns the manifest.

    Args:
        target: the folder.
        members: samples by split.
        labels: the label schema.
        describe: gets the digest of each task by sample id; returns the manifest's sections on name, data, split, gate.
        before: called when the folder is complete, before it appears.
        parquet: whether each split is written as Parquet too.

    Raises:
        ConfigurationError: pyarrow, which writes Parquet, is not installed.
        RecordError: a sample may not be written.
        StateError: `target` holds something else, or the disk refused.
    """
    with stage_folder(target) as staging:
        files: dict[str, str] = {}
        tasks: dict[str, str] = {}
        for name, samples in members.items():
            written = _write_split(staging, name, samples, labels)
            if parquet:
                write_parquet(staging / f"{name}.parquet", samples)
                files[f"{name}.parquet"] = hash_file(staging / f"{name}.parquet")
            tasks |= written.tasks
            files |= written.files
        sizes = {name: len(samples) for name, samples in members.items()}
        files[CARD] = _write(staging / CARD, render_bundle_card(sizes).encode())
        files[MAPPINGS] = _write(staging / MAPPINGS, dump(make_mappings(labels)))
        content = {"schema": SCHEMA, "format": FORMAT, "label_schema": describe_labels(labels), "files": files}
        manifest = check_manifest(seal_manifest(content | describe(tasks)))
        _write(staging / MANIFEST, dump(manifest))
        if not _is_published(staging, target):
            before()
            staging.rename(target)
    return manifest


def choose_samples(
    samples: Iterable[Sample], plan: BundleSettings, audits: AuditLedger | None = None
) -> tuple[list[Sample], Counter[str]]:
    """The samples that go into the bundle, sorted by id, and how many were left out for which reason.

    Raises:
        InputError: two different texts have one sample id.
    """
    left_out: Counter[str] = Counter()
    candidates: list[Sample] = []
    for sample in samples:
        reason = _find_obstacle(sample, plan, audits or AuditLedger())
        if reason:
            left_out[reason] += 1
        else:
            candidates.append(sample)
    claims = Counter(sample.sample_id for sample in candidates)
    candidates.sort(key=lambda s: (s.sample_id, not s.reviews, repr(s) if claims[s.sample_id] > 1 else ""))
    deduplication = find_duplicates(outline_samples(candidates), reasons=[Reason.SAME_TEXT])
    if deduplication.duplicates:
        left_out["same_text"] = len(deduplication.duplicates)
    kept = [candidates[index] for index in deduplication.kept]
    for sample, following in pairwise(kept):
        if sample.sample_id == following.sample_id:
            raise InputError(f"Two different texts have the sample id {sample.sample_id}. Give one of them another id.")
    return kept, left_out


def _reserve(samples: Sequence[Sample], outlines: Sequence[Outline], ledger: SplitLedger, version: str) -> SplitLedger:
    """The ledger with the random reserve as test: progress is judged by it, so no model is trained on it."""
    reserve = [
        outline
        for sample, outline in zip(samples, outlines, strict=True)
        if is_random(sample) and outline.sample_id not in ledger.entries
    ]
    return ledger.record(reserve, ["test"] * len(reserve), version)


def _find_obstacle(sample: Sample, plan: BundleSettings, audits: AuditLedger) -> str:
    if sample.best is None:
        return "no_annotation"
    if plan.reviewed_only and not sample.reviews:
        return "not_reviewed"
    if plan.audited_only and not audits.is_settled(sample):
        return "not_audited"
    if sample.provenance.get("unverified_negative") and not sample.reviews:
        return "unverified_negative"
    return ""


class _Written:
    """Digests of what was written for one split: of every task by sample id, and of the files for the manifest."""

    def __init__(self) -> None:
        self.tasks: dict[str, str] = {}
        self.files: dict[str, str] = {}


def _write_split(staging: Path, name: str, members: Sequence[Sample], labels: LabelSchema) -> _Written:
    written = _Written()
    folder = staging / check_file_name(name)
    folder.mkdir(mode=0o700)
    singles: dict[str, str] = {}
    lines: list[bytes] = []
    for sample in members:
        task = encode_kiji(sample, labels)
        line = pack_record(task)
        file = make_file_name(task["data"]["sample_id"])
        singles[file] = _write(folder / file, dump(task))
        written.tasks[task["data"]["sample_id"]] = hash_bytes(line)
        lines.append(line)
    written.files[f"{name}/"] = hash_folder(singles)
    written.files[f"{name}.jsonl"] = _write(staging / f"{name}.jsonl", b"".join(lines))
    return written


def _write(path: Path, data: bytes) -> str:
    with open(path, "wb", opener=open_private) as stream:
        stream.write(data)
    return hash_bytes(data)


def _is_published(staging: Path, target: Path) -> bool:
    """True if the target is this very bundle already.

    Raises:
        StateError: it is something else.
    """
    if not target.exists():
        return False
    manifest = target / MANIFEST
    if manifest.is_file() and manifest.read_bytes() == (staging / MANIFEST).read_bytes():
        return True
    raise StateError(f"{target} holds another bundle. A version is frozen: give this one another --name.")
