import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.schemes import score_schemes
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_by_label
from goldspan.evaluation.scores.strict import score_strict

spans = st.builds(
    lambda start, length, label: Span(start, start + length, label),
    st.integers(0, 15),
    st.integers(0, 6),
    st.sampled_from(("CITY", "EMAIL", "SURNAME", "ZIP")),
)
documents = st.lists(st.tuples(st.lists(spans, max_size=7), st.lists(spans, max_size=7)), max_size=5)


@given(documents)
def test_both_engines_count_the_same(pairs):
    gold, predicted = [one for one, _ in pairs], [other for _, other in pairs]
    counts = score_schemes(gold, predicted)
    matches = [match for one, other in pairs for match in match_spans(one, other)]
    for scheme in Scheme:
        assert counts[scheme] == count_by_label(matches, scheme), scheme
    assert counts[Scheme.STRICT] == score_strict(gold, predicted)


def test_documents_do_not_touch_each_other():
    gold = [[Span(0, 5, "CITY")], [], [Span(3, 9, "CITY")]]
    predicted = [[], [Span(0, 5, "CITY")], [Span(3, 8, "CITY")]]
    counts = score_schemes(gold, predicted)
    assert counts[Scheme.PARTIAL]["CITY"].found == 0.5
    assert counts[Scheme.STRICT]["CITY"].found == 0


def test_nothing_and_unequal_corpora():
    assert score_schemes([], []) == {scheme: {} for scheme in Scheme}
    assert score_schemes([[]], [[]]) == {scheme: {} for scheme in Scheme}
    with pytest.raises(ValueError, match="1 documents of gold against 2"):
        score_schemes([[]], [[], []])


def test_corpora_larger_than_a_chunk():
    gold = [[Span(number % 7, number % 7 + 3, "CITY")] for number in range(20_000)]
    predicted = [[Span(2, 5, "CITY")] for _ in range(20_000)]
    counts = score_schemes(gold, predicted)
    matches = [match for one, other in zip(gold[:7], predicted[:7], strict=True) for match in match_spans(one, other)]
    expected = count_by_label(matches, Scheme.TYPE)
    assert counts[Scheme.STRICT]["CITY"].found == sum(number % 7 == 2 for number in range(20_000))
    assert counts[Scheme.TYPE]["CITY"].found == pytest.approx(expected["CITY"].found * 20_000 / 7, rel=0.001)


def test_texts_that_are_too_long_for_one_line_of_numbers():
    long = 10**9
    gold = [[Span(0, long, "CITY"), Span(5, 9, "ZIP")], [Span(3, long, "CITY")]]
    predicted = [[Span(0, long - 1, "CITY"), Span(5, 9, "CITY")], [Span(3, long, "CITY")]]
    matches = [match for one, other in zip(gold, predicted, strict=True) for match in match_spans(one, other)]
    assert score_schemes(gold * 3000, predicted * 3000) == {
        scheme: {
            label: SpanCounts(3000 * c.gold, 3000 * c.predicted, 3000 * c.found, 3000 * c.right)
            for label, c in count_by_label(matches, scheme).items()
        }
        for scheme in Scheme
    }
