"""The criteria of the gate, by section of `gate.toml`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import goldspan.schemas as schemas
from goldspan.annotation.checks import check_annotation
from goldspan.annotation.corpus.leakage import measure_leakage
from goldspan.annotation.corpus.ledger import SplitLedger
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.quality.variety import MEASURES, VarietyCounts, find_values
from goldspan.annotation.corpus.splits import explain_empty, split_samples
from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.ledger import AuditLedger
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.agreement import measure_agreement
from goldspan.training.gate.commands import Commands
from goldspan.training.gate.coverage import Best, check_coverage
from goldspan.training.gate.reviewed import iter_unusable
from goldspan.training.gate.verdict import Criterion

_NAMED = 3
"""How many unusable records are named."""
_REASON = 80
"""Characters of a reason that are shown; it may quote the record."""


@dataclass(slots=True)
class Facts:
    """What one pass over the reviewed samples counts."""

    reviewed: int = 0
    entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the criteria are judged by."""

    samples: Iterable[Sample]
    labels: LabelSchema
    facts: Facts
    commands: Commands
    find_best: Callable[[], Best]
    ledger: SplitLedger | None
    audits: AuditLedger

    def suggest(self, command: str, options: str = "") -> str:
        """A command over the reviewed samples, or the one that pulls reviews if there are none."""
        if self.facts.reviewed:
            return self.commands.on_samples(command, options)
        return self.commands.on_workspace("goldspan studio pull")


def count_facts(samples: Iterable[Sample], labels: LabelSchema) -> Facts:
    """Go through the reviewed samples once."""
    facts = Facts()
    for sample in samples:
        facts.reviewed += 1
        facts.languages[sample.language] += 1
        for review in list_latest_reviews(sample):
            issues = check_annotation(sample.text, review, labels, sample.language, sample.country)
            errors = sum(issue.severity == "error" for issue in issues)
            facts.errors += errors
            facts.warnings += len(issues) - errors
        for entity in sample.reviews[0].entities:
            facts.entities[entity.label, sample.language] += 1
            if entity.label not in labels.entity_codes:
                facts.unknown[entity.label] += 1
    return facts


