"""The gate: may this data go to training?

Thresholds come from `gate.toml`. The verdict is a list of criteria, each with the value that was found, the bound, and
the command that mends it. The dashboard, `goldspan gate` and the bundle's manifest show this same verdict.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import schemas
from annotation.checks import check_annotation
from annotation.errors import SchemaError
from annotation.labels import LabelSchema
from annotation.leakage import measure_leakage
from annotation.outline import outline_samples
from annotation.splits import split_samples
from annotation.store import write_atomic
from annotation.types import Sample
from annotation.workspace import Workspace
from evaluation.acceptance import measure_acceptance
from evaluation.agreement import measure_agreement
from evaluation.readings import list_latest_reviews
from training.reviewed import ReviewedSamples, iter_unusable

_NAMED = 3
"""Records that cannot be used which are named."""

Thresholds = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of the gate. `value` is None where there is nothing to measure; that never passes."""

    name: str
    question: str
    value: float | None
    bound: float
    at_least: bool
    detail: str = ""
    mend: str = ""

    @property
    def passed(self) -> bool:
        """True if the value keeps the bound."""
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"passed": self.passed}


@dataclass(frozen=True, slots=True)
class Verdict:
    """All criteria; the gate is open if every one passed."""

    criteria: tuple[Criterion, ...]
    reviewed: int

    @property
    def open(self) -> bool:
        """True if every criterion passed."""
        return all(criterion.passed for criterion in self.criteria)

    def to_dict(self) -> dict[str, Any]:
        """For machines and for the bundle's manifest."""
        return {"open": self.open, "reviewed": self.reviewed, "criteria": [c.to_dict() for c in self.criteria]}


def load_thresholds(workspace: Workspace) -> Thresholds:
    """The workspace's `gate.toml`, else the one that ships with Goldspan.

    Raises:
        SchemaError: the file is broken or asks something that the gate does not know.

    """
    own = workspace.root / "gate.toml"
    path = own if own.exists() else schemas.path("gate.toml")
    try:
        thresholds: Thresholds = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SchemaError(f"{path} is not readable TOML: {error}.") from None
    if problems := schemas.validator("gate").problems(thresholds):
        raise SchemaError(f"{path}: {problems[0].pointer or '/'} {problems[0].message}")
    return thresholds


def judge_workspace(workspace: Workspace, labels: LabelSchema) -> Verdict:
    """The verdict over the workspace's `training_samples`.

    Raises:
        SchemaError: `gate.toml` is broken.

    """
    return judge_samples(ReviewedSamples(workspace, labels), labels, load_thresholds(workspace))


def judge_samples(samples: Iterable[Sample], labels: LabelSchema, thresholds: Thresholds) -> Verdict:
    """The verdict over reviewed samples; `samples` is gone through several times."""
    facts = _count(samples, labels)
    criteria: list[Criterion] = []
    for section, ask in _SECTIONS.items():
        if section in thresholds:
            criteria += ask(thresholds[section], facts, samples, labels)
    return Verdict(tuple(criteria), facts.reviewed)


@dataclass(slots=True)
class _Facts:
    reviewed: int
    entities: Counter[str]
    by_language: Counter[tuple[str, str]]
    languages: Counter[str]
    unknown: Counter[str]
    errors: int
    warnings: int


def _count(samples: Iterable[Sample], labels: LabelSchema) -> _Facts:
    facts = _Facts(0, Counter(), Counter(), Counter(), Counter(), 0, 0)
    for sample in samples:
        facts.reviewed += 1
        facts.languages[sample.language] += 1
        for review in list_latest_reviews(sample):
            issues = check_annotation(sample.text, review, labels, sample.language, sample.country)
            errors = sum(issue.severity == "error" for issue in issues)
            facts.errors += errors
            facts.warnings += len(issues) - errors
        for entity in sample.reviews[0].entities:
            facts.entities[entity.label] += 1
            facts.by_language[entity.label, sample.language] += 1
            if entity.label not in labels.entity_codes:
                facts.unknown[entity.label] += 1
    return facts


