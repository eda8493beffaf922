"""The gate: may this data go to training?

Thresholds come from `gate.toml`. The verdict is a list of criteria, each with the value that was found, the bound, and
the command that fixes it. The dashboard, `goldspan gate` and the bundle's manifest show this same verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import goldspan.schemas as schemas
from goldspan.annotation.checks import check_annotation
from goldspan.annotation.corpus.coverage import count_workspace_coverage
from goldspan.annotation.corpus.leakage import measure_leakage
from goldspan.annotation.corpus.ledger import SplitLedger, find_ledger, read_ledger
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.quality.variety import MEASURES, VarietyCounts, find_values
from goldspan.annotation.corpus.splits import explain_empty, split_samples
from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.ledger import AuditLedger, find_audit_ledger, read_audit_ledger
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.agreement import measure_agreement
from goldspan.training.gate.commands import Commands, find_commands
from goldspan.training.gate.coverage import Best, check_coverage
from goldspan.training.gate.reviewed import ReviewedSamples, iter_unusable
from goldspan.training.gate.thresholds import Thresholds, load_thresholds
from goldspan.training.gate.verdict import Criterion, GateVerdict

_NAMED = 3
"""How many unusable records are named."""
_REASON = 80
"""Characters of a reason that are shown; it may quote the record."""


def judge_workspace(
    workspace: Workspace,
    labels: LabelSchema,
    label_file: Path | None = None,
    find_best: Callable[[], Best] | None = None,
) -> GateVerdict:
    """The verdict over the reviewed samples of the workspace's `training_samples`.

    `label_file` is named in the commands. `find_best` counts the entities of the best annotations of all samples, for
    callers that have counted them already; it is called only when a label has too few reviewed ones.

    Raises:
        SchemaError: `gate.toml` is broken.
        RecordError: the split ledger or the audit ledger is broken.
    """
    return judge_samples(
        ReviewedSamples(workspace, labels),
        labels,
        load_thresholds(workspace),
        find_commands(workspace, label_file),
        find_best or (lambda: count_workspace_coverage(workspace, labels)),
        read_ledger(find_ledger(workspace)),
        read_audit_ledger(find_audit_ledger(workspace)),
    )


def judge_samples(
    samples: Iterable[Sample],
    labels: LabelSchema,
    thresholds: Thresholds,
    commands: Commands | None = None,
    find_best: Callable[[], Best] = dict,
    ledger: SplitLedger | None = None,
    audits: AuditLedger | None = None,
) -> GateVerdict:
    """The verdict over reviewed samples; `samples` is gone through several times.

    Leakage is that of the split that the next bundle would have, with the `ledger` of the project; `audits` says which
    samples were audited.
    """
    context = _Context(
        samples, labels, _count(samples, labels), commands or Commands(), find_best, ledger, audits or AuditLedger()
    )
    criteria: list[Criterion] = []
    for section, check in _SECTIONS.items():
        if section in thresholds:
            criteria += check(thresholds[section], context)
    return GateVerdict(tuple(criteria), context.facts.reviewed)


@dataclass(slots=True)
class _Facts:
    reviewed: int = 0
    entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class _Context:
    """Inputs of the criteria."""

    samples: Iterable[Sample]
    labels: LabelSchema
    facts: _Facts
    commands: Commands
    find_best: Callable[[], Best]
    ledger: SplitLedger | None
    audits: AuditLedger

    def suggest(self, command: str, options: str = "") -> str:
        """A command over the reviewed samples, or the one that pulls reviews if there are none."""
        if self.facts.reviewed:
            return self.commands.on_samples(command, options)
        return self.commands.on_workspace("goldspan studio pull")


def _count(samples: Iterable[Sample], labels: LabelSchema) -> _Facts:
    facts = _Facts()
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


def _check_samples(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    if "reviewed" in thresholds:
        yield Criterion(
            "samples.reviewed",
            "Are enough samples reviewed?",
            context.facts.reviewed,
            thresholds["reviewed"],
            True,
            fix=context.commands.on_workspace("goldspan studio pull"),
        )


def _check_coverage(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    return check_coverage(
        thresholds, context.facts.entities, context.facts.languages, context.labels, context.commands, context.find_best
    )


def _check_acceptance(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    report = measure_acceptance(context.samples)
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
                context.suggest("goldspan acceptance"),
                n=len(report.reviews),
                interval=interval,
            )


def _check_agreement(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    report = measure_agreement(context.samples)
    fix = context.commands.on_workspace("goldspan studio push --overlap 0.2")
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


def _check_lint(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    facts, fix = context.facts, context.commands.on_samples("goldspan samples check", " --details")
    if "errors" in thresholds:
        yield Criterion(
            "lint.errors", "Are the reviews free of errors?", facts.errors, thresholds["errors"], False, fix=fix
        )
    if "unusable" in thresholds:
        unusable = [_name_unusable(error) for error in iter_unusable(context.samples, context.labels)]
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
        bound, fix = thresholds["warnings_per_100"], context.suggest("goldspan samples check", " --details")
        yield Criterion("lint.warnings_per_100", "Are there few warnings?", rate, bound, False, fix=fix)


def _name_unusable(error: RecordError) -> str:
    return str(error).removesuffix(error.reason) + schemas.shorten(error.reason, _REASON)


def _check_drift(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    if "unknown_labels" in thresholds:
        yield Criterion(
            "drift.unknown_labels",
            "Does the label schema know every label in the data?",
            len(context.facts.unknown),
            thresholds["unknown_labels"],
            False,
            ", ".join(sorted(context.facts.unknown)),
            context.commands.on_workspace("goldspan studio migrate --plan"),
        )


def _check_leakage(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    asked = {name: question for name, question in _LEAKAGE.items() if name in thresholds}
    outlines = outline_samples(context.samples, context.labels) if asked else []
    leakage, empty = None, ["nothing is reviewed"]
    if outlines:
        split = split_samples(outlines, ledger=context.ledger)
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
            context.suggest("goldspan samples split"),
        )


def _check_data(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    """Variety of the reviewed samples; languages with too few of them are not judged."""
    counts = VarietyCounts(context.labels)
    for sample in context.samples:
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
                context.suggest("goldspan samples quality"),
            )


def _check_audit(thresholds: Mapping[str, float], context: _Context) -> Iterator[Criterion]:
    if "settled" in thresholds:
        settled = sum(context.audits.is_settled(sample) for sample in context.samples)
        yield Criterion(
            "audit.settled",
            "Are enough samples audited, with nothing open?",
            settled / context.facts.reviewed if context.facts.reviewed else None,
            thresholds["settled"],
            True,
            f"{context.facts.reviewed - settled} are not settled" if context.facts.reviewed else "nothing is reviewed",
            context.commands.on_workspace("goldspan samples audit --predictor NAME"),
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
_Check = Callable[[Mapping[str, float], _Context], Iterator[Criterion]]
_SECTIONS: dict[str, _Check] = {
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
