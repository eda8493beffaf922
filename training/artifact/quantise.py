"""INT8 variants of an ONNX graph, the smallest first: dynamic quantisation per channel (onnxruntime)."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INT8, MIXED, FP32 = "int8", "int8-mixed", "fp32"
PRECISIONS = (INT8, MIXED, FP32)
"""Fall-back steps: all weights as INT8; the feed-forward layers of the first and last block as fp32; nothing."""

_LAYER = re.compile(r"layers?\.(\d+)")


def quantise(model: bytes, precision: str) -> bytes:
    """The graph in the given precision."""
    if precision == FP32:
        return model
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _hold_back_advice(), tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.onnx", Path(folder) / "quantized.onnx"
        source.write_bytes(model)
        quantize_dynamic(
            source,
            target,
            weight_type=QuantType.QInt8,
            per_channel=True,
            nodes_to_exclude=list_sensitive(model) if precision == MIXED else None,
        )
        return target.read_bytes()


@contextmanager
def _hold_back_advice() -> Iterator[None]:
    """The quantiser logs to the root logger that pre-processing is advised; dynamic quantisation needs none."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def list_sensitive(model: bytes) -> list[str]:
    """Names of the matrix products in the feed-forward layers of the first and the last block, and of the heads."""
    import onnx

    graph: Any = onnx.load_from_string(model).graph
    products = [node.name for node in graph.node if node.op_type in ("MatMul", "Gemm")]
    layers = {name: int(match[1]) for name in products if (match := _LAYER.search(name))}
    last = max(layers.values(), default=0)
    inside = [name for name, layer in layers.items() if layer in (0, last) and "attention" not in name]
    return [*inside, *(name for name in products if name not in layers)]
