"""The audit ledger of a project: which samples were audited, with what outcome, and for which gold.

    clean       the auditor agreed with gold
    open        it did not, and nobody has decided yet
    confirmed   a person looked again and kept gold
    corrected   a person looked again and changed gold

An entry holds for the gold that it was made for: a sample whose gold changes otherwise has to be audited again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from goldspan.annotation.corpus.ledger_file import iter_rows, write_rows
from goldspan.annotation.identity import digest, hash_text
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.findings import AuditFinding
from goldspan.evaluation.matching.annotations import parse_time
from goldspan.evaluation.scores.wilson import measure_wilson

_SCHEMA = "audit-ledger"


class AuditStatus(StrEnum):
    """What became of an audited sample."""

    CLEAN = "clean"
    OPEN = "open"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


_DECIDED = (AuditStatus.CONFIRMED, AuditStatus.CORRECTED)


@dataclass(frozen=True, slots=True)
class ResidualErrors:
    """Random samples that people corrected, of those they decided on, and the 95 % interval of the share (Wilson)."""

    corrected: int
    decided: int
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audited sample: digest of its gold, the auditor's model version, number of findings, time (ISO 8601, UTC).

    `random`: no finding brought it into the queue, but chance.
    """

    gold: str
    auditor: str
    findings: int
    status: AuditStatus
    audited_at: str
    random: bool = False


@dataclass(frozen=True, slots=True)
class AuditLedger:
    """Entries by sample id."""

    entries: Mapping[str, AuditEntry] = field(default_factory=dict)

    def is_settled(self, sample: Sample) -> bool:
        """True if the sample was audited with its present gold, and nothing is open."""
        entry = self.entries.get(sample.sample_id)
        return entry is not None and entry.status is not AuditStatus.OPEN and entry.gold == digest_gold(sample)

    def count(self) -> dict[str, int]:
        """Entries by status; every status is named."""
        counts = Counter(entry.status for entry in self.entries.values())
        return {status.value: counts[status] for status in AuditStatus}

    def measure_residual(self) -> ResidualErrors:
        """How many of the decided random samples were corrected: the error rate of what the audit did not find."""
        decided = [entry for entry in self.entries.values() if entry.random and entry.status in _DECIDED]
        corrected = sum(entry.status is AuditStatus.CORRECTED for entry in decided)
        return ResidualErrors(corrected, len(decided), measure_wilson(corrected, len(decided)))

    def record_audit(
        self,
        samples: Iterable[Sample],
        findings: Iterable[AuditFinding],
        auditor: str,
        now: datetime | None = None,
        *,
        random: Collection[str] = (),
    ) -> AuditLedger:
        """The ledger after an audit; what a person decided about the same gold stays decided.

        Samples in `random` are open though nothing was found in them.
        """
        at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        counts = Counter(finding.sample_id for finding in findings)
        entries = dict(self.entries)
        for sample in samples:
            known, gold = entries.get(sample.sample_id), digest_gold(sample)
            if known is None or known.gold != gold or known.status not in _DECIDED:
                number, drawn = counts[sample.sample_id], sample.sample_id in random
                status = AuditStatus.OPEN if number or drawn else AuditStatus.CLEAN
                entries[sample.sample_id] = AuditEntry(gold, auditor, number, status, at, drawn)
        return AuditLedger(entries)

    def record_decisions(self, samples: Iterable[Sample]) -> AuditLedger:
        """The ledger with the decisions in these samples: gold that differs, or a review after the audit."""
        entries = dict(self.entries)
        for sample in samples:
            entry = entries.get(sample.sample_id)
            if entry is None or entry.status is not AuditStatus.OPEN:
                continue
            gold = digest_gold(sample)
            if gold != entry.gold and sample.reviews:
                entries[sample.sample_id] = _decide(entry, gold, AuditStatus.CORRECTED)
            elif _is_reviewed_since(sample, entry.audited_at):
                entries[sample.sample_id] = _decide(entry, gold, AuditStatus.CONFIRMED)
        return AuditLedger(entries)


def digest_gold(sample: Sample) -> str:
    """Twelve hex digits over the text and the spans of gold."""
    spans = sorted([*entity.span] for entity in sample.best.entities) if sample.best else None
    return digest([hash_text(sample.text), spans])


def find_audit_ledger(workspace: Workspace) -> Path:
    """The ledger file of a workspace, whether it exists or not."""
    return workspace.root / "audit_ledger.jsonl"


def read_audit_ledger(path: Path) -> AuditLedger:
    """Read a ledger; empty if the file does not exist.

    Raises:
        RecordError: the file cannot be read or is not an audit ledger.
    """
    rows = {row.pop("sample_id"): row for row in iter_rows(path, _SCHEMA)}
    return AuditLedger({n: AuditEntry(**row | {"status": AuditStatus(row["status"])}) for n, row in rows.items()})


def write_audit_ledger(path: Path, ledger: AuditLedger) -> None:
    """Write a ledger whole.

    Raises:
        StateError: the disk refused.
    """
    write_rows(path, _SCHEMA, ({"sample_id": name, **asdict(entry)} for name, entry in ledger.entries.items()))


def _decide(entry: AuditEntry, gold: str, status: AuditStatus) -> AuditEntry:
    return replace(entry, gold=gold, status=status)


def _is_reviewed_since(sample: Sample, time: str) -> bool:
    audited = parse_time(time)
    times = (parse_time(review.updated_at or review.created_at) for review in sample.reviews)
    return any(audited and reviewed and reviewed > audited for reviewed in times)