def _ask_samples(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    if "reviewed" in asked:
        yield Criterion(
            "samples.reviewed",
            "Are enough samples reviewed?",
            facts.reviewed,
            asked["reviewed"],
            True,
            mend="goldspan studio pull",
        )


def _ask_coverage(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    wanted = {label.code: label.target for label in labels.entities if label.target}
    mend = "goldspan generate start --fill-gaps"
    if "share" in asked and wanted:
        shares = {code: facts.entities[code] / target for code, target in wanted.items()}
        yield _ask_lowest("coverage.share", "Has every label its target?", shares, asked["share"], mend)
    if "share_per_language" in asked and wanted:
        cells = {
            f"{code} in {language or 'no language'}": facts.by_language[code, language] / target
            for code, target in wanted.items()
            for language in facts.languages
        }
        question = "Has every label enough in every language?"
        yield _ask_lowest("coverage.share_per_language", question, cells, asked["share_per_language"], mend)


def _ask_lowest(name: str, question: str, shares: Mapping[str, float], bound: float, mend: str) -> Criterion:
    short = sorted((share, cell) for cell, share in shares.items() if share < bound)
    detail = ", ".join(f"{cell} {share:.0%}" for share, cell in short[:5])
    if len(short) > 5:
        detail += f" and {len(short) - 5} more"
    return Criterion(name, question, min(shares.values(), default=None), bound, True, detail, mend)


def _ask_acceptance(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    report = measure_acceptance(samples)
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
            mend = "goldspan acceptance data/training_samples"
            yield Criterion(f"acceptance.{name}", question, values[name], asked[name], True, detail, mend)


def _ask_agreement(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    report = measure_agreement(samples)
    mend = "goldspan studio push --overlap 0.2"
    if "samples" in asked:
        question = "Did two people read enough samples?"
        yield Criterion("agreement.samples", question, report.samples, asked["samples"], True, mend=mend)
    if "f1" in asked:
        detail = "" if report.samples else "no sample was read by two people"
        yield Criterion("agreement.f1", "Do people agree?", report.exact.measure_f(), asked["f1"], True, detail, mend)


def _ask_lint(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    mend = "goldspan samples check data/training_samples --details"
    if "errors" in asked:
        yield Criterion(
            "lint.errors", "Are the reviews free of errors?", facts.errors, asked["errors"], False, mend=mend
        )
    if "unusable" in asked:
        unusable = [str(error) for error in iter_unusable(samples, labels)]
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
        yield Criterion(
            "lint.warnings_per_100", "Are there few warnings?", rate, asked["warnings_per_100"], False, mend=mend
        )


def _ask_drift(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    if "unknown_labels" in asked:
        yield Criterion(
            "drift.unknown_labels",
            "Does the label schema know every label in the data?",
            len(facts.unknown),
            asked["unknown_labels"],
            False,
            ", ".join(sorted(facts.unknown)),
            "goldspan studio migrate --plan",
        )


def _ask_leakage(
    asked: Mapping[str, float], facts: _Facts, samples: Iterable[Sample], labels: LabelSchema
) -> Iterator[Criterion]:
    if "group" not in asked:
        return
    outlines = outline_samples(samples)
    value = None
    if len(outlines) > 1:
        split = split_samples(outlines)
        value = measure_leakage(outlines, split.groups, split.assignment).group
    yield Criterion(
        "leakage.group",
        "Is the test split free of relatives of the training split?",
        value,
        asked["group"],
        False,
        mend="goldspan samples split data/training_samples",
    )


_Ask = Callable[[Mapping[str, float], _Facts, Iterable[Sample], LabelSchema], Iterator[Criterion]]
_SECTIONS: dict[str, _Ask] = {
    "samples": _ask_samples,
    "coverage": _ask_coverage,
    "acceptance": _ask_acceptance,
    "agreement": _ask_agreement,
    "lint": _ask_lint,
    "drift": _ask_drift,
    "leakage": _ask_leakage,
}


def write_default_thresholds(workspace: Workspace) -> Path:
    """Copy the default thresholds into the workspace, to be edited; an existing file stays."""
    path = workspace.root / "gate.toml"
    if not path.exists():
        write_atomic(path, schemas.path("gate.toml").read_bytes())
    return path
