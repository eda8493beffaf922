from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.evaluation.people.agreement import AgreementReport, measure_agreement


def rate(person: str, *entities: Entity, mentions: tuple[Mention, ...] = (), **fields) -> Annotation:
    return Annotation(Author.person(person), entities, mentions, **fields)


def make_sample(*annotations: Annotation, length: int = 100) -> Sample:
    return Sample("x" * length, "en", annotations=annotations)


def test_pairwise_scores_by_hand() -> None:
    sample = make_sample(
        rate("ann", Entity(0, 5, "CITY"), Entity(10, 20, "CITY"), Entity(30, 35, "AGE")),
        rate("bob", Entity(0, 5, "CITY"), Entity(10, 18, "CITY"), Entity(30, 35, "ZIP"), Entity(50, 55, "AGE")),
    )
    (pair,) = measure_agreement([sample]).pairs
    assert (pair.first, pair.second, pair.samples) == ("ann", "bob", 1)
    assert pair.exact.measure_f() == pytest.approx(2 * 1 / 7)
    assert pair.overlap.measure_f() == pytest.approx(2 * 2 / 7)
    assert pair.unlabelled.measure_f() == pytest.approx(2 * 2 / 7)
    assert pair.by_label["CITY"].measure_f() == pytest.approx(2 * 1 / 4)
    assert pair.by_label["ZIP"].measure_f() == 0.0


def test_alpha_by_hand() -> None:
    # 10 characters: both CITY on 4, ann alone on 1, O on 5. Coincidences: CITY-CITY 8, O-O 10, CITY-O 1 + 1; n = 20.
    sample = make_sample(rate("ann", Entity(0, 5, "CITY")), rate("bob", Entity(0, 4, "CITY")), length=10)
    report = measure_agreement([sample])
    assert report.alpha.alpha == pytest.approx(1 - 19 * 2 / (2 * 9 * 11))
    assert report.alpha.values == 20
    assert report.alpha_by_label["CITY"].alpha == pytest.approx(report.alpha.alpha)


def test_not_having_seen_a_sample_is_missing_not_outside() -> None:
    both = make_sample(rate("ann", Entity(0, 5, "CITY")), rate("bob", Entity(0, 5, "CITY")))
    alone = make_sample(rate("ann", Entity(0, 50, "CITY")))
    report = measure_agreement([both, alone])
    assert report.alpha.alpha == 1.0
    assert report.raters == {"ann": 2, "bob": 1}
    assert report.samples == 1


def test_three_raters_give_three_pairs_and_one_alpha() -> None:
    sample = make_sample(*(rate(name, Entity(0, 5, "CITY")) for name in ("ann", "bob", "cem")))
    report = measure_agreement([sample, make_sample(rate("ann"), rate("cem"))])
    assert [(pair.first, pair.second, pair.samples) for pair in report.pairs] == [
        ("ann", "bob", 1),
        ("ann", "cem", 2),
        ("bob", "cem", 1),
    ]
    assert report.exact.measure_f() == 1.0
    assert report.alpha.values == 500


def test_who_decides_between_two_people_does_not_agree_with_them() -> None:
    people = rate("ann", Entity(0, 5, "CITY")), rate("bob", Entity(0, 5, "ZIP"))
    for lead in ("lead", "ann"):
        report = measure_agreement([make_sample(*people, rate(lead, Entity(0, 5, "CITY"), ground_truth=True))])
        assert (report.raters, len(report.pairs), report.exact.measure_f()) == ({"ann": 1, "bob": 1}, 1, 0.0)


def test_models_are_raters_only_when_asked() -> None:
    model = Annotation(Author.model("m-1"), (Entity(0, 5, "CITY"),))
    sample = make_sample(rate("ann", Entity(0, 5, "CITY")), model)
    assert measure_agreement([sample]).pairs == ()
    (pair,) = measure_agreement([sample], models=True).pairs
    assert (pair.first, pair.second) == ("ann", "model:m-1")


def test_clusters_agree_whatever_their_names_and_heads() -> None:
    def mention(start: int, cluster: str) -> Mention:
        return Mention(start, start + 2, "MENTION", cluster)

    one = rate("ann", mentions=(mention(0, "1"), mention(5, "1"), mention(10, "1")))
    same = rate("bob", mentions=(mention(0, "x"), mention(5, "x"), mention(10, "x")))
    fewer = rate("cem", mentions=(mention(0, "1"), mention(5, "1"), mention(10, "")))
    assert measure_agreement([make_sample(one, same)]).b_cubed.f1 == 1.0
    report = measure_agreement([make_sample(one, fewer)])
    assert report.links.f1 == pytest.approx(0.5)
    assert report.b_cubed.recall == pytest.approx((2 * 2 / 3) / 3)


def test_clusters_of_a_model_that_marks_no_mention_are_not_measured() -> None:
    def mention(start: int) -> Mention:
        return Mention(start, start + 2, "MENTION", "1")

    ann = rate("ann", mentions=(mention(0), mention(5)))
    bob = rate("bob", mentions=(mention(0), mention(5)))
    tagger, resolver = Annotation(Author.model("a")), Annotation(Author.model("b"), mentions=(mention(0), mention(9)))
    report = measure_agreement([make_sample(ann, bob, tagger)], models=True)
    assert {(pair.first, pair.second): pair.b_cubed.f1 for pair in report.pairs} == {
        ("ann", "bob"): 1.0,
        ("ann", "model:a"): None,
        ("bob", "model:a"): None,
    }
    assert (report.b_cubed.f1, report.links.f1) == (1.0, 1.0)
    assert measure_agreement([make_sample(ann, resolver)], models=True).links.f1 == 0.0


def test_nothing_marked_is_none_not_one() -> None:
    report = measure_agreement([make_sample(rate("ann"), rate("bob"))])
    assert report.to_json()["exact"] is None
    assert report.alpha.alpha is None


spans = st.lists(
    st.builds(
        lambda start, length, label: Entity(start, start + length, label),
        st.integers(0, 80),
        st.integers(1, 15),
        st.sampled_from(["CITY", "AGE", "ZIP"]),
    ),
    max_size=5,
    unique=True,
)


def rounded(report: AgreementReport) -> list[float | None]:
    values = [report.exact.measure_f(), report.overlap.measure_f(), report.unlabelled.measure_f(), report.alpha.alpha]
    return [None if value is None else round(value, 9) for value in values]


@given(st.lists(st.tuples(spans, spans), min_size=1, max_size=4))
def test_agreement_is_symmetric_and_ordered(readings: list[tuple[list[Entity], list[Entity]]]) -> None:
    report = measure_agreement(make_sample(rate("ann", *one), rate("bob", *other)) for one, other in readings)
    swapped = measure_agreement(make_sample(rate("bob", *one), rate("ann", *other)) for one, other in readings)
    assert rounded(report) == rounded(swapped)
    exact, overlap, unlabelled, _ = rounded(report)
    if exact is not None and overlap is not None and unlabelled is not None:
        assert exact <= overlap
        assert exact <= unlabelled


@given(st.lists(spans, min_size=1, max_size=4))
def test_equal_readings_agree_fully(readings: list[list[Entity]]) -> None:
    report = measure_agreement(make_sample(rate("ann", *one), rate("bob", *one)) for one in readings)
    assert set(rounded(report)) <= {1.0, None}
