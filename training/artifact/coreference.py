"""Which way of resolving mentions is shipped: the learned head only where it beats both rules.

All are scored on gold mentions of the validation split with the mean of MUC, B3 and CEAF (CoNLL-2012).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from goldspan.annotation.types import Annotation, Author, Mention
from goldspan.evaluation.scores.coreference import score_annotations
from goldspan.predictors.model.coreference import (
    MentionPlace,
    PairScorer,
    number_clusters,
    resolve_exact,
    resolve_recent,
)
from goldspan.predictors.model.mentions import resolve_places
from goldspan.training.artifact.outputs import GoldOutputs
from goldspan.training.models.labelling import choose_flat, find_tokens

_MODEL = Author.model("rule")


def choose_scorer(data: GoldOutputs, weights: Sequence[float], *, trained: bool) -> tuple[PairScorer, dict[str, Any]]:
    """The scorer to ship, and the CoNLL score of the head and of each rule; `none` where gold has no clusters."""
    if not any(annotation.clusters for annotation in data.gold):
        return PairScorer(), {"method": "none", "reason": "the validation split has no clusters"}
    head = PairScorer("head", tuple(round(float(weight), 6) for weight in weights))
    scores = {"recent": _score(data, lambda _, places, __: resolve_recent(places))}
    scores["exact"] = _score(data, lambda _, places, __: resolve_exact(places))
    if trained:
        scores["head"] = _score(
            data, lambda number, places, ranges: resolve_places(places, ranges, data.outputs[number], head)
        )
    method = max(scores, key=lambda name: (scores[name], name != "head"))
    report: dict[str, Any] = {"method": method, "conll": {name: round(value, 4) for name, value in scores.items()}}
    if trained and method != "head":
        report["reason"] = f"the learned head did not beat the rule {method}, so the rule is used"
    return PairScorer(method, head.weights if method == "head" else ()), report


def _score(data: GoldOutputs, resolve: Callable[[int, list[MentionPlace], list[tuple[int, int]]], list[int]]) -> float:
    pairs = []
    for number, (text, gold, encoded) in enumerate(zip(data.texts, data.gold, data.encoded, strict=True)):
        mentions = choose_flat(gold.mentions)
        ranges = [find_tokens(encoded, mention.start, mention.end) for mention in mentions]
        kept = [(m, r) for m, r in zip(mentions, ranges, strict=True) if r[0] < r[1]]
        places = [MentionPlace(m.start, m.end, m.label, text[m.start : m.end]) for m, _ in kept]
        clusters = number_clusters(resolve(number, places, [r for _, r in kept]))
        found = tuple(Mention(m.start, m.end, m.label, name) for (m, _), name in zip(kept, clusters, strict=True))
        flat = Annotation(gold.author, (), mentions)
        pairs.append((flat, Annotation(_MODEL, (), found)))
    return score_annotations(pairs).conll or 0.0
