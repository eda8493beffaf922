from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.uncertainty import (
    combine_scores,
    count_tokens,
    measure_uncertainty,
    score_entities,
    score_tokens,
)
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.predictors.registry import open_predictor

MODEL = Author.model("m")


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 1), ("Ann met Bob.", 4), ("東京に行く", 5), ("a-b", 3), ("O’Neill 12", 4)]
)
def test_tokens_are_words_and_marks(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


def test_uncertainty_counts_every_token() -> None:
    score = score_tokens([1.0, 0.5, 1.0, 1.0])
    assert measure_uncertainty(Annotation(MODEL, score=score), 4) == pytest.approx(100 * math.log(2) / 4, rel=1e-3)


def test_rules_are_scored_by_their_entities() -> None:
    entities = (Entity(0, 1, "A", score=0.9), Entity(2, 3, "A", score=0.5))
    expected = 100 * (0.1 + 0.5 + 0.1) / 10
    assert measure_uncertainty(Annotation(MODEL, entities), 10) == pytest.approx(expected)
    assert score_entities("a b c d e f g h i j", entities) == pytest.approx(1 / (1 + expected), abs=1e-6)
    assert measure_uncertainty(Annotation(MODEL, (Entity(0, 1, "A"),)), 10) is None


def test_a_combination_is_as_unsure_as_its_parts_on_average() -> None:
    assert combine_scores([1 / 2, None, 1 / 4]) == pytest.approx(1 / 3, abs=1e-6)
    assert combine_scores([None, None]) is None


@given(st.lists(st.floats(0, 1), max_size=20))
def test_scores_are_between_0_and_1_and_fall_with_doubt(probabilities: list[float]) -> None:
    score = score_tokens(probabilities)
    assert 0 < score <= 1
    assert score_tokens([*probabilities, 1.0]) >= score
    if probabilities:
        assert score_tokens([0.0] * len(probabilities)) <= score


@pytest.mark.parametrize("name", ["regex", "schema"])
def test_predictors_on_this_machine_give_scores_that_order(name: str) -> None:
    predictor = open_predictor(name, load_labels())
    texts = ["Nothing here at all, nothing to be found in this text.", "Write to ann.lee@mail.net or +44 20 7946 0018."]
    scores = [predictor.predict_sync(text, "en", "GB").score for text in texts]
    assert None not in scores
    assert len(set(scores)) == 2
