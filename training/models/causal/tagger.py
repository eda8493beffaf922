"""A backbone with a linear tagging head, in the shape that `SpanNetwork` and `Trainer` take."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from goldspan.training.models.causal.backbone import Backbone
from goldspan.training.models.network import SpanNetwork


class TaggerOutput(NamedTuple):
    """`logits` of shape (rows, tokens, tags) and `hidden_states`, whose last is (rows, tokens, hidden); float32."""

    logits: Tensor
    hidden_states: tuple[Tensor, ...]


class CausalTagger(nn.Module):
    """Tags from the last hidden states of a causal language model; the head computes in float32."""

    def __init__(self, backbone: Backbone, tags: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(int(backbone.config.hidden_size), tags)

    @property
    def config(self) -> Any:
        """The configuration of the text model."""
        return self.backbone.config

    def forward(self, input_ids: Tensor, attention_mask: Tensor, output_hidden_states: bool = True) -> TaggerOutput:
        """Run the model; both inputs are int64 of shape (rows, tokens)."""
        hidden = self.backbone(input_ids, attention_mask).float()
        with torch.autocast(hidden.device.type, enabled=False):
            logits = self.head(hidden)
        return TaggerOutput(logits, (hidden,) if output_hidden_states else ())


def make_network(backbone: Backbone, tags: int) -> SpanNetwork:
    """The network around a backbone; its mention and coreference heads stay untrained."""
    tagger = CausalTagger(backbone, tags)
    network = SpanNetwork(tagger, int(backbone.config.hidden_size))
    network.side.requires_grad_(False)
    return network
