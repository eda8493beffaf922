from collections import Counter
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity, Span
from goldspan.evaluation.matching.match import PairKind, match_spans, measure_iou
from goldspan.evaluation.scores.spans import Scheme, count_matches

LABELS = ("CITY", "EMAIL", "SURNAME")
spans = st.builds(
    lambda start, length, label: Span(start, start + length, label),
    st.integers(0, 20),
    st.integers(0, 8),
    st.sampled_from(LABELS),
)
annotations = st.lists(spans, max_size=8)


def kinds(gold: list[Span], predicted: list[Span]) -> Counter[PairKind]:
    return Counter(match.kind for match in match_spans(gold, predicted))


GOLD = Span(10, 20, "CITY")

SCENARIOS = [
    ("correct", [GOLD], [GOLD], {PairKind.CORRECT: 1}),
    ("spurious", [], [GOLD], {PairKind.SPURIOUS: 1}),
    ("missed", [GOLD], [], {PairKind.MISSED: 1}),
    ("type", [GOLD], [Span(10, 20, "EMAIL")], {PairKind.TYPE: 1}),
    ("boundary too long", [GOLD], [Span(9, 20, "CITY")], {PairKind.BOUNDARY: 1}),
    ("boundary too short", [GOLD], [Span(11, 20, "CITY")], {PairKind.BOUNDARY: 1}),
    ("boundary and type", [GOLD], [Span(9, 20, "EMAIL")], {PairKind.BOUNDARY_AND_TYPE: 1}),
    ("touching is not overlap", [GOLD], [Span(20, 25, "CITY")], {PairKind.MISSED: 1, PairKind.SPURIOUS: 1}),
    ("split", [GOLD], [Span(10, 14, "CITY"), Span(15, 20, "CITY")], {PairKind.BOUNDARY: 1, PairKind.SPURIOUS: 1}),
    (
        "merged",
        [Span(0, 4, "CITY"), Span(5, 9, "CITY")],
        [Span(0, 9, "CITY")],
        {PairKind.BOUNDARY: 1, PairKind.MISSED: 1},
    ),
    ("predicted twice", [GOLD], [GOLD, GOLD], {PairKind.CORRECT: 1, PairKind.SPURIOUS: 1}),
    ("gold twice", [GOLD, GOLD], [GOLD], {PairKind.CORRECT: 1, PairKind.MISSED: 1}),
    ("both empty", [], [], {}),
]


@pytest.mark.parametrize(("gold", "predicted", "expected"), [s[1:] for s in SCENARIOS], ids=[s[0] for s in SCENARIOS])
def test_semeval_scenarios(gold, predicted, expected):
    assert kinds(gold, predicted) == expected


def test_exact_match_goes_before_a_larger_overlap_seen_first():
    gold = [Span(5, 10, "CITY")]
    predicted = [Span(0, 11, "CITY"), Span(5, 10, "CITY")]
    matched = [match.predicted for match in match_spans(gold, predicted) if match.kind is PairKind.CORRECT]
    assert matched == [Span(5, 10, "CITY")]


def test_same_label_goes_before_a_larger_overlap_of_another_label():
    [*matches] = match_spans([Span(0, 10, "CITY")], [Span(0, 9, "EMAIL"), Span(8, 20, "CITY")])
    assert {(m.predicted, m.kind) for m in matches} == {
        (Span(8, 20, "CITY"), PairKind.BOUNDARY),
        (Span(0, 9, "EMAIL"), PairKind.SPURIOUS),
    }


def test_larger_overlap_wins_then_the_earlier_start():
    gold = [Span(10, 20, "CITY")]
    by_overlap = match_spans(gold, [Span(8, 14, "CITY"), Span(12, 20, "CITY")])
    assert [m.predicted for m in by_overlap if m.kind is PairKind.BOUNDARY] == [Span(12, 20, "CITY")]
    by_start = match_spans(gold, [Span(10, 14, "CITY"), Span(16, 20, "CITY")])
    assert [m.predicted for m in by_start if m.kind is PairKind.BOUNDARY] == [Span(10, 14, "CITY")]


def test_as_many_overlaps_as_possible_are_paired():
    gold = [Span(5, 9, "B"), Span(9, 10, "B")]
    predicted = [Span(0, 4, "A"), Span(5, 6, "C"), Span(7, 10, "B")]
    assert kinds(gold, predicted) == {PairKind.BOUNDARY: 1, PairKind.BOUNDARY_AND_TYPE: 1, PairKind.SPURIOUS: 1}


