from collections.abc import Sequence
from dataclasses import replace

import pytest

from goldspan.annotation.errors import ServiceError, TerminalServiceError
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.evaluation.matching.documents import pair_gold
from goldspan.evaluation.results.evaluate import evaluate_pairing
from goldspan.evaluation.results.timing import describe_timing, run_predictor
from goldspan.predictors.base import LocalPredictor, Prediction, RemotePredictor, TextInput, Usage


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
    run = run_predictor(pair_gold(samples), FirstWord(), workers)
    pairing, timing = run.pairing, run.timing
    assert [document.sample_id for document in pairing.documents] == [f"sample-{number}" for number in range(5)]
    assert pairing.documents[0].predicted.entities == (Entity(0, 5, "FIRSTNAME"),)
    assert [document.sample_id for document in pairing.documents if document.failure] == ["sample-2", "sample-3"]
    assert pairing.documents[2].failure == "first-word failed: no German"
    assert pairing.exclusions == ()
    assert (pairing.model, pairing.predicted_source) == ("first-word-1", "prediction")
    assert (timing["documents"], timing["failures"]) == (3, 2)
    assert 0 <= timing["latency_p50_seconds"] <= timing["latency_p95_seconds"] <= timing["wall_seconds"]


def test_a_predictor_that_reads_nothing_is_an_error(samples):
    with pytest.raises(ServiceError, match="read none of 2 texts"):
        run_predictor(pair_gold(samples[2:4]), FirstWord())


def test_a_failed_text_counts_as_nothing_found(samples, labels):
    pairing = run_predictor(pair_gold(samples), FirstWord()).pairing
    result = evaluate_pairing(pairing, labels)
    assert result.metrics["gold"] == sum(len(sample.best.entities) for sample in samples)
    assert (result.data["documents"], result.data["failures"]) == (5, 2)
    assert result.documents["failed"] == [0, 0, 1, 1, 0]
    kept = replace(pairing, documents=tuple(d for d in pairing.documents if not d.failure))
    assert result.metrics["recall"] < evaluate_pairing(kept, labels).metrics["recall"]


class Remembering(RemotePredictor):
    """Answers every other text from its cache."""

    name = "remembering"

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        cached = language == "de"
        usage = Usage(cached=1) if cached else Usage(100, 10, requests=1)
        return Prediction(Annotation(Author.model("m")), usage, 0.0001 if cached else 2.0)


def test_latency_is_that_of_fresh_answers(samples):
    run = run_predictor(pair_gold(samples), Remembering())
    timing = run.timing
    assert run.usage == Usage(prompt_tokens=300, completion_tokens=30, requests=3, cached=2)
    assert (timing["documents"], timing["cached"], timing["failures"]) == (3, 2, 0)
    assert (timing["latency_p50_seconds"], timing["documents_per_second"]) == (2.0, None)
    timing = run_predictor(pair_gold(samples[2:4]), Remembering()).timing
    assert (timing["documents"], timing["latency_p50_seconds"]) == (0, None)


def test_timing_of_nothing_is_not_known():
    timing = describe_timing([], 0.0)
    assert timing["latency_p50_seconds"] is None
    assert timing["documents_per_second"] is None
