from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.audit.findings import AuditFinding, FindingKind
from goldspan.evaluation.audit.ledger import AuditLedger, AuditStatus, read_audit_ledger, write_audit_ledger
from goldspan.evaluation.audit.queue import queue_label_errors

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENTITY = Entity(0, 3, "FIRSTNAME")


def make(sample_id: str = "a", entities: tuple[Entity, ...] = (ENTITY,), at: datetime = NOW) -> Sample:
    review = Annotation(Author.person("ann"), entities, updated_at=at.isoformat())
    return Sample("Ann is here.", "en", annotations=(review,), sample_id=sample_id)


def finding(sample_id: str = "a") -> AuditFinding:
    return AuditFinding(sample_id, FindingKind.EXTRA, ENTITY, None, 0.9)


def status(ledger: AuditLedger, sample_id: str = "a") -> AuditStatus:
    return ledger.entries[sample_id].status


def test_samples_without_findings_are_settled_and_others_are_open() -> None:
    ledger = AuditLedger().record_audit([make("a"), make("b")], [finding("b")], "m", NOW)
    assert ledger.count() == {"clean": 1, "open": 1, "confirmed": 0, "corrected": 0}
    assert ledger.is_settled(make("a"))
    assert not ledger.is_settled(make("b"))
    assert not ledger.is_settled(make("c"))


def test_gold_that_changes_has_to_be_audited_again() -> None:
    ledger = AuditLedger().record_audit([make()], [], "m", NOW)
    assert not ledger.is_settled(make(entities=()))


def test_decisions_are_taken_up() -> None:
    ledger = AuditLedger().record_audit([make()], [finding()], "m", NOW)
    assert ledger.record_decisions([make()]) == ledger
    later = NOW + timedelta(hours=1)
    confirmed = ledger.record_decisions([make(at=later)])
    assert status(confirmed) is AuditStatus.CONFIRMED
    assert confirmed.is_settled(make(at=later))
    corrected = ledger.record_decisions([make(entities=(), at=later)])
    assert status(corrected) is AuditStatus.CORRECTED
    assert corrected.is_settled(make(entities=()))
    assert not corrected.is_settled(make())


def test_a_second_audit_does_not_reopen_what_a_person_decided() -> None:
    later = NOW + timedelta(hours=1)
    ledger = AuditLedger().record_audit([make()], [finding()], "m", NOW).record_decisions([make(at=later)])
    assert status(ledger.record_audit([make(at=later)], [finding()], "n", later)) is AuditStatus.CONFIRMED
    changed = make(entities=(), at=later)
    assert status(ledger.record_audit([changed], [finding()], "n", later)) is AuditStatus.OPEN


def test_times_of_any_form_are_compared() -> None:
    ledger = AuditLedger().record_audit([make()], [finding()], "m", NOW)
    for time, expected in (("2026-02-28T23:59:59Z", "open"), ("2026-03-01T00:00:01", "confirmed"), ("", "open")):
        sample = make()
        review = replace(sample.annotations[0], updated_at=time or None)
        assert status(ledger.record_decisions([replace(sample, annotations=(review,))])) == expected


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    ledger = AuditLedger().record_audit([make("b"), make("a")], [finding("b")], "m", NOW)
    path = tmp_path / "ledger.jsonl"
    write_audit_ledger(path, ledger)
    assert read_audit_ledger(path) == ledger
    assert "Ann" not in path.read_text()
    assert read_audit_ledger(tmp_path / "none.jsonl") == AuditLedger()
    path.write_text(path.read_text().replace("clean", "fine"))
    with pytest.raises(RecordError, match=r"ledger\.jsonl:2: not a audit ledger"):
        read_audit_ledger(path)


def test_open_findings_and_standing_errors_are_a_queue() -> None:
    review = Annotation(Author.person("ann"), (Entity(0, 3, "FIRSTNAME"),))
    seeded = {"seeded": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}
    samples = [
        Sample(
            f"Ann {number}", "en", annotations=(review,), sample_id=f"s{number}", provenance=seeded if number else {}
        )
        for number in range(2)
    ]
    finding = AuditFinding("s0", FindingKind.EXTRA, review.entities[0], None, 0.9)
    ledger = AuditLedger().record_audit(samples, [finding, finding], "a")
    found = queue_label_errors(samples, ledger)
    assert [(entry.sample_id, entry.reasons) for entry in found.entries] == [
        ("s0", ("the audit found 2 doubtful spans",)),
        ("s1", ("1 wrong suggestion was left standing",)),
    ]
    assert queue_label_errors(samples[:1], AuditLedger()).entries == ()
