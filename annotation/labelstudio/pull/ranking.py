"""Rank the annotations of several annotators of one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import UnknownNameError

RULES = ("gold", "reviewer", "majority", "latest")


@dataclass(frozen=True, slots=True)
class RankingPolicy:
    """Rules in order of precedence, and the e-mails of the reviewers.

    `gold`: marked as ground truth. `reviewer`: made by a reviewer. `majority`: most other annotators marked the same
    entities and mentions. `latest`: submitted last; it breaks ties.
    """

    rules: tuple[str, ...] = RULES
    reviewers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return ">".join(self.rules)


def parse_ranking_policy(rules: str, reviewers: Sequence[str] = ()) -> RankingPolicy:
    """A policy from `gold>reviewer>majority>latest` or a part of it.

    Raises:
        UnknownNameError: a rule has another name.
    """
    names = tuple(name.strip() for name in rules.split(">") if name.strip())
    for name in names:
        if name not in RULES:
            raise UnknownNameError("rule", name, RULES)
    return RankingPolicy(names if "latest" in names else (*names, "latest"), frozenset(reviewers))


def rank_annotations(annotations: Sequence[dict[str, Any]], policy: RankingPolicy) -> tuple[list[dict[str, Any]], str]:
    """The annotations with the deciding one first, and the rule that decided; skipped ones come last.

    The rule is the one by which the first precedes the next with other spans, or the second where all have the same. It
    is `only` when nobody else submitted one, and empty when nobody submitted any.
    """
    submitted = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    skipped = [annotation for annotation in annotations if annotation.get("was_cancelled")]
    weights = {annotation["id"]: _weigh(annotation, submitted, policy) for annotation in submitted}
    ranked = sorted(submitted, key=lambda annotation: weights[annotation["id"]], reverse=True)
    if not ranked:
        return skipped, ""
    if len(ranked) == 1:
        return ranked + skipped, "only"
    spans = _read_spans(ranked[0])
    rival = next((one for one in ranked[1:] if _read_spans(one) != spans), ranked[1])
    pairs = zip(policy.rules, weights[ranked[0]["id"]], weights[rival["id"]], strict=False)
    return ranked + skipped, next((rule for rule, one, other in pairs if one != other), "latest")


def _weigh(
    annotation: Mapping[str, Any], others: Sequence[Mapping[str, Any]], policy: RankingPolicy
) -> tuple[Any, ...]:
    person = _name_person(annotation)
    agreeing = {_name_person(other) for other in others if _read_spans(other) == _read_spans(annotation)}
    measures = {
        "gold": bool(annotation.get("ground_truth")),
        "reviewer": person in policy.reviewers,
        "majority": len(agreeing),
        "latest": annotation.get("updated_at") or "",
    }
    return (*(measures[rule] for rule in policy.rules), annotation["id"])


def _name_person(annotation: Mapping[str, Any]) -> str:
    return str(annotation["completed_by"].get("email", ""))


def _read_spans(annotation: Mapping[str, Any]) -> frozenset[tuple[int, int, str]]:
    return frozenset(
        (item["value"]["start"], item["value"]["end"], item["value"]["labels"][0])
        for item in annotation["result"]
        if item["type"] != "relation"
    )
