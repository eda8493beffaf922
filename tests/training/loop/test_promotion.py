"""The door: each of its rules refuses alone, and says why."""

from __future__ import annotations

import pytest

from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.training.loop.promotion import JudgedText, decide_promotion

TEXT = "x" * 400
OLD, NEW, PERSON = Author.model("old"), Author.model("new"), Author.person("ann")
CITIES = tuple(Entity(place, place + 5, "CITY") for place in (0, 20, 40, 60))
AGE = Entity(100, 102, "AGE")


def judge(gold: tuple, old: tuple, new: tuple, count: int = 120) -> list[JudgedText]:
    one = JudgedText(TEXT, Annotation(PERSON, gold), Annotation(OLD, old), Annotation(NEW, new))
    return [one] * count


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (judge(CITIES, CITIES[:2], CITIES), None),
        (judge(CITIES, CITIES[:2], CITIES, count=99), "99 random reviewed samples"),
        (judge(CITIES, CITIES[:3], CITIES[:3]), "it has to rise"),
        (judge(CITIES, CITIES, CITIES[:3]), "it has to rise"),
        (judge((*CITIES, AGE), (*CITIES[:1], AGE), CITIES), "recall of AGE falls by 1.00 (120 examples)"),
        (judge((), (), ()), "neither gold nor the models"),
        ([], "0 random reviewed samples"),
        (
            [*judge(CITIES, CITIES[:2], CITIES, 3), *judge(CITIES, CITIES, CITIES[:3], 4), *judge((), (), (), 100)],
            "lower bound has to be above",
        ),
    ],
    ids=["better", "few", "equal", "worse", "one label lost", "nothing to find", "no samples", "by chance"],
)
def test_rules_of_the_door(texts: list[JudgedText], reason: str | None) -> None:
    found = decide_promotion(texts)
    assert found.promoted is (reason is None)
    if reason:
        assert any(reason in one for one in found.reasons), found.reasons
    assert found.to_json()["documents"] == len(texts)
    said = [label for label in ("AGE", "CITY") if f"recall of {label}" in str(found.reasons)]
    assert found.to_json()["falling"] == list(found.falling) == said


def test_more_work_is_refused_though_f1_rises() -> None:
    """Eight spans added wrongly cost more seconds to remove than the one that is found saves."""
    wrong = tuple(Entity(place, place + 3, "AGE") for place in range(200, 320, 20))
    texts = judge(CITIES[:1], wrong[:2], (*CITIES[:1], *wrong))
    found = decide_promotion(texts)
    assert found.delta.delta is not None
    assert found.delta.delta > 0
    assert any("seconds" in reason for reason in found.reasons)


def test_without_test_samples_only_their_number_is_the_reason() -> None:
    found = decide_promotion([], least=5)
    assert (found.promoted, found.reasons) == (
        False,
        ("0 random reviewed samples to test on, at least 5 are needed",),
    )