def _check_samples(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    if "reviewed" in thresholds:
        yield Criterion(
            "samples.reviewed",
            "Are enough samples reviewed?",
            evidence.facts.reviewed,
            thresholds["reviewed"],
            True,
            fix=evidence.commands.on_workspace("goldspan studio pull"),
        )


def _check_coverage(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    return check_coverage(
        thresholds,
        evidence.facts.entities,
        evidence.facts.languages,
        evidence.labels,
        evidence.commands,
        evidence.find_best,
    )


def _check_acceptance(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    report = measure_acceptance(evidence.samples)
    total = report.total
    precision = total.accepted / total.predicted if total.predicted else None
    found = {
        "precision": ("Did people keep the pre-annotations?", precision, report.precision_interval),
        "first_pass": ("Were enough samples right at once?", report.first_pass_acceptance, report.first_pass_interval),
    }
    worst = sorted((tally.touch_rate, label) for label, tally in report.by_label.items() if tally.touch_rate)
    detail = ", ".join(f"{label} touched {rate:.0%}" for rate, label in worst[::-1][:3])
    for name, (question, value, interval) in found.items():
        if name in thresholds:
            yield Criterion(
                f"acceptance.{name}",
                question,
                value,
                thresholds[name],
                True,
                detail,
                evidence.suggest("goldspan acceptance"),
                n=len(report.reviews),
                interval=interval,
            )


def _check_agreement(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    report = measure_agreement(evidence.samples)
    fix = evidence.commands.on_workspace("goldspan studio push --overlap 0.2")
    if "samples" in thresholds:
        question = "Did two people annotate enough samples?"
        yield Criterion("agreement.samples", question, report.samples, thresholds["samples"], True, fix=fix)
    if "f1" in thresholds:
        yield Criterion(
            "agreement.f1",
            "Do people agree?",
            report.exact.measure_f(),
            thresholds["f1"],
            True,
            "" if report.samples else "no sample was annotated by two people",
            fix,
            n=report.samples,
            interval=report.exact_interval,
        )


def _check_lint(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    facts, fix = evidence.facts, evidence.commands.on_samples("goldspan samples check", " --details")
    if "errors" in thresholds:
        yield Criterion(
            "lint.errors", "Are the reviews free of errors?", facts.errors, thresholds["errors"], False, fix=fix
        )
    if "unusable" in thresholds:
        unusable = [_name_unusable(error) for error in iter_unusable(evidence.samples, evidence.labels)]
        yield Criterion(
            "lint.unusable",
            "Can every record be used?",
            len(unusable),
            thresholds["unusable"],
            False,
            "; ".join(unusable[:_NAMED]) + ("; …" if len(unusable) > _NAMED else ""),
            fix,
        )
    if "warnings_per_100" in thresholds:
        rate = 100 * facts.warnings / facts.reviewed if facts.reviewed else None
        bound, fix = thresholds["warnings_per_100"], evidence.suggest("goldspan samples check", " --details")
        yield Criterion("lint.warnings_per_100", "Are there few warnings per 100 samples?", rate, bound, False, fix=fix)


def _name_unusable(error: RecordError) -> str:
    return str(error).removesuffix(error.reason) + schemas.shorten(error.reason, _REASON)


def _check_drift(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    if "unknown_labels" in thresholds:
        yield Criterion(
            "drift.unknown_labels",
            "Does the label schema know every label in the data?",
            len(evidence.facts.unknown),
            thresholds["unknown_labels"],
            False,
            ", ".join(sorted(evidence.facts.unknown)),
            evidence.commands.on_workspace("goldspan studio migrate --plan"),
        )


def _check_leakage(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    asked = {name: question for name, question in _LEAKAGE.items() if name in thresholds}
    outlines = outline_samples(evidence.samples, evidence.labels) if asked else []
    leakage, empty = None, ["nothing is reviewed"]
    if outlines:
        split = split_samples(outlines, ledger=evidence.ledger)
        empty = explain_empty({name: len(split.members(name)) for name in split.names}, len(set(split.groups)))
        leakage = None if empty else measure_leakage(outlines, split.groups, split.assignment)
    for name, question in asked.items():
        yield Criterion(
            f"leakage.{name}",
            question,
            None if leakage is None else getattr(leakage, name),
            thresholds[name],
            False,
            "; ".join(empty),
            evidence.suggest("goldspan samples split"),
        )


def _check_data(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    """Variety of the reviewed samples; languages with too few of them are not judged."""
    counts = VarietyCounts(evidence.labels)
    for sample in evidence.samples:
        counts.add(sample, sample.reviews[0])
    measured = counts.measure()
    for name, (_, at_least) in MEASURES.items():
        values = find_values(measured, name, all_sizes=False) if name in thresholds else {}
        if values:
            worst = (min if at_least else max)(values, key=lambda place: values[place])
            yield Criterion(
                f"data.{name}",
                _VARIETY[name],
                values[worst],
                thresholds[name],
                at_least,
                f"worst: {worst}",
                evidence.suggest("goldspan samples quality"),
            )


def _check_audit(thresholds: Mapping[str, float], evidence: Evidence) -> Iterator[Criterion]:
    if "settled" in thresholds:
        settled = sum(evidence.audits.is_settled(sample) for sample in evidence.samples)
        yield Criterion(
            "audit.settled",
            "Are enough samples audited, with nothing open?",
            settled / evidence.facts.reviewed if evidence.facts.reviewed else None,
            thresholds["settled"],
            True,
            f"{evidence.facts.reviewed - settled} are not settled"
            if evidence.facts.reviewed
            else "nothing is reviewed",
            evidence.commands.on_workspace("goldspan samples audit --predictor NAME"),
        )


_LEAKAGE = {
    "group": "Are related samples on one side of the split?",
    "carrier": "Are the sentences of held-out samples new to train?",
    "lookup": "Would a lookup of sentences fail on held-out samples?",
}
_VARIETY = {
    "sentence_repeats": "Do sentences differ in more than their entities?",
    "vocabulary_growth": "Do more samples bring new words?",
    "contexts": "Does every label stand in many contexts?",
    "lookup": "Would a lookup of sentences fail on most entities?",
    "names_outside": "Do names also stand outside entities?",
    "recent_person": "Is coreference more than the most recent name?",
}
_Check = Callable[[Mapping[str, float], Evidence], Iterator[Criterion]]
CHECKS: Mapping[str, _Check] = {
    "samples": _check_samples,
    "coverage": _check_coverage,
    "acceptance": _check_acceptance,
    "agreement": _check_agreement,
    "lint": _check_lint,
    "drift": _check_drift,
    "leakage": _check_leakage,
    "data": _check_data,
    "audit": _check_audit,
}
"""What checks each section; their order is that of the verdict."""
