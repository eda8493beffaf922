"""All issues of files of samples, counted by code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.annotation.checks import CODES, ERRORS, Issue, check_sample
from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import read_task, validate_task
from goldspan.annotation.tasks.jsonl import OnError, read_records
from goldspan.annotation.tasks.store import list_files

_KEPT_DETAILS = 1000


@dataclass(slots=True)
class Inspection:
    """What was found: counts by code, the first thousand issues with their place, and the ids of all samples."""

    samples: int = 0
    refused: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    details: list[tuple[str, Issue]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    @property
    def errors(self) -> int:
        """Issues of severity error."""
        return sum(count for code, count in self.counts.items() if code in ERRORS)

    @property
    def warnings(self) -> int:
        """Issues of severity warning."""
        return self.counts.total() - self.errors

    def rows(self) -> Iterator[tuple[str, str, int, str]]:
        """Code, severity, count and meaning, errors first."""
        for code in CODES:
            if self.counts[code]:
                yield code, "error" if code in ERRORS else "warning", self.counts[code], CODES[code]

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "samples": self.samples,
            "refused": self.refused,
            "errors": self.errors,
            "warnings": self.warnings,
            "codes": dict(self.counts),
        }


def inspect_files(paths: Iterable[Path], labels: LabelSchema, on_error: OnError | None = None) -> Inspection:
    """Check every record of files and folders: JSON Schema first, then regions and relations, then the checks.

    A record that breaks the JSON Schema, or whose sample_id stood before, counts as refused.
    """
    report = Inspection()

    def refuse(error: RecordError) -> None:
        report.refused += 1
        if on_error:
            on_error(error)

    for file in list_files(paths):
        for record in read_records(file, refuse):
            problems = validate_task(record.value, labels)
            if problems:
                pointer, message = problems[0]
                refuse(RecordError(message, file=record.file, line=record.line, pointer=pointer))
                continue
            sample, issues = read_task(record.value, labels)
            report.samples += 1
            if sample.sample_id in report.ids:
                message = "the sample_id stood before"
                refuse(RecordError(message, file=record.file, line=record.line, pointer="/data/sample_id"))
            report.ids.add(sample.sample_id)
            for issue in [*issues, *check_sample(sample, labels)]:
                report.counts[issue.code] += 1
                if len(report.details) < _KEPT_DETAILS:
                    report.details.append((f"{record.file}:{record.line}", issue))
    return report
