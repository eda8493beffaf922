from dataclasses import replace
from itertools import pairwise

import pytest

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.results.slices import (
    filter_documents,
    name_length_band,
    sample_documents,
    slice_scores,
    sum_counts,
)
from goldspan.evaluation.scores.spans import Scheme, SpanCounts
from goldspan.evaluation.scores.table import measure_document


@pytest.mark.parametrize(
    ("length", "band"), [(0, "0-199"), (199, "0-199"), (200, "200-499"), (999, "500-999"), (5000, "5000+")]
)
def test_length_bands(length, band):
    assert name_length_band(length) == band


def test_slices_add_up_to_the_whole(labels, samples):
    measured = [measure_document(document, labels) for document in pair_samples(samples, samples).documents]
    slices = slice_scores(measured, Scheme.STRICT, 2.0)
    assert set(slices) == {"language", "country", "document_type", "length"}
    assert list(slices["language"]) == ["de", "en", "fr"]
    assert slices["language"]["en"]["documents"] == 2
    assert slices["language"]["en"]["recall"] == 0.75
    assert slices["language"]["fr"]["precision"] == 0.0
    assert slices["language"]["fr"]["zero_leak_rate"] == 1.0
    total = sum_counts(measured, Scheme.STRICT)
    assert total == SpanCounts(6, 6, 3, 3)
    for parts in slices.values():
        assert sum(part["documents"] for part in parts.values()) == len(measured)
        assert sum(part["gold"] for part in parts.values()) == total.gold


def test_documents_can_be_filtered_by_dimension(samples):
    pairing = pair_samples(samples, samples)
    kept = filter_documents(pairing, {"language": "de", "length": "0-199"})
    assert [document.sample_id for document in kept.documents] == ["sample-2", "sample-3"]
    assert filter_documents(pairing, {}) == pairing
    with pytest.raises(InputError, match="none of 5 has language=it"):
        filter_documents(pairing, {"language": "it"})
    with pytest.raises(UnknownNameError, match="Did you mean language"):
        filter_documents(pairing, {"languages": "de"})


def test_a_sample_of_documents_is_stable_and_grows(samples):
    pairing = pair_samples(samples, samples)
    chosen = [[d.sample_id for d in sample_documents(pairing, count).documents] for count in range(1, 7)]
    assert [len(names) for names in chosen] == [1, 2, 3, 4, 5, 5]
    for fewer, more in pairwise(chosen):
        assert set(fewer) <= set(more)
        assert more == sorted(more)
    assert sample_documents(pairing, 0) == pairing
    last = next(iter(set(chosen[4]) - set(chosen[3])))
    without = replace(pairing, documents=tuple(d for d in pairing.documents if d.sample_id != last))
    assert sample_documents(without, 3) == sample_documents(pairing, 3)
