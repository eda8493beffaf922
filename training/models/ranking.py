"""Mention ranking: the pairs of a batch as arrays, their scores, and the loss (Lee et al. 2017, equation 3).

All mentions of a batch are scored in one pass: a Python loop over mentions costs more than the encoder on a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import torch
from torch import Tensor

from goldspan.predictors.model.coreference import describe_pairs
from goldspan.training.models.batches import MentionGroup


@dataclass(frozen=True, slots=True)
class MentionPairs:
    """The mentions of each row of a batch and the mentions before them, padded to the row with most.

    pooling    (rows, mentions, width)         means over the tokens of each mention
    features   (rows, mentions, mentions, 3)   numbers of the pair features, see `describe_pairs`
    earlier    (rows, mentions, mentions)      whether the candidate is before the mention
    right      (rows, mentions, 1 + mentions)  whether it is a right antecedent; column 0 is "none"
    shares     (rows, mentions)                1 / (mentions of the row * rows with mentions), 0 for padding
    """

    pooling: Tensor
    features: Tensor
    earlier: Tensor
    right: Tensor
    shares: Tensor

    def to(self, kind: str) -> MentionPairs:
        """The same on another device."""
        return MentionPairs(*(tensor.to(kind, non_blocking=True) for tensor in astuple(self)))


def pair_mentions(groups: Sequence[MentionGroup], rows: int, width: int) -> MentionPairs:
    """The pairs of a batch of so many rows and tokens; `groups` holds at least one row's mentions."""
    most = max(len(group.ranges) for group in groups)
    pooling = np.zeros((rows, most, width), dtype=np.float32)
    features = np.zeros((rows, most, most, 3), dtype=np.int64)
    earlier = np.zeros((rows, most, most), dtype=np.bool_)
    right = np.zeros((rows, most, 1 + most), dtype=np.bool_)
    right[:, :, 0] = True
    shares = np.zeros((rows, most), dtype=np.float32)
    for group in groups:
        row, count = group.row, len(group.ranges)
        for place, mention in enumerate(group.ranges):
            pooling[row, place, mention.first : mention.last] = 1 / (mention.last - mention.first)
        features[row, :count, :count] = describe_pairs([mention.place for mention in group.ranges])
        before = np.tri(count, k=-1, dtype=np.bool_)
        names = np.array([mention.cluster for mention in group.ranges])
        alike = before & (names[:, None] == names[None, :]) & (names != "")[:, None]
        earlier[row, :count, :count] = before
        right[row, :count, 1 : 1 + count] = alike
        right[row, :count, 0] = ~alike.any(axis=1)
        shares[row, :count] = 1 / (count * len(groups))
    return MentionPairs(*map(torch.from_numpy, (pooling, features, earlier, right, shares)))


def score_candidates(queries: Tensor, keys: Tensor, pairs: MentionPairs, features: Tensor) -> Tensor:
    """Scores of shape (rows, mentions, mentions); `-inf` where the candidate is not before the mention.

    Args:
        queries: of each token as anaphor, of shape (rows, width, size).
        keys: of each token as antecedent, of the same shape.
        pairs: the mentions.
        features: one weight a pair feature.
    """
    q, k = pairs.pooling @ queries.float(), pairs.pooling @ keys.float()
    scores = q @ k.transpose(1, 2) / queries.shape[-1] ** 0.5 + features[pairs.features].sum(dim=-1)
    masked: Tensor = scores.masked_fill(~pairs.earlier, float("-inf"))
    return masked


def measure_ranking(queries: Tensor, keys: Tensor, pairs: MentionPairs, features: Tensor) -> Tensor:
    """The negative marginal log-likelihood of the right antecedents, a mean by mention, then by row.

    Each mention ranks the mentions before it and "none" (score 0); every earlier mention of its cluster is right,
    and "none" where there is no such mention.
    """
    scores = score_candidates(queries, keys, pairs, features)
    ranked = torch.cat([scores.new_zeros(*scores.shape[:2], 1), scores], dim=2)
    good = ranked.masked_fill(~pairs.right, float("-inf")).logsumexp(dim=2)
    loss: Tensor = ((ranked.logsumexp(dim=2) - good) * pairs.shares).sum()
    return loss
