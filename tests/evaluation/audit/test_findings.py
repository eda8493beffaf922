from __future__ import annotations

import pytest

from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.audit.findings import (
    AuditFinding,
    FindingKind,
    apply_findings,
    find_disagreements,
    rank_samples,
)

TEXT = "Ann and Bob live in Rome and write to ann@example.org every day."
GOLD = (Entity(0, 3, "FIRSTNAME"), Entity(8, 11, "FIRSTNAME"), Entity(20, 24, "CITY"), Entity(38, 53, "EMAIL"))
ABLE = {"FIRSTNAME", "CITY", "EMAIL"}


def make(sample_id: str, gold: tuple[Entity, ...] = GOLD, auditor: tuple[Entity, ...] = GOLD):
    sample = Sample(TEXT, "en", annotations=(Annotation(Author.person("ann"), gold),), sample_id=sample_id)
    return sample, Annotation(Author.model("m"), auditor)


def agreeing(count: int):
    return [make(f"good {number}") for number in range(count)]


@pytest.mark.parametrize(
    ("gold", "kind"),
    [
        (GOLD[:3], FindingKind.MISSING),
        ((*GOLD, Entity(25, 28, "CITY")), FindingKind.EXTRA),
        ((*GOLD[:2], Entity(20, 24, "SURNAME"), GOLD[3]), FindingKind.WRONG_LABEL),
        ((*GOLD[:3], Entity(38, 49, "EMAIL")), FindingKind.WRONG_BOUNDARY),
        ((*GOLD[:3], Entity(34, 53, "EMAIL")), FindingKind.WRONG_BOUNDARY),
    ],
)
def test_each_kind_of_error_is_found_and_typed(gold, kind):
    [found] = find_disagreements([*agreeing(30), make("bad", gold)], ABLE | {"SURNAME"})
    assert (found.sample_id, found.kind) == ("bad", kind)
    assert 0.8 < found.confidence < 1


def test_labels_that_the_auditor_cannot_give_are_not_judged():
    cities = tuple(entity for entity in GOLD if entity.label != "CITY")
    assert find_disagreements([make("a", GOLD, cities)], ABLE - {"CITY"}) == []
    assert len(find_disagreements([make("a", GOLD, cities)], ABLE)) == 1


def test_what_the_auditor_always_does_is_less_suspicious_than_what_it_does_once():
    habit = [make(f"habit {number}", GOLD, GOLD[:3]) for number in range(20)]
    once = make("once", (*GOLD[:2], GOLD[3]))
    found = find_disagreements([*agreeing(10), *habit, once], ABLE)
    assert found[0].sample_id == "once"
    assert all(finding.confidence < 0.5 for finding in found[1:])


def test_a_score_of_the_auditor_counts():
    def scored(score: float):
        return make(f"{score}", GOLD[:3], (*GOLD[:3], Entity(38, 53, "EMAIL", score=score)))

    found = find_disagreements([*agreeing(10), scored(0.2), scored(0.9)], ABLE)
    assert [finding.sample_id for finding in found] == ["0.9", "0.2"]


def test_samples_are_ranked_by_the_chance_of_any_error():
    def finding(sample_id: str, confidence: float) -> AuditFinding:
        return AuditFinding(sample_id, FindingKind.MISSING, None, GOLD[0], confidence)

    ranking = rank_samples([finding("a", 0.6), finding("b", 0.5), finding("b", 0.5), finding("c", 0.1)])
    assert ranking == {"b": pytest.approx(0.75), "a": pytest.approx(0.6), "c": pytest.approx(0.1)}
    assert list(ranking) == ["b", "a", "c"]


def test_findings_applied_to_gold_give_what_the_auditor_says():
    gold = (GOLD[0], Entity(20, 24, "SURNAME"), Entity(25, 28, "CITY"), Entity(34, 53, "EMAIL"))
    sample, auditor = make("bad", gold)
    found = find_disagreements([(sample, auditor)], ABLE | {"SURNAME"})
    assert apply_findings(sample.best, found) == GOLD
    assert {entity.score is None for entity in apply_findings(sample.best, found)} == {True, False}


def test_a_suggestion_that_crosses_gold_is_left_out():
    finding = AuditFinding("a", FindingKind.MISSING, None, Entity(2, 9, "CITY"), 0.9)
    assert apply_findings(Annotation(Author.person("ann"), GOLD), [finding]) == GOLD


def test_a_finding_for_machines_holds_no_text():
    [found] = find_disagreements([make("bad", GOLD[:3])], ABLE)
    assert found.to_json() == {
        "sample_id": "bad",
        "kind": "missing",
        "gold": None,
        "suggested": {"start": 38, "end": 53, "label": "EMAIL"},
        "confidence": round(1 / 3, 4),
    }
