from __future__ import annotations

from collections.abc import Sequence

import pytest

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.run import add_prediction, iter_outcomes

CREDIT = {"work": "weights", "licence": "CC BY 4.0"}


class Credited(LocalPredictor):
    name = "credited"
    attribution = CREDIT

    def __init__(self) -> None:
        self.closed = False

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        if any(text.text == "bad" for text in texts):
            raise TransientServiceError("busy")
        return [Annotation(Author.model(self.model_version), id=text.text) for text in texts]

    async def aclose(self) -> None:
        self.closed = True


def test_outcomes_come_in_order_and_the_predictor_is_closed() -> None:
    predictor = Credited()
    outcomes = list(iter_outcomes(predictor, [Sample("a", "en"), Sample("bad", "en"), Sample("c", "en")]))
    assert [outcome.annotation.id if outcome.annotation else str(outcome.error) for outcome in outcomes] == [
        "a",
        "busy",
        "c",
    ]
    assert predictor.closed


def test_stopping_early_closes_the_predictor_too() -> None:
    predictor = Credited()
    outcomes = iter_outcomes(predictor, (Sample(str(n), "en") for n in range(100)))
    next(outcomes)
    outcomes.close()
    assert predictor.closed


@pytest.mark.parametrize("times", [1, 2])
def test_a_prediction_replaces_the_models_older_one_and_carries_attribution_once(times: int) -> None:
    person = Annotation(Author.person("ann"))
    sample = Sample("text", "en", annotations=(person, Annotation(Author.model("other-1"))), provenance={"run": "r"})
    for number in range(times):
        new = Annotation(Author.model("credited-1"), id=str(number))
        sample = add_prediction(sample, new, Credited())
    assert [a.author.name for a in sample.annotations] == ["ann", "other-1", "credited-1"]
    assert sample.annotations[-1].id == str(times - 1)
    assert sample.provenance == {"run": "r", "attribution": [CREDIT]}
