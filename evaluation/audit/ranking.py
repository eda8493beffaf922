"""The order of findings: the sum of the log odds that gold is wrong, as in naive Bayes.

    habits      how rarely the two disagree in this way (see `audit.findings`)
    corpus      mean over the words in question of (s + ½) / (s + g + 1): how often the same word has the suggested
                label (s) and gold's label (g) elsewhere in gold
    edges       1 / share of the label's gold spans that begin and end at borders of tokens as the given one does: most
                spans of a label do alike, so one that cuts a word or ends in a blank is suspicious
    kind        one factor for each kind, so that its confidences sum to the errors that are expected of it: 5 % of the
                spans are taken to be wrong, in each kind as many: at least one, and at most half of the findings
    tokens      only with models of other folds: the doubt in a given span (see `audit.tokens`), or the mean
                probability of the model's tags over a span that gold lacks

The confidence is the logistic function of the sum. With tokens, habits, corpus and tokens count half, because they
depend on each other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.types import Entity
from goldspan.evaluation.audit.findings import AuditFinding, FindingKind
from goldspan.evaluation.audit.tokens import Edges, GoldTokens
from goldspan.predictors.crf.features import OUTSIDE

Floats = NDArray[np.float64]
_LEAST = 1e-6
_ERROR_RATE = 0.05
_PRIOR_SPANS = 2.0
_STEPS = 60


class WordLabels:
    """How often each word has each label in the gold of the whole corpus."""

    def __init__(self, gold: Iterable[GoldTokens]) -> None:
        self._counts: dict[str, Counter[str]] = {}
        for one in gold:
            for word, label in zip(one.words, one.labels, strict=True):
                self._counts.setdefault(word, Counter())[label] += 1

    def support(self, finding: AuditFinding, gold: GoldTokens) -> float:
        """How much the rest of the corpus labels the words in question as suggested: 0 to 1, ½ if it is silent."""
        suggested = gold.find(finding.suggested)
        shares = []
        for place in sorted({*gold.find(finding.gold), *suggested}):
            new = finding.suggested.label if finding.suggested and place in suggested else OUTSIDE
            old, word = gold.labels[place], gold.words[place]
            if new != old and word.isalnum():
                counts = self._counts[word]
                shares.append((counts[new] + 0.5) / (counts[new] + counts[old]))
        return sum(shares) / len(shares) if shares else 0.5


class EdgeHabits:
    """How often the gold spans of a label begin and end at borders of tokens."""

    def __init__(self, gold: Iterable[GoldTokens]) -> None:
        self._counts: dict[str, Counter[Edges]] = {}
        self._all: Counter[Edges] = Counter()
        for one in gold:
            for entity in one.entities:
                edges = one.meet(entity)
                self._counts.setdefault(entity.label, Counter())[edges] += 1
                self._all[edges] += 1

    def rate(self, entity: Entity, gold: GoldTokens) -> float:
        """Share of the other gold spans of its label whose edges are like those of this one, drawn to that of all."""
        edges, counts = gold.meet(entity), self._counts.get(entity.label, Counter())
        drawn = _PRIOR_SPANS * self._all[edges] / max(self._all.total(), 1)
        others = max(counts[edges] - 1, 0)
        return (others + drawn) / (max(counts.total() - 1, 0) + _PRIOR_SPANS)


def rank_findings(findings: Sequence[AuditFinding], gold: Mapping[str, GoldTokens]) -> list[AuditFinding]:
    """The findings with their confidence, the most suspicious first.

    Args:
        findings: their confidence says how rarely the two disagree in this way.
        gold: the tokens of every sample, by sample id.
    """
    words, edges = WordLabels(gold.values()), EdgeHabits(gold.values())
    odds = np.array([_sum_odds(one, gold[one.sample_id], words, edges) for one in findings])
    expected = _ERROR_RATE * sum(len(one.entities) for one in gold.values()) / len(FindingKind)
    for kind in FindingKind:
        places = np.array([number for number, one in enumerate(findings) if one.kind is kind], dtype=np.intp)
        odds[places] += _fit_offset(odds[places], expected)
    confidences = _squash(odds).tolist()
    judged = [replace(one, confidence=confidence) for one, confidence in zip(findings, confidences, strict=True)]
    return sorted(judged, key=lambda one: (-one.confidence, one.sample_id, _place(one)))


def _sum_odds(finding: AuditFinding, tokens: GoldTokens, words: WordLabels, edges: EdgeHabits) -> float:
    odds = _measure_odds(finding.confidence) + _measure_odds(words.support(finding, tokens))
    if tokens.probabilities:
        odds = (odds + _measure_odds(_suspect(finding, tokens))) / 2
    if finding.gold is not None:
        odds -= math.log(max(edges.rate(finding.gold, tokens), _LEAST))
    return odds


def _fit_offset(odds: Floats, expected: float) -> float:
    """What has to be added to the log odds for their chances to sum to `expected`, to 1 at least or to half of them."""
    wanted = min(max(expected, 1.0), len(odds) / 2)
    low, high = -50.0, 50.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _squash(odds + middle).sum() > wanted else (middle, high)
    return low


def _squash(odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-odds))


def _suspect(finding: AuditFinding, tokens: GoldTokens) -> float:
    if finding.gold is not None:
        return tokens.doubt(finding.gold)
    return finding.suggested.score or 0.0 if finding.suggested else 0.0


def _measure_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(bounded / (1 - bounded))


def _place(finding: AuditFinding) -> int:
    entity = finding.gold or finding.suggested
    return entity.start if entity else 0
