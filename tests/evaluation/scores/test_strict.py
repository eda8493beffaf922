import tracemalloc
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity, Span
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_by_label, is_exact
from goldspan.evaluation.scores.strict import SpanColumns, collect_columns, count_strict, number_labels, score_strict

spans = st.builds(
    lambda start, length, label: Span(start, start + length, label),
    st.integers(0, 12),
    st.integers(0, 4),
    st.sampled_from(("CITY", "EMAIL", "SURNAME")),
)
corpora = st.lists(st.tuples(st.lists(spans, max_size=6), st.lists(spans, max_size=6)), max_size=6)


@given(corpora)
def test_columns_count_what_the_matcher_counts(corpus):
    golds, predictions = [gold for gold, _ in corpus], [predicted for _, predicted in corpus]
    matches = [match_spans(gold, predicted) for gold, predicted in corpus]
    expected = count_by_label((match for document in matches for match in document), Scheme.STRICT)
    assert score_strict(golds, predictions) == expected
    numbers = number_labels(golds, predictions)
    counts = count_strict(
        collect_columns(golds, numbers),
        collect_columns(predictions, numbers),
        documents=len(corpus),
        labels=len(numbers),
    )
    assert counts.exact.tolist() == [is_exact(document) for document in matches]
    assert counts.micro == sum(expected.values(), SpanCounts())


def test_spans_predicted_twice_count_once_as_right():
    counts = score_strict([[Entity(0, 4, "CITY")]], [[Entity(0, 4, "CITY"), Entity(0, 4, "CITY")]])
    assert counts == {"CITY": SpanCounts(1, 2, 1, 1)}


def test_huge_offsets_do_not_overflow_the_packed_key():
    huge = 2**31 - 2
    gold = [[Span(huge - 1, huge, "CITY"), Span(0, huge, "EMAIL")] for _ in range(100)]
    predicted = [[Span(huge - 1, huge, "CITY"), Span(1, huge, "EMAIL")] for _ in range(100)]
    assert score_strict(gold, predicted) == {
        "CITY": SpanCounts(100, 100, 100, 100),
        "EMAIL": SpanCounts(100, 100, 0, 0),
    }


def make_columns(rng: np.random.Generator, documents: int, each: int) -> SpanColumns:
    starts = rng.integers(0, 2000, documents * each).astype(np.int32)
    return SpanColumns(
        document=np.repeat(np.arange(documents, dtype=np.int32), each),
        start=starts,
        end=starts + rng.integers(1, 20, starts.size).astype(np.int32),
        label=rng.integers(0, 26, starts.size).astype(np.int32),
    )


def test_counting_needs_at_most_twice_the_memory_of_its_input():
    rng = np.random.default_rng(0)
    gold, predicted = make_columns(rng, 10_000, 8), make_columns(rng, 10_000, 8)
    size = sum(getattr(side, name).nbytes for side in (gold, predicted) for name in SpanColumns.__slots__)
    tracemalloc.start()
    count_strict(gold, predicted, documents=10_000, labels=26)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 2 * size


def test_against_a_plain_multiset_intersection():
    rng = np.random.default_rng(1)
    gold, predicted = make_columns(rng, 300, 60), make_columns(rng, 300, 60)

    def rows(side):
        return Counter(zip(*(getattr(side, name).tolist() for name in SpanColumns.__slots__), strict=True))

    shared = rows(gold) & rows(predicted)
    assert count_strict(gold, predicted, documents=300, labels=26).micro.found == shared.total() > 0
