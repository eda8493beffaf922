import pytest

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.predictors import open_predictor

LABELS = load_labels()


def test_a_language_model_takes_its_options():
    predictor = open_predictor("llm", LABELS, model="some-model", api_url="http://127.0.0.1:1/v1", shots=2, workers=3)
    assert predictor.model_version == "llm-some-model-1"


def test_options_of_one_predictor_are_refused_by_another():
    with pytest.raises(ConfigurationError, match="no option shots"):
        open_predictor("regex", LABELS, shots=2)


def test_a_language_model_is_among_the_known_names():
    with pytest.raises(UnknownNameError, match="Did you mean llm"):
        open_predictor("lm", LABELS)
