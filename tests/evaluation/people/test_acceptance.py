from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Entity, Origin, Sample, Status
from goldspan.evaluation.people.acceptance import RegionOutcome, compare_with_review, measure_acceptance
from goldspan.evaluation.people.acceptance_report import AcceptanceReport, Tally

TEXT = "x" * 200


def predict(*entities: Entity, model: str = "m-1", id: str = "") -> Annotation:
    return Annotation(Author.model(model), entities, id=id)


def review(*entities: Entity, person: str = "ann", **fields) -> Annotation:
    return Annotation(Author.person(person), entities, **fields)


def make_sample(*annotations: Annotation, name: str = "s", **provenance) -> Sample:
    return Sample(TEXT, "en", annotations=annotations, sample_id=name, provenance=provenance)


def verdicts(prediction: Annotation, annotation: Annotation) -> list[str]:
    return sorted(decision.outcome.value for decision in compare_with_review(prediction, annotation))


class TestVerdicts:
    def test_each_verdict(self) -> None:
        prediction = predict(Entity(0, 5, "CITY"), Entity(10, 15, "CITY"), Entity(20, 30, "AGE"), Entity(40, 45, "AGE"))
        annotation = review(
            Entity(0, 5, "CITY"), Entity(10, 15, "STATE"), Entity(20, 28, "AGE"), Entity(60, 65, "EMAIL")
        )
        assert verdicts(prediction, annotation) == ["accepted", "added", "rejected", "relabelled", "resized"]

    def test_a_region_changed_in_both_place_and_label_is_rejected_and_added(self) -> None:
        assert verdicts(predict(Entity(0, 5, "CITY", "r")), review(Entity(0, 9, "STATE", "r"))) == ["added", "rejected"]

    def test_the_region_id_comes_before_geometry(self) -> None:
        prediction = predict(Entity(0, 10, "CITY", "a"), Entity(4, 12, "CITY", "b"))
        annotation = review(Entity(2, 11, "CITY", "a"), Entity(0, 10, "CITY", "b"))
        assert verdicts(prediction, annotation) == ["resized", "resized"]
        without_ids = review(Entity(2, 11, "CITY"), Entity(0, 10, "CITY"))
        assert verdicts(prediction, without_ids) == ["accepted", "resized"]

    def test_an_id_that_lies_elsewhere_is_a_coincidence(self) -> None:
        prediction = predict(Entity(0, 5, "CITY", "e0"), Entity(10, 15, "AGE", "e1"))
        annotation = review(Entity(10, 15, "AGE", "e0"), Entity(0, 5, "CITY", "e1"))
        assert verdicts(prediction, annotation) == ["accepted", "accepted"]

    def test_little_resized_is_accepted_when_relaxed(self) -> None:
        (little,) = compare_with_review(predict(Entity(0, 10, "CITY")), review(Entity(0, 12, "CITY")))
        (much,) = compare_with_review(predict(Entity(0, 10, "CITY")), review(Entity(0, 30, "CITY")))
        assert (little.outcome, little.relaxed) == (RegionOutcome.RESIZED, True)
        assert (much.outcome, much.relaxed) == (RegionOutcome.RESIZED, False)


def test_a_decision_between_two_reviews_is_no_review_of_the_prediction() -> None:
    prediction = predict(Entity(0, 5, "CITY"))
    people = review(Entity(0, 5, "CITY")), review(Entity(0, 5, "STATE"), person="bob")
    for lead in ("lead", "ann"):
        decision = review(Entity(0, 5, "STATE"), person=lead, ground_truth=True, updated_at="2026-01-02T00:00:00Z")
        report = measure_acceptance([make_sample(prediction, *people, decision)])
        assert sorted(report.by_person) == ["ann", "bob"]
        assert (report.total.accepted, report.total.relabelled) == (1, 1)


class TestReport:
    def make_report(self, **options) -> AcceptanceReport:
        one = make_sample(
            predict(Entity(0, 5, "CITY"), Entity(10, 15, "CITY"), Entity(20, 30, "AGE"), Entity(40, 45, "AGE")),
            review(
                Entity(0, 5, "CITY", origin=Origin.PREDICTION),
                Entity(10, 15, "STATE", origin=Origin.PREDICTION_CHANGED),
                Entity(20, 28, "AGE", origin=Origin.PREDICTION),
                Entity(60, 65, "EMAIL", origin=Origin.MANUAL),
                lead_time=30.0,
            ),
            name="one",
        )
        two = make_sample(
            predict(Entity(0, 5, "CITY"), model="m-2"),
            review(Entity(0, 5, "CITY"), person="bob", lead_time=1.5),
            name="two",
        )
        three = make_sample(predict(Entity(0, 5, "CITY")), name="three")
        return measure_acceptance([one, two, three], **options)

    def test_counts(self) -> None:
        report = self.make_report()
        assert report.total == Tally(5, 5, accepted=2, relabelled=1, resized=1, rejected=1, added=1, relaxed=3)
        assert report.by_label["CITY"] == Tally(3, 2, accepted=2, relabelled=1, relaxed=2)
        assert report.by_label["STATE"] == Tally(0, 1)
        assert report.by_label["AGE"] == Tally(2, 1, resized=1, rejected=1, relaxed=1)
        assert report.by_label["EMAIL"] == Tally(0, 1, added=1)
        assert report.relabelled == {("CITY", "STATE"): 1}
        assert (report.unreviewed, len(report.reviews)) == (1, 2)

    def test_ratios(self) -> None:
        report = self.make_report()
        city = report.by_label["CITY"].to_json()
        assert (city["precision"], city["recall"], city["touch_rate"]) == (2 / 3, 1.0, pytest.approx(1 / 3))
        assert report.by_label["EMAIL"].to_json()["precision"] is None
        assert report.first_pass_acceptance == 0.5
        assert report.edits_per_review == 2.0

    def test_model_and_person(self) -> None:
        report = self.make_report()
        assert report.by_model["m-2"] == report.by_person["bob"] == Tally(1, 1, accepted=1, relaxed=1)
        only = self.make_report(model_version="m-1")
        assert set(only.by_model) == {"m-1"}

    def test_rubber_stamps_are_reviews_faster_than_reading(self) -> None:
        report = self.make_report()
        assert [suspect.sample_id for suspect in report.suspects] == ["two"]
        stamps = report.to_json()["rubber_stamps"]
        assert (stamps["share"], stamps["reviews_with_lead_time"]) == (0.5, 2)
        slower = measure_acceptance([make_sample(predict(), review(lead_time=4.0))])
        assert slower.suspects == ()

    def test_origins_are_held_against_what_was_seen(self) -> None:
        report = self.make_report()
        assert report.origins == {"manual": 1, "prediction": 2, "prediction-changed": 1, "unknown": 1}
        assert report.contradictions == 1

    def test_the_report_has_no_text(self) -> None:
        assert TEXT not in str(self.make_report().to_json())


