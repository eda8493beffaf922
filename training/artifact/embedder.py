"""Write an encoder as the ONNX graph of a text embedder (INT8): the mean of its last hidden states over the tokens."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.predictors.embedding import GRAPH, TOKENIZER, TextEmbedder
from goldspan.predictors.model.runtime import INPUTS
from goldspan.training.artifact.export import write_graph
from goldspan.training.artifact.probes import TEXTS
from goldspan.training.artifact.quantise import FP32, INT8, quantise
from goldspan.training.models.build import load_encoder
from goldspan.training.models.encoders.catalogue import Encoder


class _MeanPooled(nn.Module):
    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self._encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = self._encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled: Tensor = (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
        return pooled


def write_embedder(encoder: Encoder, folder: Path) -> Path:
    """Write `embedding.onnx` and `tokenizer.json`; as fp32 where INT8 gives NaN.

    Raises:
        ConfigurationError: the encoder has no trained weights, or transformers cannot load it.
        StateError: the exporter cannot write this architecture, the graph gives NaN, or the disk refused.
    """
    if encoder.folder is None:
        raise ConfigurationError(f"The encoder {encoder.name} has random weights: its embeddings would mean nothing.")
    pooled = _MeanPooled(load_encoder(encoder.folder))
    axes = {**{name: {0: "batch", 1: "tokens"} for name in INPUTS}, "embedding": {0: "batch"}}
    graph = write_graph(pooled, INPUTS, ["embedding"], axes)
    with explain_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / TOKENIZER, (encoder.folder / "tokenizer.json").read_bytes())
        for precision in (INT8, FP32):
            write_atomic(folder / GRAPH, quantise(graph, precision))
            if _works(folder):
                return folder
        (folder / GRAPH).unlink()
    raise StateError(f"The exported encoder {encoder.name} gives NaN or infinite values. Take another one.")


def _works(folder: Path) -> bool:
    embedder = TextEmbedder(folder)
    try:
        embedder.embed(TEXTS)
    except StateError:
        return False
    return True
