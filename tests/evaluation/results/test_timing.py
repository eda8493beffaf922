from collections.abc import Sequence

import pytest

from goldspan.annotation.errors import ServiceError, TerminalServiceError
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.evaluation.matching.documents import pair_gold
from goldspan.evaluation.results.timing import describe_timing, run_predictor
from goldspan.predictors.base import LocalPredictor, TextInput


class FirstWord(LocalPredictor):
    """Takes the first word for a name; fails on German."""

    name = "first-word"

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        if any(text.language == "de" for text in texts):
            raise TerminalServiceError("no German")
        author = Author.model(self.model_version)
        return [Annotation(author, (Entity(0, len(text.text.split()[0]), "FIRSTNAME"),)) for text in texts]


@pytest.mark.parametrize("workers", [1, 3])
def test_every_text_is_read_and_failures_are_named(samples, workers):
    pairing, timing = run_predictor(pair_gold(samples), FirstWord(), workers)
    assert [document.sample_id for document in pairing.documents] == ["sample-0", "sample-1", "sample-4"]
    assert pairing.documents[0].predicted.entities == (Entity(0, 5, "FIRSTNAME"),)
    assert [exclusion.sample_id for exclusion in pairing.exclusions] == ["sample-2", "sample-3"]
    assert pairing.exclusions[0].reason == "first-word failed: no German"
    assert (pairing.model, pairing.predicted_source) == ("first-word-1", "prediction")
    assert (timing["documents"], timing["failures"]) == (3, 2)
    assert 0 <= timing["latency_p50_seconds"] <= timing["latency_p95_seconds"] <= timing["wall_seconds"]


def test_a_predictor_that_reads_nothing_is_an_error(samples):
    with pytest.raises(ServiceError, match="read none of 2 texts"):
        run_predictor(pair_gold(samples[2:4]), FirstWord())


def test_timing_of_nothing_is_not_known():
    timing = describe_timing([], 0.0)
    assert timing["latency_p50_seconds"] is None
    assert timing["documents_per_second"] is None
