"""Audit gold with a second predictor or with models of other folds, and queue what needs a person's decision.

A queue mixes in random samples: how many of those people correct is the error rate that the audit did not look for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.corpus.splits import split_samples
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.annotation.wording import format_count
from goldspan.evaluation.audit.findings import Audited, AuditFinding, apply_findings, find_disagreements, rank_samples
from goldspan.evaluation.audit.ranking import rank_findings
from goldspan.evaluation.audit.tokens import GoldTokens, judge_tokens, read_gold_tokens
from goldspan.predictors.base import Predictor
from goldspan.predictors.crf.tagger import CrfTagger
from goldspan.predictors.run import iter_outcomes

_SUSPICIOUS_FOR_RANDOM = 4
_LEAST_BUDGET, _BUDGET_SHARE = 50, 0.05
_LEAST_SAMPLES, _LEAST_EXAMPLES = 100, 20

Opinions = Mapping[str, tuple[Entity, ...]]
"""What a second predictor finds in each sample, by sample id."""

TrainTagger = Callable[[Sequence[Sample], Opinions], CrfTagger]
"""Trains a CRF on samples, with the opinions of a second predictor as features."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Findings, the most suspicious first; the samples that were audited, and those that the auditor failed on."""

    auditor: str
    findings: tuple[AuditFinding, ...]
    samples: tuple[Sample, ...]
    failures: tuple[tuple[str, str], ...]
    worst: Mapping[str, float] = field(default_factory=dict)
    """Chance that the worst token's label is wrong, by sample, where the auditor judges tokens."""

    @property
    def ranking(self) -> dict[str, float]:
        """Suspicious samples, the most suspicious first, with the chance that any of their findings is right."""
        ranked = rank_samples(self.findings)
        return dict(sorted(ranked.items(), key=lambda item: -self.worst.get(item[0], item[1])))

    def list_random(self) -> tuple[str, ...]:
        """Ids of random samples for the queue: a fourth of the suspicious ones, so that they are a fifth of it."""
        ordered = sorted(self.samples, key=lambda one: draw_order(one.sample_id, f"audit {self.auditor}", 0))
        suspicious = self.ranking
        free = [one.sample_id for one in ordered if one.sample_id not in suspicious]
        return tuple(free[: len(suspicious) // _SUSPICIOUS_FOR_RANDOM])

    def iter_queue(self) -> Iterator[Sample]:
        """Suspicious samples in the order of the ranking, each with the audit's suggestion as its last prediction.

        The model version of the suggestion is `audit-<auditor>`, its score the chance that gold is wrong. After every
        four of them comes a random sample with gold as suggestion; nothing that a reviewer sees tells the two apart.
        """
        by_id = {sample.sample_id: sample for sample in self.samples}
        findings: dict[str, list[AuditFinding]] = {}
        for finding in self.findings:
            findings.setdefault(finding.sample_id, []).append(finding)
        random = list(reversed(self.list_random()))
        for number, (sample_id, score) in enumerate(self.ranking.items(), start=1):
            yield self._suggest(by_id[sample_id], findings[sample_id], score)
            if number % _SUSPICIOUS_FOR_RANDOM == 0 and random:
                yield self._suggest(by_id[random.pop()], (), score)

    def _suggest(self, sample: Sample, findings: Sequence[AuditFinding], score: float) -> Sample:
        author = Author.model(f"audit-{self.auditor}")
        gold = sample.best or Annotation(author)
        suggestion = Annotation(author, apply_findings(gold, findings), gold.mentions, score=score)
        others = tuple(one for one in sample.annotations if one.author != author)
        return replace(sample, annotations=(*others, suggestion))


def audit_samples(
    samples: Iterable[Sample], predictor: Predictor, *, min_confidence: float = 0.0, budget: int = 0, workers: int = 4
) -> Audit:
    """Compare gold with a second predictor's annotation of every text. The predictor is closed at the end.

    Args:
        samples: samples with gold; those without an annotation are left out.
        predictor: the auditor; it should not be the model whose predictions the gold was made from.
        min_confidence: leave out findings below it.
        budget: findings to keep, the most suspicious ones; 0: the larger of 50 and 5 % of the spans.
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
    return _judge(audited, predictor.labels, predictor.model_version, min_confidence, budget, failures)


def audit_tokens(
    samples: Iterable[Sample],
    train: TrainTagger,
    labels: LabelSchema,
    *,
    folds: int = 5,
    second: Predictor | None = None,
    budget: int = 0,
    workers: int = 4,
) -> Audit:
    """Audit gold by the out-of-fold probability of each token's given label (see `audit.ranking`).

    The taggers should see nothing of the model whose predictions the gold was made from: that one agrees with itself.

    Args:
        samples: samples with gold.
        train: trains a CRF on samples.
        labels: the label schema.
        folds: models to train; related samples share a fold.
        second: a second predictor, whose annotations the taggers learn how far to trust. It is closed at the end.
        budget: findings to keep, the most suspicious ones; 0: the larger of 50 and 5 % of the spans.
        workers: texts that the second predictor reads at a time.

    Raises:
        InputError: there are fewer groups of related samples than folds.
    """
    gold = [sample for sample in samples if sample.best is not None]
    opinions, failures = _ask_second(second, gold, workers) if second else ({}, [])
    failed = {name for name, _ in failures}
    audited: list[Audited] = []
    given: dict[str, GoldTokens] = {}
    able: set[str] = set()
    for held, rest in iter_folds([one for one in gold if one.sample_id not in failed], labels, folds):
        tagger = train(rest, opinions)
        able |= tagger.labels
        for sample in held:
            beneath = opinions.get(sample.sample_id, ())
            entities = tagger.tag(sample.text, sample.language, beneath).list_entities()
            audited.append((sample, Annotation(Author.model("crf"), entities)))
            given[sample.sample_id] = judge_tokens(tagger, sample, beneath)
    findings = rank_findings(find_disagreements(audited, able), given)
    worst = {name: one.worst for name, one in given.items()}
    kept = _keep_first(findings, audited, budget)
    auditor = f"{folds}-fold-crf" + (f"-{second.name}" if second else "")
    return Audit(auditor, kept, tuple(sample for sample, _ in audited), tuple(failures), worst)


def _ask_second(
    second: Predictor, samples: Sequence[Sample], workers: int
) -> tuple[dict[str, tuple[Entity, ...]], list[tuple[str, str]]]:
    outcomes = list(iter_outcomes(second, samples, workers=workers))
    opinions = {one.sample.sample_id: one.annotation.entities for one in outcomes if one.annotation is not None}
    failures = [(one.sample.sample_id, str(one.error)) for one in outcomes if one.annotation is None]
    return opinions, failures


def iter_folds(
    samples: Iterable[Sample], labels: LabelSchema, folds: int
) -> Iterator[tuple[list[Sample], list[Sample]]]:
    """Each fold of the samples with gold, and all the others; related samples share a fold.

    Raises:
        InputError: there are fewer groups of related samples than folds.
    """
    gold = [sample for sample in samples if sample.best is not None]
    shares = {"train": 1.0, **{f"fold {number}": 1.0 for number in range(1, folds)}}
    split = split_samples(outline_samples(gold, labels), shares)
    if any(not split.members(name) for name in split.names):
        raise InputError(f"{format_count(len(gold), 'sample')} cannot be cut into {folds} folds of unrelated samples.")
    for name in split.names:
        held = [gold[index] for index in split.members(name)]
        yield held, [sample for sample, fold in zip(gold, split.assignment, strict=True) if fold != name]


def list_cautions(samples: Sequence[Sample]) -> list[str]:
    """What makes an audit by folds weak: too few samples, too few examples of a label."""
    gold = [sample.best for sample in samples if sample.best]
    counts = Counter(entity.label for annotation in gold for entity in annotation.entities)
    rare = sorted(label for label, count in counts.items() if count < _LEAST_EXAMPLES)
    cautions = []
    if len(gold) < _LEAST_SAMPLES:
        cautions.append(
            f"Only {format_count(len(gold), 'sample')} for an audit by folds; {_LEAST_SAMPLES} or more are better."
        )
    if rare:
        shown = ", ".join(rare[:8]) + (" …" if len(rare) > 8 else "")
        cautions.append(f"Fewer than {_LEAST_EXAMPLES} examples, so findings of these labels mean little: {shown}.")
    return cautions


def _judge(
    audited: Sequence[Audited],
    labels: Iterable[str],
    auditor: str,
    min_confidence: float,
    budget: int,
    failures: Iterable[tuple[str, str]],
) -> Audit:
    gold = {sample.sample_id: read_gold_tokens(sample) for sample, _ in audited}
    findings = rank_findings(find_disagreements(audited, labels), gold)
    likely = [one for one in findings if one.confidence >= min_confidence]
    return Audit(auditor, _keep_first(likely, audited, budget), tuple(sample for sample, _ in audited), tuple(failures))


def _keep_first(findings: Sequence[AuditFinding], audited: Sequence[Audited], budget: int) -> tuple[AuditFinding, ...]:
    spans = sum(len(sample.best.entities) for sample, _ in audited if sample.best)
    return tuple(findings[: budget or max(_LEAST_BUDGET, round(_BUDGET_SHARE * spans))])
