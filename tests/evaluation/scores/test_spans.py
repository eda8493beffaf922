from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.spans import (
    Scheme,
    SpanCounts,
    average_macro,
    combine_f,
    count_by_label,
    count_matches,
    measure_empty_false_positives,
    measure_exact_accuracy,
)

spans = st.builds(
    lambda start, length, label: Span(start, start + length, label),
    st.integers(0, 20),
    st.integers(1, 8),
    st.sampled_from(("CITY", "EMAIL", "SURNAME")),
)
readings = st.lists(spans, max_size=8)


def score(gold, predicted, scheme=Scheme.STRICT):
    return count_matches(match_spans(gold, predicted), scheme)


# The worked example of SemEval-2013 task 9.1 as its public descriptions give it: drug names in one text.
SEMEVAL_GOLD = [
    Span(0, 7, "BRAND"),
    Span(20, 28, "DRUG"),
    Span(40, 51, "DRUG"),
    Span(60, 69, "DRUG"),
    Span(85, 99, "GROUP"),
]
SEMEVAL_PREDICTED = [
    Span(10, 17, "BRAND"),
    Span(17, 28, "DRUG"),
    Span(40, 51, "BRAND"),
    Span(60, 69, "DRUG"),
    Span(80, 99, "DRUG"),
]


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [(Scheme.TYPE, 0.4), (Scheme.PARTIAL, 0.6), (Scheme.EXACT, 0.4), (Scheme.STRICT, 0.2)],
)
def test_semeval_worked_example(scheme, expected):
    counts = score(SEMEVAL_GOLD, SEMEVAL_PREDICTED, scheme)
    assert (counts.gold, counts.predicted) == (5, 5)
    assert counts.precision == pytest.approx(expected)
    assert counts.recall == pytest.approx(expected)
    assert counts.measure_f() == pytest.approx(expected)


GOLD = Span(10, 20, "CITY")


@pytest.mark.parametrize(
    ("predicted", "credits"),
    [
        ([GOLD], {"strict": 1, "exact": 1, "partial": 1, "type": 1}),
        ([], {"strict": 0, "exact": 0, "partial": 0, "type": 0}),
        ([Span(30, 40, "CITY")], {"strict": 0, "exact": 0, "partial": 0, "type": 0}),
        ([Span(10, 20, "EMAIL")], {"strict": 0, "exact": 1, "partial": 1, "type": 0}),
        ([Span(9, 20, "CITY")], {"strict": 0, "exact": 0, "partial": 0.5, "type": 1}),
        ([Span(9, 20, "EMAIL")], {"strict": 0, "exact": 0, "partial": 0.5, "type": 0}),
        ([GOLD, GOLD], {"strict": 1, "exact": 1, "partial": 1, "type": 1}),
    ],
    ids=["correct", "missed", "elsewhere", "type", "boundary", "boundary and type", "twice"],
)
def test_credit_of_each_semeval_scenario(predicted, credits):
    for name, credit in credits.items():
        counts = score([GOLD], predicted, Scheme(name))
        assert counts == SpanCounts(1, len(predicted), credit, credit), name


def test_empty_denominators_are_none_and_not_zero():
    assert SpanCounts().precision is None
    assert SpanCounts().recall is None
    assert SpanCounts().measure_f() is None
    only_gold = SpanCounts(gold=3)
    assert (only_gold.precision, only_gold.recall, only_gold.measure_f()) == (None, 0.0, 0.0)
    only_predicted = SpanCounts(predicted=3)
    assert (only_predicted.precision, only_predicted.recall, only_predicted.measure_f()) == (0.0, None, 0.0)


def test_f_beta_weighs_recall():
    assert combine_f(0.5, 1.0) == pytest.approx(2 / 3)
    assert combine_f(0.5, 1.0, beta=2) == pytest.approx(5 / 6)
    assert combine_f(1.0, 0.5, beta=2) == pytest.approx(5 / 9)
    assert combine_f(0.0, 0.0, beta=2) == 0.0


def test_labels_are_counted_on_their_own_sides():
    matches = match_spans([Span(0, 4, "CITY"), Span(5, 9, "CITY")], [Span(0, 4, "STATE"), Span(5, 9, "CITY")])
    strict = count_by_label(matches, Scheme.STRICT)
    assert strict == {"CITY": SpanCounts(2, 1, 1, 1), "STATE": SpanCounts(0, 1, 0, 0)}
    exact = count_by_label(matches, Scheme.EXACT)
    assert exact == {"CITY": SpanCounts(2, 1, 2, 1), "STATE": SpanCounts(0, 1, 0, 1)}


