"""Embeddings of texts: an encoder as ONNX graph, without torch.

A folder that `goldspan model prepare-embedder` writes holds `embedding.onnx` (inputs `input_ids`, `attention_mask`,
output `embedding`: the mean of the last hidden states over the tokens) and `tokenizer.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.extras import require_packages
from goldspan.predictors.onnx import open_session

GRAPH, TOKENIZER = "embedding.onnx", "tokenizer.json"
_TOKENS = 256
"""Tokens of one run; longer texts are read in parts, and their means weighted by length."""

Vectors = NDArray[np.float32]


class TextEmbedder:
    """Embeds texts with the encoder in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            model, tokenizer = ((folder / name).read_bytes() for name in (GRAPH, TOKENIZER))
        except OSError:
            raise InputError(
                f"{folder} is no embedder: {GRAPH} and {TOKENIZER} are needed. Make one with: "
                "goldspan model prepare-embedder ENCODER FOLDER"
            ) from None
        self._session = open_session(model, str(folder))
        require_packages("models", "tokenizers")
        from tokenizers import Tokenizer

        try:
            self._tokenizer = Tokenizer.from_str(tokenizer.decode())
        except Exception as error:  # noqa: BLE001
            raise StateError(f"The tokenizer of {folder} cannot be loaded: {str(error)[:200]}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.digest = hashlib.sha256(model + tokenizer).hexdigest()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, of shape (texts, size); `texts` is not empty.

        Raises:
            StateError: the graph gives NaN or infinite values.
        """
        vectors = np.stack([self._sum_parts(text) for text in texts])
        if not np.isfinite(vectors).all():
            raise StateError(f"The embedder in {self._folder} gives NaN or infinite values. Prepare it again here.")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.where(norms > 0, norms, 1)
        return unit

    def _sum_parts(self, text: str) -> Vectors:
        """The sum over the parts of a text of their means, weighted by their tokens."""
        ids = np.array([self._tokenizer.encode(text).ids or [0]], dtype=np.int64)
        total = np.float32(0)
        for start in range(0, ids.shape[1], _TOKENS):
            part = ids[:, start : start + _TOKENS]
            [mean] = self._session.run(["embedding"], {"input_ids": part, "attention_mask": np.ones_like(part)})
            total = total + mean[0] * np.float32(part.shape[1])
        return np.asarray(total, dtype=np.float32)
