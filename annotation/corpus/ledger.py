"""The split ledger of a project: the most protected split that each sample was ever assigned to.

A sample that was once held out never returns to train. The ledger also keeps the MinHash bands of held-out texts, so
that a corrected copy of a text (which has another sample id) stays held out after the original is gone; the bands do
not reveal the text. A sample whose provenance names the one that it was made from goes where that one is.

On disk it is JSONL, checked against `schemas/split-ledger.schema.json`: a header, then an entry a line, by sample id.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from goldspan.annotation.corpus.ledger_file import iter_rows, write_rows
from goldspan.annotation.corpus.minhash import compute_bands
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.tasks.workspace import Workspace

TRAIN = "train"
_SCHEMA = "split-ledger"
_SHARED_BANDS = 2
"""Bands in common that make two texts relatives: 0.94 of pairs at Jaccard similarity 0.7, 0.002 at 0.3."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One sample: its split, the first version that held it, and for held-out texts their MinHash bands (uint32)."""

    split: str
    version: str
    bands: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitLedger:
    """Entries by sample id."""

    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)

    def find_splits(self, sample_ids: Iterable[str]) -> set[str]:
        """The splits that any of these samples was assigned to."""
        return {self.entries[sample_id].split for sample_id in sample_ids if sample_id in self.entries}

    def find_absent_relatives(self, outlines: Sequence[Outline], present: Set[str]) -> list[set[str]]:
        """For each outline, the splits of samples that are no longer `present`: of those that it was made from, and of
        held-out ones with nearly the same text.
        """
        found = [self.find_splits(_list_origins(outline) - present) for outline in outlines]
        absent = {name: entry for name, entry in self.entries.items() if entry.bands and name not in present}
        if not absent:
            return found
        holders: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        for name, entry in absent.items():
            for place, band in enumerate(entry.bands):
                holders[place, band].append(name)
        for splits, bands in zip(found, compute_bands([outline.text for outline in outlines]).tolist(), strict=True):
            shared: defaultdict[str, int] = defaultdict(int)
            for place, band in enumerate(bands):
                for name in holders.get((place, band), ()):
                    shared[name] += 1
            splits.update(absent[name].split for name, count in shared.items() if count >= _SHARED_BANDS)
        return found

    def record(self, outlines: Sequence[Outline], assignment: Sequence[str], version: str) -> SplitLedger:
        """The ledger with the assignment of a version; the first version that held a sample stays."""
        held_out = [outline.text for outline, split in zip(outlines, assignment, strict=True) if split != TRAIN]
        bands = iter(map(tuple, compute_bands(held_out).tolist()))
        entries = dict(self.entries)
        for outline, split in zip(outlines, assignment, strict=True):
            known = entries.get(outline.sample_id)
            entries[outline.sample_id] = LedgerEntry(
                split, known.version if known else version, next(bands) if split != TRAIN else ()
            )
        return SplitLedger(entries)


def _list_origins(outline: Outline) -> set[str]:
    """Ids of the samples that a sample was made from, as its provenance names them."""
    links = (link.partition(":") for link in outline.links)
    return {name for key, _, name in links if key in ("source_document", "translation_of")}


def choose_protected(splits: Iterable[str], names: Sequence[str]) -> str:
    """The most protected split: the last held-out one of `names`, and `train` only if there is no other.

    A held-out split that `names` does not know counts as the last one of `names`.
    """
    held_out = [name for name in names if name != TRAIN]
    ranks = [held_out.index(split) if split in held_out else len(held_out) - 1 for split in splits if split != TRAIN]
    return held_out[max(ranks)] if ranks else TRAIN


def find_ledger(workspace: Workspace) -> Path:
    """The ledger file of a workspace, whether it exists or not."""
    return workspace.root / "split_ledger.jsonl"


def read_ledger(path: Path) -> SplitLedger:
    """Read a ledger; empty if the file does not exist.

    Raises:
        RecordError: the file cannot be read or is not a split ledger.
    """
    entries = {
        row["sample_id"]: LedgerEntry(row["split"], row["version"], _decode_bands(row.get("bands", "")))
        for row in iter_rows(path, _SCHEMA)
    }
    return SplitLedger(entries)


def write_ledger(path: Path, ledger: SplitLedger) -> None:
    """Write a ledger whole.

    Raises:
        StateError: the disk refused.
    """
    write_rows(
        path,
        _SCHEMA,
        (
            {"sample_id": sample_id, "split": entry.split, "version": entry.version}
            | ({"bands": _encode_bands(entry.bands)} if entry.bands else {})
            for sample_id, entry in ledger.entries.items()
        ),
    )


def _encode_bands(bands: Sequence[int]) -> str:
    return base64.b64encode(np.array(bands, dtype="<u4").tobytes()).decode()


def _decode_bands(encoded: str) -> tuple[int, ...]:
    return tuple(np.frombuffer(base64.b64decode(encoded), dtype="<u4").tolist())