def test_macro_leaves_out_what_is_none():
    macro = average_macro({"CITY": SpanCounts(2, 2, 1, 1), "EMAIL": SpanCounts(1, 0), "URL": SpanCounts(0, 1)})
    assert macro.precision == pytest.approx((0.5 + 0.0) / 2)
    assert macro.recall == pytest.approx((0.5 + 0.0) / 2)
    assert macro.f1 == pytest.approx(0.5 / 3)
    assert macro.classes == 3
    assert average_macro({}).f1 is None


def test_exact_accuracy_counts_documents_that_are_empty_on_both_sides():
    documents = [match_spans([], []), match_spans([GOLD], [GOLD]), match_spans([GOLD], []), match_spans([], [GOLD])]
    assert measure_exact_accuracy(documents) == 0.5
    assert measure_empty_false_positives(documents) == 0.5
    assert measure_exact_accuracy([]) is None
    assert measure_empty_false_positives(documents[1:3]) is None


@given(readings, readings)
def test_stricter_schemes_find_less(gold, predicted):
    found = {scheme: score(gold, predicted, scheme).found for scheme in Scheme}
    assert found[Scheme.STRICT] <= found[Scheme.EXACT] <= found[Scheme.PARTIAL]
    assert found[Scheme.STRICT] <= found[Scheme.TYPE]


@given(readings, readings, st.sampled_from(Scheme))
def test_swapping_sides_swaps_precision_and_recall(gold, predicted, scheme):
    straight, swapped = score(gold, predicted, scheme), score(predicted, gold, scheme)
    assert straight.precision == swapped.recall
    assert straight.recall == swapped.precision
    assert straight.measure_f() == swapped.measure_f()


@given(readings, readings, st.sampled_from([Scheme.STRICT, Scheme.EXACT, Scheme.PARTIAL]), st.data())
def test_adding_a_correct_prediction_never_lowers_recall(gold, predicted, scheme, data):
    """Not by type: the matching pairs as many spans as it can before it looks at labels."""
    missing = list((Counter(gold) - Counter(predicted)).elements())
    assume(missing)
    before = score(gold, predicted, scheme)
    after = score(gold, [*predicted, data.draw(st.sampled_from(missing))], scheme)
    assert after.found >= before.found


@given(readings, readings, st.sampled_from(Scheme))
def test_labels_add_up_to_the_whole(gold, predicted, scheme):
    matches = match_spans(gold, predicted)
    total = sum(count_by_label(matches, scheme).values(), SpanCounts())
    assert total == count_matches(matches, scheme)


@given(st.lists(st.tuples(readings, readings), max_size=5), st.randoms())
def test_order_of_documents_does_not_matter(corpus, random):
    def total(pairs):
        return sum((score(gold, predicted, Scheme.PARTIAL) for gold, predicted in pairs), SpanCounts())

    shuffled = list(corpus)
    random.shuffle(shuffled)
    assert total(corpus) == total(shuffled)


@given(
    st.integers(0, 20), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)
)
def test_known_mixes_of_errors_are_counted_exactly(correct, missed, spurious, boundary, kind, both):
    gold, predicted = [], []
    makers = [
        (correct, (0, 6, "CITY"), (0, 6, "CITY")),
        (missed, (0, 6, "CITY"), None),
        (spurious, None, (0, 6, "CITY")),
        (boundary, (0, 6, "CITY"), (1, 6, "CITY")),
        (kind, (0, 6, "CITY"), (0, 6, "EMAIL")),
        (both, (0, 6, "CITY"), (0, 5, "EMAIL")),
    ]
    place = 0
    for amount, one, other in makers:
        for _ in range(amount):
            gold += [Span(place + one[0], place + one[1], one[2])] if one else []
            predicted += [Span(place + other[0], place + other[1], other[2])] if other else []
            place += 10
    found = Counter(match.kind.value for match in match_spans(gold, predicted))
    assert found == +Counter(
        correct=correct, missed=missed, spurious=spurious, boundary=boundary, type=kind, boundary_and_type=both
    )
