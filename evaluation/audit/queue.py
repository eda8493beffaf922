"""Reviewed samples that look wrong, as a queue: open findings of the audit, and wrong suggestions that stand."""

from __future__ import annotations

from collections.abc import Iterable

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, Effort
from goldspan.annotation.corpus.queue import LabelQueue, QueueEntry
from goldspan.annotation.corpus.seeding import read_seeded
from goldspan.annotation.corpus.uncertainty import count_tokens
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.ledger import AuditLedger, AuditStatus, digest_gold


def queue_label_errors(samples: Iterable[Sample], ledger: AuditLedger, *, size: int = 20) -> LabelQueue:
    """Choose the reviewed samples with most to look at again.

    Args:
        samples: of the workspace.
        ledger: its audit ledger.
        size: entries of the batch.
    """
    found = [
        (findings, standing, one)
        for one in samples
        if one.reviews and (findings := _count_open(one, ledger)) + (standing := _count_standing(one))
    ]
    found.sort(key=lambda item: (-item[0] - item[1], item[2].sample_id))
    why = "Nothing looks wrong" if ledger.entries else "No audit was made"
    notes = () if found else (f"{why}: `goldspan samples audit` looks for label errors.",)
    entries = tuple(_make_entry(*item) for item in found[:size])
    return LabelQueue(entries, len(found), notes)


def _count_open(sample: Sample, ledger: AuditLedger) -> int:
    entry = ledger.entries.get(sample.sample_id)
    if entry is None or entry.status is not AuditStatus.OPEN or entry.gold != digest_gold(sample):
        return 0
    return entry.findings


def _count_standing(sample: Sample) -> int:
    kept = {entity.span for entity in sample.reviews[0].entities}
    return sum(entity.span in kept for entity in read_seeded(sample))


def _make_entry(findings: int, standing: int, sample: Sample) -> QueueEntry:
    reasons = [f"the audit found {findings} doubtful spans"] if findings else []
    reasons += [f"{standing} wrong suggestion was left standing"] if standing else []
    entities = len(sample.reviews[0].entities)
    seconds = DEFAULT_COSTS.estimate(Effort(1, count_tokens(sample.text), accepted=entities, relabelled=findings))
    return QueueEntry(
        sample.sample_id,
        sample.language,
        sample.document_type,
        False,
        False,
        float(findings + standing),
        seconds,
        tuple(reasons),
    )
