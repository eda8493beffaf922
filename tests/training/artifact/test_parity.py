from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.predictors.model.runtime import INPUTS, OUTPUTS
from goldspan.training.artifact import parity
from goldspan.training.artifact.outputs import SpanScores
from goldspan.training.artifact.parity import choose_precision, compare_scores
from goldspan.training.models.encoders.tiny import make_tokenizer


def make_scores(gold: int, found: int, leakage: float) -> SpanScores:
    return SpanScores({"CITY": SpanCounts(gold=gold, predicted=gold, found=found, right=found)}, leakage)


@pytest.mark.parametrize(
    ("reference", "smaller", "fault"),
    [
        ((1000, 900, 0.1), (1000, 895, 0.1), ""),
        ((1000, 900, 0.1), (1000, 880, 0.1), "strict F1 differs by 0.0200"),
        ((1000, 900, 0.1), (1000, 900, 0.103), "leakage grows by 0.0030"),
        ((0, 0, 0.0), (0, 0, 0.0), "no entity to compare on"),
    ],
)
def test_a_smaller_graph_has_to_be_shown_as_good(
    reference: tuple[int, int, float], smaller: tuple[int, int, float], fault: str
) -> None:
    faults = compare_scores(make_scores(*reference), make_scores(*smaller))
    assert fault in "; ".join(faults)
    assert bool(faults) is bool(fault)


TEXT = "Ann lives in Berlin"
GOLD = Annotation(Author.person("1"), (Entity(TEXT.index("Berlin"), len(TEXT), "CITY"),))
SAMPLE = Sample(TEXT, "en", "DE", "note", (GOLD,), {}, "s1")
TAGS = ("O", "B-CITY", "I-CITY")
TOKENIZER = make_tokenizer([TEXT])


def make_graph(**poisoned: float) -> bytes:
    """A graph that looks each token up: Berlin is a city; in the outputs named, a value stands for every token."""
    onnx = pytest.importorskip("onnx")
    tokenizer = load_tokenizer(TOKENIZER)
    tables = {name: np.zeros((tokenizer.get_vocab_size(), 3), dtype=np.float32) for name in OUTPUTS}
    tables["pii_logits"][:, 0] = 1
    tables["pii_logits"][tokenizer.token_to_id("Berlin")] = (0, 9, 0)
    for name, value in poisoned.items():
        tables[name][:, 2] = value
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Identity", [INPUTS[1]], ["unused"]),
            *(helper.make_node("Gather", [f"{name}_table", INPUTS[0]], [name]) for name in OUTPUTS),
        ],
        "lookup",
        [helper.make_tensor_value_info(name, kinds.INT64, ["rows", "tokens"]) for name in INPUTS],
        [helper.make_tensor_value_info(name, kinds.FLOAT, ["rows", "tokens", 3]) for name in OUTPUTS],
        [onnx.numpy_helper.from_array(table, f"{name}_table") for name, table in tables.items()],
    )
    model: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_graph_that_gives_nan_is_refused_and_the_next_one_taken(
    monkeypatch: pytest.MonkeyPatch, output: str, value: float
) -> None:
    pytest.importorskip("onnxruntime")
    smaller = {"int8": make_graph(**{output: value}), "int8-mixed": make_graph()}
    monkeypatch.setattr(parity, "quantise", lambda model, precision: smaller[precision])
    chosen = choose_precision(make_graph(), TOKENIZER, [SAMPLE], TAGS, WindowSize())
    assert chosen.precision == chosen.report["chosen"] == "int8-mixed"
    assert chosen.model == smaller["int8-mixed"]
    assert ["NaN" in "".join(one["faults"]) for one in chosen.report["tried"]] == [True, False]


def test_a_model_that_gives_nan_in_fp32_is_refused() -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(StateError, match="NaN or infinite values for texts of the validation split"):
        choose_precision(make_graph(coref_q=np.nan), TOKENIZER, [SAMPLE], TAGS, WindowSize())
