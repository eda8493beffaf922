"""From the outputs for one text to its mentions and their clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Mention
from goldspan.predictors.model.coreference import (
    KINDS,
    RULES,
    SINGLE,
    MentionPlace,
    PairScorer,
    choose_antecedents,
    describe_pairs,
    number_clusters,
    score_pairs,
)
from goldspan.predictors.model.decode import find_path, find_tokens, read_runs, score_words
from goldspan.predictors.model.encoding import EncodedText
from goldspan.predictors.model.runtime import TextOutputs

REACH = 500
"""Mentions before a block of as many, among which their antecedents are looked for."""


def decode_mentions(text: str, encoded: EncodedText, outputs: TextOutputs, scorer: PairScorer) -> tuple[Mention, ...]:
    """The mentions of one text in text order, with clusters; none where the scorer's method is `none`."""
    if scorer.method == "none" or not len(encoded):
        return ()
    places: list[MentionPlace] = []
    ranges: list[tuple[int, int]] = []
    for first, last, label in read_runs(find_path(score_words(outputs.mention, encoded.words))):
        begin, stop = find_tokens(encoded, first, last)
        start, end = trim_span(text, int(encoded.starts[begin]), int(encoded.ends[stop - 1]))
        if start < end:
            places.append(MentionPlace(start, end, KINDS[label], text[start:end]))
            ranges.append((begin, stop))
    clusters = number_clusters(resolve_places(places, ranges, outputs, scorer))
    return tuple(
        Mention(place.start, place.end, place.kind, cluster) for place, cluster in zip(places, clusters, strict=True)
    )


def resolve_places(
    places: Sequence[MentionPlace], ranges: Sequence[tuple[int, int]], outputs: TextOutputs, scorer: PairScorer
) -> list[int]:
    """The antecedent of each mention, whose tokens are the half-open `ranges`, by the scorer's method.

    Scored are pairs with the `REACH` mentions before, and some more: memory grows with the text, not with its square.
    """
    if scorer.method in RULES:
        return RULES[scorer.method](places)
    if not places:
        return []
    queries = np.stack([outputs.queries[first:last].mean(axis=0) for first, last in ranges])
    keys = np.stack([outputs.keys[first:last].mean(axis=0) for first, last in ranges])
    chosen: list[int] = []
    for begin in range(0, len(places), REACH):
        first = max(0, begin - REACH)
        part = slice(first, begin + REACH)
        scores = score_pairs(queries[part], keys[part], describe_pairs(places[part]), scorer.weights)
        chosen += [one if one == SINGLE else first + one for one in choose_antecedents(scores[begin - first :])]
    return chosen
