"""The audit ledger under a change of labels: what was settled for a gold stays settled for the same gold renamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.rename import LabelChange, relabel_record
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import list_files
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.evaluation.audit.ledger import (
    AuditLedger,
    digest_gold,
    find_audit_ledger,
    read_audit_ledger,
    write_audit_ledger,
)
from goldspan.training.relabel.effects import Effect


class AuditPart:
    """The digests of gold in the audit ledger.

    They are written before the samples: a digest changes only where the sample still has the gold of its entry, so that
    a second call finds nothing to do.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path = find_audit_ledger(workspace)

    def plan(self, change: LabelChange) -> list[Effect]:
        """The ledger, if there is one."""
        return [Effect(self._path, "its digests follow the new labels")] if self._path.is_file() else []

    def list_files(self, change: LabelChange) -> list[Path]:
        """The ledger."""
        return [effect.path for effect in self.plan(change)]

    def prepare(self, change: LabelChange, labels: LabelSchema) -> None:
        """Write the digests that the gold will have.

        Raises:
            RecordError: the ledger is broken.
            StateError: the disk refused.
        """
        if not self._path.is_file():
            return
        ledger = read_audit_ledger(self._path)
        entries = dict(ledger.entries)
        folder = self._workspace.training_samples
        for file in list_files(folder) if any(folder.glob("*.json*")) else ():
            for record in read_records(file, lambda _: None):
                relabelled = relabel_record(record.value, change.rules, labels)
                if relabelled is None:
                    continue
                sample = read_task(record.value, labels).sample
                entry = ledger.entries.get(sample.sample_id)
                if entry is not None and entry.gold == digest_gold(sample):
                    gold = digest_gold(read_task(relabelled, labels).sample)
                    entries[sample.sample_id] = replace(entry, gold=gold)
        if entries != ledger.entries:
            write_audit_ledger(self._path, AuditLedger(entries))

    def finish(self, change: LabelChange, before: str, labels: LabelSchema) -> None:
        """Nothing is left to do."""
