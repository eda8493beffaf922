"""The training backend itself as the learner of a simulation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldspan.annotation.types import Annotation, Author
from goldspan.training.loop.simulation.learners import EncoderLearner
from goldspan.training.loop.simulation.run import SimulationSettings, make_learner
from goldspan.training.loop.simulation.truth import make_text
from tests.training.tiny_model import make_config, make_labels, make_sample

pytest.importorskip("torch")
LABELS = make_labels()


def test_the_encoder_learns_and_scores_texts() -> None:
    texts = [make_text(make_sample(number), 1, 0.2, LABELS) for number in range(70)]
    texts = [replace(one, suggestions=one.suggestions | {"regex": Annotation(Author.model("regex"))}) for one in texts]
    learner = EncoderLearner(LABELS, make_config(token_budget=12_000, evaluations=1))
    found = learner.fit(texts[:60], texts[60:])(texts[60:], ())
    gold = [set(one.gold.entities) for one in texts[60:]]
    right = sum(len(set(one.entities) & spans) for one, spans in zip(found, gold, strict=True))
    assert right > 0.5 * sum(map(len, gold))
    assert all(one.score is not None and 0 < one.score <= 1 for one in found)
    assert "token-classifier from tiny" in learner.name


def test_where_there_is_nothing_to_learn_the_patterns_stay() -> None:
    texts = [make_text(make_sample(number), 1, 0.2, LABELS) for number in range(3)]
    texts = [replace(one, suggestions=one.suggestions | {"regex": one.gold}) for one in texts]
    for patterns in (True, False):
        learner = EncoderLearner(LABELS, make_config(), patterns)
        found = learner.fit(texts[:1], texts[1:])(texts, ())
        assert [one.entities for one in found] == [one.gold.entities if patterns else () for one in texts]


def test_the_method_decides_the_learner() -> None:
    settings = SimulationSettings(base="regex", method="token-classifier", encoder="tiny", token_budget=5_000)
    learner = make_learner(settings, LABELS)
    assert isinstance(learner, EncoderLearner)
    assert (learner.config.model.name, learner.config.training.token_budget, learner.patterns) == ("tiny", 5_000, True)
    other = make_learner(replace(settings, base="rampart"), LABELS, 7)
    assert isinstance(other, EncoderLearner)
    assert (other.patterns, other.config.training.seed) == (False, 7)
    assert make_learner(SimulationSettings(), LABELS).name == "crf on regex"
