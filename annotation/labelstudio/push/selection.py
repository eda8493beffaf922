"""Select control samples, and order the import."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.spool import SpoolEntry


class Order(StrEnum):
    """Order of import, which is the order in which Label Studio hands out tasks."""

    FILE = "file"
    UNCERTAINTY = "uncertainty"
    COVERAGE = "coverage"


def is_control(sample_id: str, share: float) -> bool:
    """True for about `share` (0 to 1) of all sample ids, always the same ones.

    A larger share contains the smaller one.
    """
    digest = hashlib.sha256(f"control\n{sample_id}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def order_entries(entries: Iterable[SpoolEntry], order: Order, labels: LabelSchema) -> list[SpoolEntry]:
    """The entries in the order of import.

    `uncertainty`: lowest prediction score first. `coverage`: first those whose labels are furthest from the label
    schema's targets, by the mean over a sample's labels of target / occurrences among the entries.
    """
    entries = list(entries)
    if order is Order.UNCERTAINTY:
        return sorted(entries, key=lambda entry: entry.score)
    if order is Order.COVERAGE:
        counts = Counter(label for entry in entries for label in entry.labels)
        needs = {label.code: label.target / counts[label.code] for label in labels.entities if counts[label.code]}
        return sorted(entries, key=lambda entry: -_mean_need(entry, needs))
    return entries


def _mean_need(entry: SpoolEntry, needs: dict[str, float]) -> float:
    found = [needs[label] for label in entry.labels if label in needs]
    return sum(found) / len(found) if found else 0.0
