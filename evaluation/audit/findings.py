"""Likely errors of gold: where a second annotation of the same text disagrees with it.

The second annotation comes from an auditor: another predictor, or models trained on other folds of the data. An
auditor errs too, so each disagreement is ranked by how rarely the two disagree in this way. With counts over the whole
corpus, smoothed as (n + 1) / (N + 2):

    missing         the auditor alone has an entity      share of its entities of this label that gold has too
    extra           gold alone has an entity             share of gold entities of this label that the auditor has too
    wrong_label     other label                          share of its label that gold has too, less the share of gold's
                                                         label that it always takes for this one
    wrong_boundary  same label, other boundaries         share of shared entities with equal boundaries

A score that the auditor gives an entity multiplies the first, third and fourth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldspan.annotation.types import Annotation, Entity, Sample
from goldspan.evaluation.matching.match import Match, PairKind, match_spans

Audited = tuple[Sample, Annotation]
"""A sample with gold, and the auditor's annotation of it."""


class FindingKind(StrEnum):
    """What seems to be wrong with gold."""

    MISSING = "missing"
    EXTRA = "extra"
    WRONG_LABEL = "wrong_label"
    WRONG_BOUNDARY = "wrong_boundary"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One disagreement: gold's entity, the auditor's, and the confidence (0 to 1) that gold is wrong."""

    sample_id: str
    kind: FindingKind
    gold: Entity | None
    suggested: Entity | None
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Labels and offsets; no text."""
        spans = {"gold": self.gold, "suggested": self.suggested}
        return {
            "sample_id": self.sample_id,
            "kind": self.kind.value,
            **{side: entity and entity.span._asdict() for side, entity in spans.items()},
            "confidence": round(self.confidence, 4),
        }


def find_disagreements(audited: Iterable[Audited], labels: Iterable[str]) -> list[AuditFinding]:
    """Every disagreement of gold with the auditor, the most suspicious first.

    Args:
        audited: samples with gold, each with the auditor's annotation.
        labels: labels that the auditor can give; gold entities of other labels are not judged.
    """
    able = frozenset(labels)
    matched = [
        (sample.sample_id, match_spans(sample.best.entities if sample.best else (), annotation.entities))
        for sample, annotation in audited
    ]
    habits = _Habits(match for _, matches in matched for match in matches)
    findings = [
        AuditFinding(sample_id, kind, match.gold, match.predicted, habits.rate(match, kind))
        for sample_id, matches in matched
        for match in matches
        if (kind := _KINDS.get(match.kind)) and (match.gold is None or match.gold.label in able)
    ]
    return sorted(findings, key=_rank)


def rank_samples(findings: Iterable[AuditFinding]) -> dict[str, float]:
    """Sample ids, the most suspicious first, with the chance that any of their findings is right (noisy or)."""
    sound: dict[str, float] = {}
    for finding in findings:
        sound[finding.sample_id] = sound.get(finding.sample_id, 1.0) * (1 - finding.confidence)
    return {name: 1 - sound[name] for name in sorted(sound, key=lambda name: (sound[name], name))}


def apply_findings(gold: Annotation, findings: Sequence[AuditFinding]) -> tuple[Entity, ...]:
    """Gold's entities as they would be if the findings were right; a suggestion that crosses an entity is left out."""
    dropped = {id(finding.gold) for finding in findings if finding.gold}
    entities = [entity for entity in gold.entities if id(entity) not in dropped]
    for finding in findings:
        new = finding.suggested
        if new and not any(new.start < other.end and other.start < new.end for other in entities):
            entities.append(Entity(new.start, new.end, new.label, score=finding.confidence))
    return tuple(sorted(entities, key=lambda entity: (entity.start, -entity.end, entity.label)))


_KINDS: Mapping[PairKind, FindingKind] = {
    PairKind.SPURIOUS: FindingKind.MISSING,
    PairKind.MISSED: FindingKind.EXTRA,
    PairKind.TYPE: FindingKind.WRONG_LABEL,
    PairKind.BOUNDARY_AND_TYPE: FindingKind.WRONG_LABEL,
    PairKind.BOUNDARY: FindingKind.WRONG_BOUNDARY,
}


class _Habits:
    """How gold and the auditor usually agree, by label."""

    def __init__(self, matches: Iterable[Match[Entity]]) -> None:
        self._gold: Counter[str] = Counter()
        self._suggested: Counter[str] = Counter()
        self._shared: Counter[str] = Counter()
        self._equal: Counter[str] = Counter()
        self._found: Counter[str] = Counter()
        self._confused: Counter[tuple[str, str]] = Counter()
        for match in matches:
            gold, suggested = match.gold, match.predicted
            if gold:
                self._gold[gold.label] += 1
                self._found[gold.label] += suggested is not None
            if suggested:
                self._suggested[suggested.label] += 1
            if gold and suggested and match.same_label:
                self._shared[gold.label] += 1
                self._equal[gold.label] += match.same_boundaries
            elif gold and suggested:
                self._confused[gold.label, suggested.label] += 1

    def rate(self, match: Match[Entity], kind: FindingKind) -> float:
        """The confidence that gold is wrong in this match."""
        gold, suggested = match.gold, match.predicted
        if suggested is None:
            label = gold.label if gold else ""
            return _smooth(self._found[label], self._gold[label])
        score = 1.0 if suggested.score is None else min(max(suggested.score, 0.0), 1.0)
        right = _smooth(self._shared[suggested.label], self._suggested[suggested.label])
        if gold is None:
            return score * right
        if kind is FindingKind.WRONG_BOUNDARY:
            return score * _smooth(self._equal[gold.label], self._shared[gold.label])
        habit = (self._confused[gold.label, suggested.label] - 1) / (self._gold[gold.label] + 1)
        return score * right * (1 - habit)


def _smooth(count: int, total: int) -> float:
    return (count + 1) / (total + 2)


def _rank(finding: AuditFinding) -> tuple[float, str, int, str]:
    entity = finding.gold or finding.suggested
    return -finding.confidence, finding.sample_id, entity.start if entity else 0, finding.kind
