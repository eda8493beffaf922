"""The exported graph spells attention out, gives what the network gives, and leaves the network as it was."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("transformers")
pytest.importorskip("onnxruntime")

from goldspan.predictors.model.runtime import INPUTS, OUTPUTS  # noqa: E402
from goldspan.predictors.onnx import open_session  # noqa: E402
from goldspan.training.artifact.export import export_onnx  # noqa: E402
from goldspan.training.models.network import SpanNetwork  # noqa: E402


def test_the_graph_gives_what_the_network_gives_without_tests_for_nan() -> None:
    from transformers import BertConfig, BertForTokenClassification

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, num_labels=5
    )
    tagger = BertForTokenClassification(config).eval()
    network = SpanNetwork(tagger, 16).eval()
    before = tagger.config._attn_implementation
    graph = export_onnx(network)
    assert tagger.config._attn_implementation == before
    assert "IsNaN" not in {node.op_type for node in onnx.load_from_string(graph).graph.node}

    ids = np.array([[2, 7, 9, 3, 0, 0], [2, 8, 4, 5, 6, 3]], dtype=np.int64)
    mask = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]], dtype=np.int64)
    found = open_session(graph, "tiny").run(list(OUTPUTS), dict(zip(INPUTS, (ids, mask), strict=True)))
    with torch.inference_mode():
        wanted = network(torch.from_numpy(ids), torch.from_numpy(mask))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one[0, :4], other[0, :4], atol=1e-5)
        np.testing.assert_allclose(one[1], other[1], atol=1e-5)
