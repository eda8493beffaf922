"""The gate: may this data go to training?

Thresholds come from `gate.toml`. The verdict is a list of criteria, each with the value that was found, the bound, and
the command that mends it. The dashboard, `goldspan gate` and the bundle's manifest show this same verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import goldspan.schemas as schemas
from goldspan.annotation.checks import check_annotation
from goldspan.annotation.corpus.leakage import measure_leakage
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.splits import explain_empty, split_samples
from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.agreement import measure_agreement
from goldspan.training.gate.commands import Commands, find_commands
from goldspan.training.gate.coverage import Best, ask_coverage, count_best
from goldspan.training.gate.reviewed import ReviewedSamples, iter_unusable
from goldspan.training.gate.thresholds import Thresholds, load_thresholds
from goldspan.training.gate.verdict import Criterion, GateVerdict

_NAMED = 3
"""Records that cannot be used which are named."""
_REASON = 80
"""Characters of a reason that are shown; it may quote the record."""


def judge_workspace(
    workspace: Workspace,
    labels: LabelSchema,
    label_file: Path | None = None,
    find_best: Callable[[], Best] | None = None,
) -> GateVerdict:
    """The verdict over the reviewed samples of the workspace's `training_samples`.

    `label_file` is named in the commands. `find_best` says how many entities the best readings of all samples hold, for
    who has counted them already; it is asked only when a label has too few reviewed ones.

    Raises:
        SchemaError: `gate.toml` is broken.

    """
    return judge_samples(
        ReviewedSamples(workspace, labels),
        labels,
        load_thresholds(workspace),
        find_commands(workspace, label_file),
        find_best or (lambda: count_best(workspace, labels)),
    )


def judge_samples(
    samples: Iterable[Sample],
    labels: LabelSchema,
    thresholds: Thresholds,
    commands: Commands | None = None,
    find_best: Callable[[], Best] = dict,
) -> GateVerdict:
    """The verdict over reviewed samples; `samples` is gone through several times."""
    case = _Case(samples, labels, _count(samples, labels), commands or Commands(), find_best)
    criteria: list[Criterion] = []
    for section, ask in _SECTIONS.items():
        if section in thresholds:
            criteria += ask(thresholds[section], case)
    return GateVerdict(tuple(criteria), case.facts.reviewed)


@dataclass(slots=True)
class _Facts:
    reviewed: int = 0
    entities: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class _Case:
    """What the questions are asked about."""

    samples: Iterable[Sample]
    labels: LabelSchema
    facts: _Facts
    commands: Commands
    find_best: Callable[[], Best]

    def look_into(self, command: str, options: str = "") -> str:
        """A command over the reviewed samples; where there are none, the one that brings some."""
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


def _ask_samples(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    if "reviewed" in asked:
        yield Criterion(
            "samples.reviewed",
            "Are enough samples reviewed?",
            case.facts.reviewed,
            asked["reviewed"],
            True,
            mend=case.commands.on_workspace("goldspan studio pull"),
        )


def _ask_coverage(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    return ask_coverage(asked, case.facts.entities, case.facts.languages, case.labels, case.commands, case.find_best)


def _ask_acceptance(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    report = measure_acceptance(case.samples)
    total = report.total
    values = {
        "precision": total.accepted / total.predicted if total.predicted else None,
        "first_pass": report.first_pass_acceptance,
    }
    questions = {
        "precision": "Did people keep the pre-annotations?",
        "first_pass": "Were enough samples right at once?",
    }
    worst = sorted((tally.touch_rate, label) for label, tally in report.by_label.items() if tally.touch_rate)
    detail = ", ".join(f"{label} touched {rate:.0%}" for rate, label in worst[::-1][:3])
    for name, question in questions.items():
        if name in asked:
            mend = case.look_into("goldspan acceptance")
            yield Criterion(f"acceptance.{name}", question, values[name], asked[name], True, detail, mend)


def _ask_agreement(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    report = measure_agreement(case.samples)
    mend = case.commands.on_workspace("goldspan studio push --overlap 0.2")
    if "samples" in asked:
        question = "Did two people read enough samples?"
        yield Criterion("agreement.samples", question, report.samples, asked["samples"], True, mend=mend)
    if "f1" in asked:
        detail = "" if report.samples else "no sample was read by two people"
        yield Criterion("agreement.f1", "Do people agree?", report.exact.measure_f(), asked["f1"], True, detail, mend)


def _ask_lint(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    facts, mend = case.facts, case.commands.on_samples("goldspan samples check", " --details")
    if "errors" in asked:
        yield Criterion(
            "lint.errors", "Are the reviews free of errors?", facts.errors, asked["errors"], False, mend=mend
        )
    if "unusable" in asked:
        unusable = [_name_unusable(error) for error in iter_unusable(case.samples, case.labels)]
        yield Criterion(
            "lint.unusable",
            "Can every record be handed over?",
            len(unusable),
            asked["unusable"],
            False,
            "; ".join(unusable[:_NAMED]) + ("; …" if len(unusable) > _NAMED else ""),
            mend,
        )
    if "warnings_per_100" in asked:
        rate = 100 * facts.warnings / facts.reviewed if facts.reviewed else None
        bound, mend = asked["warnings_per_100"], case.look_into("goldspan samples check", " --details")
        yield Criterion("lint.warnings_per_100", "Are there few warnings?", rate, bound, False, mend=mend)


def _name_unusable(error: RecordError) -> str:
    return str(error).removesuffix(error.reason) + schemas.shorten(error.reason, _REASON)


def _ask_drift(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    if "unknown_labels" in asked:
        yield Criterion(
            "drift.unknown_labels",
            "Does the label schema know every label in the data?",
            len(case.facts.unknown),
            asked["unknown_labels"],
            False,
            ", ".join(sorted(case.facts.unknown)),
            case.commands.on_workspace("goldspan studio migrate --plan"),
        )


def _ask_leakage(asked: Mapping[str, float], case: _Case) -> Iterator[Criterion]:
    if "group" not in asked:
        return
    outlines = outline_samples(case.samples)
    value, empty = None, ["nothing is reviewed"]
    if outlines:
        split = split_samples(outlines)
        empty = explain_empty({name: len(split.members(name)) for name in split.names}, len(set(split.groups)))
        value = None if empty else measure_leakage(outlines, split.groups, split.assignment).group
    yield Criterion(
        "leakage.group",
        "Is the test split free of relatives of the training split?",
        value,
        asked["group"],
        False,
        "; ".join(empty),
        case.look_into("goldspan samples split"),
    )


_Ask = Callable[[Mapping[str, float], _Case], Iterator[Criterion]]
_SECTIONS: dict[str, _Ask] = {
    "samples": _ask_samples,
    "coverage": _ask_coverage,
    "acceptance": _ask_acceptance,
    "agreement": _ask_agreement,
    "lint": _ask_lint,
    "drift": _ask_drift,
    "leakage": _ask_leakage,
}
