from __future__ import annotations

import pytest

from goldspan.annotation.types import Annotation, Author, Sample, Status
from goldspan.evaluation.matching.annotations import (
    find_shown_prediction,
    is_control,
    list_latest_predictions,
    list_latest_reviews,
    list_raters,
    merge_samples,
)


def review(person: str, time: str, **fields) -> Annotation:
    return Annotation(Author.person(person), updated_at=time, id=time, **fields)


def predict(model: str, time: str, id: str) -> Annotation:
    return Annotation(Author.model(model), created_at=time, id=id)


def make_sample(*annotations: Annotation, **provenance) -> Sample:
    return Sample("text", "en", annotations=annotations, provenance=provenance, sample_id="s")


def test_the_newest_submitted_review_of_each_person() -> None:
    sample = make_sample(
        review("bob", "2026-01-01"),
        review("ann", "2026-01-03"),
        review("ann", "2026-01-02"),
        review("ann", "2026-01-04", status=Status.DRAFT),
    )
    assert [(r.author.name, r.id) for r in list_latest_reviews(sample)] == [
        ("ann", "2026-01-03"),
        ("bob", "2026-01-01"),
    ]


def test_a_decision_is_no_rating_where_two_people_differ() -> None:
    ann, bob = review("ann", "2026-01-01"), review("bob", "2026-01-02")
    decision = review("ann", "2026-01-03", ground_truth=True)
    assert list_raters(make_sample(decision, ann, bob)) == (ann, bob)
    assert list_raters(make_sample(decision, bob)) == (decision, bob)
    assert list_raters(make_sample(decision)) == (decision,)


def test_the_newest_prediction_of_each_model() -> None:
    sample = make_sample(
        predict("m", "2026-01-02", "b"), predict("m", "2026-01-01", "a"), predict("k", "2026-01-03", "c")
    )
    assert [p.id for p in list_latest_predictions(sample)] == ["c", "b"]


def test_what_was_shown_is_the_parent_else_the_newest() -> None:
    sample = make_sample(predict("m", "2026-01-01", "a"), predict("k", "2026-01-02", "b"))

    def shown(parent: str | None, model: str = "") -> str | None:
        found = find_shown_prediction(sample, review("ann", "2026-01-03", parent=parent), model)
        return found.id if found else None

    assert shown("a") == "a"
    assert shown(None) == "b"
    assert shown("gone") == "b"
    assert shown(None, "m") == "a"
    assert shown("b", "m") is None


def test_control_samples_say_so() -> None:
    assert is_control(make_sample(control=True))
    assert not is_control(make_sample(control="yes"))
    assert not is_control(make_sample())


def test_the_same_sample_in_two_files_is_one() -> None:
    shared = predict("m", "2026-01-01", "a")
    merged = merge_samples(
        [make_sample(shared, review("ann", "2")), make_sample(shared, review("bob", "3"), control=True)]
    )
    assert [a.author.name for a in merged[0].annotations] == ["m", "ann", "bob"]
    assert is_control(merged[0])
    assert len(merged) == 1


@pytest.mark.parametrize(
    ("made", "expected"),
    [("2026-01-01T10:00:00Z", "new"), ("2026-01-01T12:30:00+00:00", "old"), ("2026-01-01T12:30:00", "old")],
)
def test_a_prediction_made_after_the_review_was_not_shown(made: str, expected: str) -> None:
    """Otherwise a later model gets credit for what a person taught it; times are compared, not their text."""
    sample = make_sample(predict("v2", made, "new"), predict("v1", "2026-01-01T09:00:00+00:00", "old"))
    person = Annotation(Author.person("ann"), created_at="2026-01-01T12:00:00.5Z", updated_at="2026-01-02T00:00:00Z")
    found = find_shown_prediction(sample, person)
    assert found is not None
    assert found.id == expected


def test_a_prediction_without_a_time_may_have_been_shown() -> None:
    sample = make_sample(Annotation(Author.model("v1"), id="a"))
    assert find_shown_prediction(sample, review("ann", "2026-01-01")) is not None
