"""Edits and seconds: what a review took, and what it would have taken from nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, CostModel, Effort
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.evaluation.people.acceptance import measure_acceptance
from goldspan.evaluation.people.cost_fit import TimedReview, fit_costs
from goldspan.evaluation.people.effort import measure_effort
from goldspan.evaluation.scores.intervals import estimate_ratio_interval
from tests.strategies import samples

TEXT = "Ann Lee met Bob. She knew him well, and Ann left."
MODEL, PERSON = Author.model("m"), Author.person("ann")


def mentions(*spans: tuple[int, int, str]) -> tuple[Mention, ...]:
    return tuple(Mention(start, end, "MENTION", cluster) for start, end, cluster in spans)


def count(shown: Annotation | None, review: Annotation) -> Effort:
    effort = measure_effort(TEXT, shown, review)
    assert (effort.texts, effort.tokens) == (1, 14)
    return effort


def test_each_action_on_entities() -> None:
    shown = Annotation(
        MODEL, (Entity(0, 3, "FIRSTNAME"), Entity(4, 7, "CITY"), Entity(12, 16, "FIRSTNAME"), Entity(17, 20, "CITY"))
    )
    review = Annotation(
        PERSON,
        (Entity(0, 3, "FIRSTNAME"), Entity(4, 7, "SURNAME"), Entity(12, 15, "FIRSTNAME"), Entity(40, 43, "FIRSTNAME")),
    )
    effort = count(shown, review)
    assert (effort.accepted, effort.relabelled, effort.resized, effort.removed, effort.added) == (1, 1, 1, 1, 1)
    assert effort.edits == 4


@pytest.mark.parametrize(
    ("before", "after", "linked", "unlinked"),
    [
        ((), ((0, 7, "a"), (17, 20, "a"), (40, 43, "a")), 2, 0),
        (((0, 7, "x"), (17, 20, "x")), ((0, 7, "a"), (17, 20, "a")), 0, 0),
        (((0, 7, "x"), (17, 20, "x")), ((0, 7, "a"), (17, 20, "a"), (40, 43, "a")), 1, 0),
        (((0, 7, "x"), (17, 20, "x"), (12, 15, "y"), (26, 29, "y")), ((0, 7, "a"), (17, 20, "b"), (12, 15, "b")), 1, 1),
        (((0, 7, "x"), (17, 20, "x")), ((0, 7, "a"),), 0, 0),
    ],
    ids=["new chain", "renamed", "one more", "split and joined", "gone with its mention"],
)
def test_relations_follow_the_clusters(before: tuple, after: tuple, linked: int, unlinked: int) -> None:
    effort = count(Annotation(MODEL, (), mentions(*before)), Annotation(PERSON, (), mentions(*after)))
    assert (effort.linked, effort.unlinked) == (linked, unlinked)


def test_a_mention_that_an_entity_draws_is_no_work_of_its_own() -> None:
    review = Annotation(PERSON, (Entity(0, 3, "FIRSTNAME", "r1"),), (Mention(0, 3, "MENTION", "a", "r1"),))
    assert count(None, review).added == 1


@given(samples())
def test_leaving_all_as_it_is_takes_no_edit(sample: Sample) -> None:
    (shown,) = sample.annotations
    assert measure_effort(sample.text, shown, shown).edits == 0
    nothing = measure_effort(sample.text, None, shown)
    assert nothing.accepted == nothing.removed == 0
    assert nothing.added == len(shown.entities) + len(shown.mentions)


def test_savings_count_mentions_and_relations() -> None:
    shown = Annotation(MODEL, (Entity(0, 3, "FIRSTNAME"), Entity(12, 16, "SURNAME")))
    review = Annotation(PERSON, (Entity(0, 3, "FIRSTNAME"),), mentions((0, 7, "a"), (17, 20, "a")), lead_time=12.0)
    report = measure_acceptance(
        [
            Sample(TEXT, "en", annotations=(shown, review), sample_id=str(number), provenance={"queue": queue})
            for number, queue in enumerate(["random", "priority"])
        ]
    )
    savings = report.savings
    assert (savings.reviews, savings.effort.edits, savings.from_nothing.edits) == (2, 2 * 4, 2 * 4)
    assert savings.edits_saved == 0
    assert savings.seconds == pytest.approx(2 * (3 + 0.15 * 14 + 0.4 + 1.5 + 2 * 5 + 4))
    assert report.to_json()["random_reserve"]["reviews"] == 1


def test_costs_are_fitted_to_lead_times() -> None:
    draw = random.Random(3)
    costs = CostModel(open=4.0, token=0.2, accept=0.5, add=7.0, remove=2.0)
    reviews = []
    for number in range(200):
        effort = Effort(1, draw.randint(30, 200), draw.randint(0, 9), draw.randint(0, 5), draw.randint(0, 3))
        slow = 3.0 if number % 2 else 0.0
        reviews.append(TimedReview("ab"[number % 2], costs.estimate(effort) + slow + draw.gauss(0, 1), effort))
    reviews[0] = TimedReview("a", 86_400.0, reviews[0].effort)
    fit = fit_costs(reviews)
    assert fit.explained is not None
    assert fit.explained > 0.9
    assert fit.costs.add == pytest.approx(7.0, abs=0.4)
    assert fit.costs.token == pytest.approx(0.2, abs=0.02)
    assert fit.costs.open == pytest.approx(4.0 + 1.5, abs=1.0)
    assert fit.costs.resize == DEFAULT_COSTS.resize
    assert "200 timed reviews" in fit.costs.source


@pytest.mark.parametrize("count", [49, 80])
def test_defaults_hold_for_few_reviews_and_for_noise(count: int) -> None:
    draw = random.Random(1)
    effort = Effort(1, 100, 5, 2)
    noise = [TimedReview("a", draw.uniform(1, 600), effort) for _ in range(count)]
    assert fit_costs(noise).costs == DEFAULT_COSTS


def test_a_ratio_may_exceed_one() -> None:
    interval = estimate_ratio_interval([3.0, 5.0, 4.0, 6.0], [2.0, 3.0, 2.0, 3.0])
    assert interval is not None
    assert interval[0] < 1.8 < interval[1]
    assert estimate_ratio_interval([1.0], [1.0]) is None
