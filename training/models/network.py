"""The network: one encoder, a tagging head, a mention head and a coreference head, trained together.

The encoder with its tagging head is a standard token classification model of `transformers`, so that what is saved of
it loads anywhere. The other heads read the encoder's last hidden states:

    pii_logits      (rows, tokens, 2 * labels + 1)   BIO tags of the label schema
    mention_logits  (rows, tokens, 7)                BIO tags of MENTION, PRONOUN, REFERENCE
    coref_q, coref_k  (rows, tokens, 64)             as anaphor, as antecedent
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from goldspan.annotation.errors import ConfigurationError
from goldspan.predictors.model.coreference import FEATURES
from goldspan.training.models.labelling import IGNORED, MENTION_TAGS
from goldspan.training.models.ranking import MentionPairs, measure_ranking

COREFERENCE_SIZE = 64


class Outputs(NamedTuple):
    """What the network gives; shapes as in the module's docstring."""

    pii_logits: Tensor
    mention_logits: Tensor
    coref_q: Tensor
    coref_k: Tensor


class SideHeads(nn.Module):
    """Mention tags and coreference projections over hidden states; `features` weighs the features of pairs."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.mention = nn.Linear(hidden, len(MENTION_TAGS))
        self.query = nn.Linear(hidden, COREFERENCE_SIZE)
        self.key = nn.Linear(hidden, COREFERENCE_SIZE)
        self.features = nn.Parameter(torch.zeros(FEATURES))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mention logits, queries, keys."""
        dropped = self.dropout(hidden)
        return self.mention(dropped), self.query(dropped), self.key(dropped)


class SpanNetwork(nn.Module):
    """A standard token classification model with the side heads beside it."""

    def __init__(self, tagger: nn.Module, hidden: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.tagger = tagger
        self.side = SideHeads(hidden, dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """Run the network; both inputs are int64 of shape (rows, tokens)."""
        given: Any = self.tagger(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        mention, query, key = self.side(given.hidden_states[-1])
        return Outputs(given.logits, mention, query, key)


class LossWeights(NamedTuple):
    """How the losses are added up: tagging has weight 1."""

    mention: float = 0.5
    coreference: float = 0.2


def measure_loss(
    outputs: Outputs,
    tags: Tensor,
    mention_tags: Tensor,
    pairs: MentionPairs | None,
    features: Tensor,
    *,
    weights: LossWeights,
    class_weights: Tensor | None = None,
    smoothing: float = 0.0,
) -> Tensor:
    """The weighted sum of the three losses, each a mean over its tokens or mentions that count.

    Args:
        outputs: what the network gave.
        tags: tag numbers of shape (rows, tokens), `IGNORED` where no loss is wanted.
        mention_tags: the same of the mention layer.
        pairs: the mentions, None where no row has two.
        features: the weights of the pair features.
        weights: of the losses.
        class_weights: one weight a tag, or none.
        smoothing: label smoothing of the tagging loss.
    """
    flat = outputs.pii_logits.float().flatten(0, 1)
    loss = nn.functional.cross_entropy(
        flat, tags.flatten(), weight=class_weights, ignore_index=IGNORED, label_smoothing=smoothing, reduction="sum"
    ) / (tags != IGNORED).sum().clamp(min=1)
    if weights.mention:
        loss = (
            loss
            + weights.mention
            * nn.functional.cross_entropy(
                outputs.mention_logits.float().flatten(0, 1), mention_tags.flatten(), ignore_index=IGNORED
            ).nan_to_num()
        )
    if weights.coreference and pairs is not None:
        loss = loss + weights.coreference * measure_ranking(outputs.coref_q, outputs.coref_k, pairs, features)
    return loss


def require_finite(loss: float, step: int, rate: str) -> None:
    """Refuse a loss that is no number, before a checkpoint or a model holds what it came to.

    Raises:
        ConfigurationError: it is NaN or infinite; `rate` is named as the setting to lower.
    """
    if not math.isfinite(loss):
        raise ConfigurationError(
            f"The training diverged: its loss at step {step} is {loss}. Start again with a lower {rate}."
        )


def weigh_classes(counts: Sequence[int]) -> list[float]:
    """Inverse square roots of the tag counts, scaled to a mean of 1 over the tokens; tags that never occur get 1."""
    total = sum(counts)
    raw = [1 / count**0.5 if count else 0.0 for count in counts]
    scale = total / sum(weight * count for weight, count in zip(raw, counts, strict=True)) if total else 1.0
    return [weight * scale if weight else 1.0 for weight in raw]