def measure_best(gold: list[Span], predicted: list[Span]) -> tuple[float, int]:
    """Partial credit of the best one-to-one pairing, and the most equal labels among the best, by brute force."""
    if not gold:
        return 0.0, 0
    first, *rest = gold
    best = measure_best(rest, predicted)
    for place, other in enumerate(predicted):
        if other[:2] == first[:2] or measure_iou(first, other) > 0:
            credit, same = measure_best(rest, predicted[:place] + predicted[place + 1 :])
            earned = 1.0 if other[:2] == first[:2] else 0.5
            best = max(best, (credit + earned, same + (other.label == first.label)))
    return best


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5))
def test_partial_credit_is_the_best_possible(gold, predicted):
    matches = match_spans(gold, predicted)
    assert count_matches(matches, Scheme.PARTIAL).found == measure_best(gold, predicted)[0]


@given(st.lists(spans.map(lambda span: span._replace(start=span.start, end=span.end + 1)), max_size=5, unique=True))
def test_overlaps_prefer_the_same_label(gold):
    predicted = [span._replace(end=span.end + 1) for span in gold]
    if not {span[:2] for span in gold} & {span[:2] for span in predicted}:
        assert kinds(gold, predicted) == ({PairKind.BOUNDARY: len(gold)} if gold else {})


def test_many_spans_that_all_overlap_are_assigned():
    gold = [Span(start, start + 300, "CITY") for start in range(300)]
    predicted = [span._replace(start=span.start + 301, end=span.end + 302) for span in gold]
    counts = kinds(gold, predicted)
    assert (counts[PairKind.BOUNDARY], counts[PairKind.MISSED]) == (298, 2)


def test_pairs_carry_the_very_objects_that_were_given():
    gold, predicted = Entity(0, 4, "CITY", id="g"), Entity(0, 4, "CITY", id="p", score=0.5)
    [match] = match_spans([gold], [predicted])
    assert match.gold is gold
    assert match.predicted is predicted
    assert match.same_label
    assert match.same_boundaries


@given(annotations, annotations)
def test_every_span_is_paired_exactly_once(gold, predicted):
    matches = match_spans(gold, predicted)
    assert Counter(m.gold for m in matches if m.gold) == Counter(gold)
    assert Counter(m.predicted for m in matches if m.predicted) == Counter(predicted)


@given(annotations, annotations)
def test_kinds_say_what_the_pair_shows(gold, predicted):
    for match in match_spans(gold, predicted):
        if match.gold is None:
            assert match.kind is PairKind.SPURIOUS
        elif match.predicted is None:
            assert match.kind is PairKind.MISSED
        else:
            assert match.same_boundaries == (match.gold[:2] == match.predicted[:2])
            assert match.same_label == (match.gold.label == match.predicted.label)
            assert match.same_boundaries or measure_iou(match.gold, match.predicted) > 0


@given(annotations, annotations, st.integers())
def test_order_of_input_does_not_matter(gold, predicted, seed):
    shuffled_gold, shuffled_predicted = list(gold), list(predicted)
    Random(seed).shuffle(shuffled_gold)
    Random(seed + 1).shuffle(shuffled_predicted)
    assert match_spans(gold, predicted) == match_spans(shuffled_gold, shuffled_predicted)


@given(annotations, annotations)
def test_swapping_the_sides_mirrors_the_pairs(gold, predicted):
    mirrored = {PairKind.MISSED: PairKind.SPURIOUS, PairKind.SPURIOUS: PairKind.MISSED}
    straight = Counter((m.gold, m.predicted, m.kind) for m in match_spans(gold, predicted))
    swapped = Counter((m.predicted, m.gold, mirrored.get(m.kind, m.kind)) for m in match_spans(predicted, gold))
    assert straight == swapped


@given(annotations)
def test_an_annotation_matches_itself(annotation):
    assert kinds(annotation, annotation) == ({PairKind.CORRECT: len(annotation)} if annotation else {})


@given(annotations, annotations)
def test_correct_pairs_are_the_multiset_intersection(gold, predicted):
    assert kinds(gold, predicted)[PairKind.CORRECT] == (Counter(gold) & Counter(predicted)).total()


def test_one_long_text_with_every_boundary_wrong_costs_no_square_of_its_spans():
    gold = [Span(place, place + 6, "CITY") for place in range(0, 400_000, 20)]
    predicted = [Span(span.start + 3, span.end + 3, "CITY") for span in gold]
    begun = process_time()
    assert {match.kind for match in match_spans(gold, predicted)} == {PairKind.BOUNDARY}
    assert process_time() - begun < 10
