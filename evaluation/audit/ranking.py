"""The order of findings: the sum of the log odds that gold is wrong, as in naive Bayes.

    habits      how rarely the two disagree in this way (see `audit.findings`)
    corpus      mean over the words in question of (s + ½) / (s + g + 1): how often the same word has the suggested
                label (s) and gold's label (g) elsewhere in gold
    kind        1 / findings of the kind: errors of all kinds are taken to be as many, so a kind with many findings is
                mostly noise
    tokens      only with models of other folds: the doubt in a given span (see `audit.tokens`), or the mean
                probability of the model's tags over a span that gold lacks

The confidence is the logistic function of the sum. With tokens it is that of half the sum, because tokens and habits
depend on each other, and of the log odds of an error before anything is known, 1 / 20. On corrupted documents it is
about right, or too low (`benchmarks/audit.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from goldspan.evaluation.audit.findings import AuditFinding
from goldspan.evaluation.audit.tokens import GoldTokens
from goldspan.predictors.crf.features import OUTSIDE

_LEAST = 1e-6
_PRIOR_ODDS = 1 / 20


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


def rank_findings(findings: Sequence[AuditFinding], gold: Mapping[str, GoldTokens]) -> list[AuditFinding]:
    """The findings with their confidence, the most suspicious first.

    Args:
        findings: their confidence says how rarely the two disagree in this way.
        gold: the tokens of every sample, by sample id.

    """
    kinds = Counter(finding.kind for finding in findings)
    words = WordLabels(gold.values())
    judged = []
    for finding in findings:
        tokens = gold[finding.sample_id]
        odds = _measure_odds(finding.confidence) + _measure_odds(words.support(finding, tokens))
        odds -= math.log(kinds[finding.kind])
        if tokens.probabilities:
            odds = (odds + _measure_odds(_suspect(finding, tokens))) / 2 + math.log(_PRIOR_ODDS)
        judged.append(replace(finding, confidence=1 / (1 + math.exp(-odds))))
    return sorted(judged, key=lambda one: (-one.confidence, one.sample_id, _place(one)))


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
