"""Audit gold with a second predictor or with models of other folds, and queue what needs a person's decision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.splits import split_samples
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.evaluation.audit.findings import (
    Audited,
    AuditFinding,
    apply_findings,
    find_disagreements,
    rank_samples,
)
from goldspan.predictors.base import Predictor
from goldspan.predictors.run import iter_outcomes

Train = Callable[[Sequence[Sample]], Predictor]
"""Trains a model on samples and opens it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Findings, the most suspicious first; the samples that were audited, and those that the auditor failed on."""

    auditor: str
    findings: tuple[AuditFinding, ...]
    samples: tuple[Sample, ...]
    failures: tuple[tuple[str, str], ...]

    @property
    def ranking(self) -> dict[str, float]:
        """Suspicious samples, the most suspicious first, with the chance that any of their findings is right."""
        return rank_samples(self.findings)

    def iter_queue(self) -> Iterator[Sample]:
        """Suspicious samples in the order of the ranking, each with the audit's suggestion as its last prediction.

        The model version of the suggestion is `audit-<auditor>`, its score the chance that gold is wrong.
        """
        by_id = {sample.sample_id: sample for sample in self.samples}
        findings: dict[str, list[AuditFinding]] = {}
        for finding in self.findings:
            findings.setdefault(finding.sample_id, []).append(finding)
        author = Author.model(f"audit-{self.auditor}")
        for sample_id, score in self.ranking.items():
            sample = by_id[sample_id]
            gold = sample.best or Annotation(author)
            entities = apply_findings(gold, findings[sample_id])
            suggestion = Annotation(author, entities, gold.mentions, score=score)
            others = tuple(one for one in sample.annotations if one.author != author)
            yield replace(sample, annotations=(*others, suggestion))


def audit_samples(
    samples: Iterable[Sample], predictor: Predictor, *, min_confidence: float = 0.0, workers: int = 4
) -> Audit:
    """Compare gold with a second predictor's annotation of every text. The predictor is closed at the end.

    Args:
        samples: samples with gold; those without an annotation are left out.
        predictor: the auditor; it should not be the model whose predictions the gold was made from.
        min_confidence: leave out findings below it.
        workers: texts read at a time.

    Raises:
        InputError: no sample has gold.

    """
    gold = [sample for sample in samples if sample.best is not None]
    if not gold:
        raise InputError("There is nothing to audit: no sample has an annotation.")
    outcomes = list(iter_outcomes(predictor, gold, workers=workers))
    audited = [(sample, o.annotation) for sample, o in zip(gold, outcomes, strict=True) if o.annotation is not None]
    failures = [(o.sample.sample_id, str(o.error)) for o in outcomes if o.annotation is None]
    return _judge(audited, predictor.labels, predictor.model_version, min_confidence, failures)


def audit_in_folds(
    samples: Iterable[Sample], train: Train, labels: LabelSchema, *, folds: int = 5, min_confidence: float = 0.0
) -> Audit:
    """Compare gold with models that were each trained on the other folds; related samples share a fold.

    Raises:
        InputError: there are fewer groups of related samples than folds.

    """
    gold = [sample for sample in samples if sample.best is not None]
    shares = {"train": 1.0, **{f"fold {number}": 1.0 for number in range(1, folds)}}
    split = split_samples(outline_samples(gold, labels), shares)
    if any(not split.members(name) for name in split.names):
        raise InputError(f"{len(gold)} samples cannot be cut into {folds} folds of unrelated samples.")
    audited: list[Audited] = []
    failures: list[tuple[str, str]] = []
    able: frozenset[str] = frozenset()
    version = ""
    for name in split.names:
        held = [gold[index] for index in split.members(name)]
        rest = [sample for sample, fold in zip(gold, split.assignment, strict=True) if fold != name]
        predictor = train(rest)
        able, version = able | predictor.labels, predictor.model_version
        for sample, outcome in zip(held, iter_outcomes(predictor, held), strict=True):
            if outcome.annotation is None:
                failures.append((sample.sample_id, str(outcome.error)))
            else:
                audited.append((sample, outcome.annotation))
    return _judge(audited, able, f"{folds}-fold-{version}", min_confidence, failures)


def _judge(
    audited: Sequence[Audited],
    labels: Iterable[str],
    auditor: str,
    min_confidence: float,
    failures: Iterable[tuple[str, str]],
) -> Audit:
    findings = [one for one in find_disagreements(audited, labels) if one.confidence >= min_confidence]
    return Audit(auditor, tuple(findings), tuple(sample for sample, _ in audited), tuple(failures))