def test_the_parent_tells_what_was_shown() -> None:
    sample = make_sample(
        predict(Entity(0, 5, "CITY"), id="1"),
        predict(Entity(0, 9, "CITY"), model="m-2", id="2"),
        review(Entity(0, 5, "CITY"), parent="1"),
    )
    assert measure_acceptance([sample]).total.accepted == 1
    assert measure_acceptance([sample], model_version="m-2").reviews == ()


def test_only_the_newest_submitted_review_of_a_person_counts() -> None:
    sample = make_sample(
        predict(Entity(0, 5, "CITY")),
        review(updated_at="2026-01-02"),
        review(Entity(0, 5, "CITY"), updated_at="2026-01-03"),
        review(updated_at="2026-01-04", status=Status.CANCELLED),
    )
    report = measure_acceptance([sample])
    assert len(report.reviews) == 1
    assert report.total.accepted == 1


def test_a_sample_without_prediction_is_not_acceptance() -> None:
    report = measure_acceptance([make_sample(review(Entity(0, 5, "CITY")))])
    assert report.reviews == ()
    assert report.first_pass_acceptance is None
    assert report.total.touch_rate is None


class TestAnchoring:
    shown = make_sample(predict(Entity(0, 5, "CITY")), review(Entity(0, 5, "CITY"), lead_time=10.0), name="guided")
    control = make_sample(
        review(Entity(0, 5, "CITY"), Entity(10, 15, "AGE"), lead_time=20.0), name="control", control=True
    )

    def test_effect_needs_the_hidden_predictions(self) -> None:
        report = measure_acceptance([self.shown, self.control])
        assert report.anchoring.effect is None
        assert report.anchoring.control.entities_per_1000_characters == 10.0
        assert report.anchoring.guided.entities_per_1000_characters == 5.0
        assert report.anchoring.control.seconds_per_1000_characters == 100.0

    def test_effect_is_the_difference_of_agreement_with_the_model(self) -> None:
        hidden = {"control": predict(Entity(0, 5, "CITY"), Entity(30, 35, "AGE"))}
        report = measure_acceptance([self.shown, self.control], hidden=hidden)
        assert report.anchoring.guided.f1 == 1.0
        assert report.anchoring.control.f1 == 0.5
        assert report.anchoring.effect == 0.5

    def test_control_samples_do_not_count_as_acceptance(self) -> None:
        report = measure_acceptance([self.control, self.shown])
        assert [facts.sample_id for facts in report.reviews] == ["guided"]


spans = st.lists(
    st.builds(
        lambda start, length, label, name: Entity(start, start + length, label, name),
        st.integers(0, 60),
        st.integers(1, 12),
        st.sampled_from(["CITY", "AGE"]),
        st.sampled_from(["", "a", "b", "c"]),
    ),
    max_size=6,
)


@given(spans, spans)
def test_every_region_is_judged_exactly_once(predicted: list[Entity], annotated: list[Entity]) -> None:
    decisions = compare_with_review(predict(*predicted), review(*annotated))
    places = sorted((d.predicted.span, d.predicted.id) for d in decisions if d.predicted)
    assert places == sorted((e.span, e.id) for e in predicted)
    places = sorted((d.annotated.span, d.annotated.id) for d in decisions if d.annotated)
    assert places == sorted((e.span, e.id) for e in annotated)
    total = measure_acceptance([make_sample(predict(*predicted), review(*annotated))]).total
    assert total.predicted == total.accepted + total.relabelled + total.resized + total.rejected
    assert total.annotated == total.accepted + total.relabelled + total.resized + total.added
    assert total.accepted <= total.relaxed <= total.accepted + total.resized


@given(spans)
def test_what_is_left_alone_is_accepted(entities: list[Entity]) -> None:
    prediction, annotation = predict(*entities), review(*entities)
    report = measure_acceptance([make_sample(prediction, annotation)])
    decisions = compare_with_review(prediction, annotation)
    assert report.total.edits == sum(decision.outcome is not RegionOutcome.ACCEPTED for decision in decisions)
    named = [entity.id for entity in entities if entity.id]
    if len(set(named)) == len(named):
        assert report.total.edits == 0
        assert report.first_pass_acceptance == 1.0
