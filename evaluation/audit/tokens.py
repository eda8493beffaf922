"""Suspicion from token probabilities: how likely the given label of each token is to a model that has not seen it.

    a given span        1 - the lowest probability of a given tag over its tokens and the token after it
    a span that gold lacks   the mean probability of the model's tags over its tokens
    a sample            1 - the lowest probability of a given tag over all of its tokens

The lowest token instead of the mean one: a single wrong token is an error (Wang and Mueller 2022). The token after the
span belongs to it, because a border that is too early leaves its mark there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from goldspan.annotation.corpus.uncertainty import find_tokens
from goldspan.annotation.types import Entity, Sample
from goldspan.evaluation.audit.findings import AuditFinding
from goldspan.predictors.crf.features import Token, tag_tokens
from goldspan.predictors.crf.tagger import CrfTagger


@dataclass(frozen=True, slots=True)
class GivenTags:
    """The tokens of a text, and the out-of-fold probability of the tag that gold gives each."""

    tokens: tuple[Token, ...]
    probabilities: tuple[float, ...]

    @property
    def worst(self) -> float:
        """Chance that the least likely token is labelled wrongly; 0 without tokens."""
        return 1 - min(self.probabilities, default=1.0)

    def doubt(self, entity: Entity) -> float:
        """Chance that a given span is wrong."""
        places = [n for n, (start, end) in enumerate(self.tokens) if start < entity.end and entity.start < end]
        if not places:
            return 0.0
        return 1 - min(self.probabilities[places[0] : places[-1] + 2])


def judge_tokens(tagger: CrfTagger, sample: Sample, gold: Sequence[Entity]) -> GivenTags:
    """Judge the tags that gold gives the tokens of a text."""
    tokens = find_tokens(sample.text)
    return GivenTags(tuple(tokens), tuple(tagger.judge(sample.text, sample.language, (), tag_tokens(tokens, gold))))


def rank_by_tokens(findings: Sequence[AuditFinding], given: Mapping[str, GivenTags]) -> list[AuditFinding]:
    """The findings with the confidence that token probabilities give, the most suspicious first."""
    judged = [replace(one, confidence=_measure(one, given[one.sample_id])) for one in findings]
    return sorted(judged, key=lambda one: (-one.confidence, one.sample_id, _place(one)))


def _measure(finding: AuditFinding, given: GivenTags) -> float:
    if finding.gold is not None:
        return given.doubt(finding.gold)
    return finding.suggested.score or 0.0 if finding.suggested else 0.0


def _place(finding: AuditFinding) -> int:
    entity = finding.gold or finding.suggested
    return entity.start if entity else 0
