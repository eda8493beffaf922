"""From the trained network to an ONNX graph: opset 18, dynamic batch and length, weights inside the file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from goldspan.annotation.errors import StateError
from goldspan.annotation.wording import describe_error
from goldspan.predictors.model.runtime import INPUTS, OUTPUTS
from goldspan.training.models.network import SpanNetwork

OPSET = 18
ALIAS = "logits"
"""Another name of `pii_logits`: what transformers.js reads."""


def write_graph(
    module: nn.Module, inputs: Sequence[str], outputs: Sequence[str], axes: Mapping[str, Mapping[int, str]]
) -> bytes:
    """A module that takes ids and mask as an ONNX graph, its weights inside.

    Args:
        module: what is traced, in evaluation mode.
        inputs: names of ids and mask, both int64 of shape (rows, tokens).
        outputs: names of what it returns.
        axes: the axes of each name whose length varies.

    Raises:
        StateError: the exporter cannot write this architecture.
    """
    ids = torch.ones(2, 16, dtype=torch.int64)
    buffer: Any = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                module.eval(),
                (ids, torch.ones_like(ids)),
                buffer,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
        except Exception as error:  # noqa: BLE001
            raise StateError(
                f"This encoder cannot be exported to ONNX: {describe_error(error)[:200]}. "
                "Choose another encoder; `goldspan model encoders` lists those that are known to work."
            ) from None
    graph: bytes = buffer.getvalue()
    return graph


class _Traced(nn.Module):
    def __init__(self, network: SpanNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        outputs = self._network(input_ids, attention_mask)
        return outputs.pii_logits, outputs.mention_logits, outputs.coref_q, outputs.coref_k


def export_onnx(network: SpanNetwork) -> bytes:
    """The graph with outputs `pii_logits`, `mention_logits`, `coref_q`, `coref_k` and `logits`.

    Raises:
        StateError: the exporter cannot write this architecture.
    """
    import onnx
    from onnx import helper

    axes = {name: {0: "batch", 1: "tokens"} for name in (*INPUTS, *OUTPUTS)}
    with _spell_out_attention(network.tagger):
        graph = write_graph(_Traced(network), INPUTS, OUTPUTS, axes)
    model = onnx.load_from_string(graph)
    model.graph.node.append(helper.make_node("Identity", [OUTPUTS[0]], [ALIAS]))
    alias = next(output for output in model.graph.output if output.name == OUTPUTS[0])
    copied = onnx.ValueInfoProto()
    copied.CopyFrom(alias)
    copied.name = ALIAS
    model.graph.output.append(copied)
    data: bytes = model.SerializeToString()
    return data


@contextmanager
def _spell_out_attention(tagger: Any) -> Iterator[None]:
    """Attention as two products and a softmax: the exporter writes torch's fused one with tests of every weight for
    NaN, at 3 % (128 tokens) to 10 % (512) of a BERT's INT8 time.
    """
    before = tagger.config._attn_implementation
    tagger.set_attn_implementation("eager")
    try:
        yield
    finally:
        tagger.set_attn_implementation(before)
