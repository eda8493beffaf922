"""From the outputs for one text to its mentions and their clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Mention
from goldspan.predictors.model.coreference import (
    KINDS,
    RULES,
    MentionPlace,
    PairScorer,
    choose_antecedents,
    describe_pairs,
    number_clusters,
    score_pairs,
)
from goldspan.predictors.model.decode import find_path, read_runs, score_words
from goldspan.predictors.model.encoding import EncodedText
from goldspan.predictors.model.runtime import TextOutputs


def decode_mentions(text: str, encoded: EncodedText, outputs: TextOutputs, scorer: PairScorer) -> tuple[Mention, ...]:
    """The mentions of one text in text order, with clusters; none where the scorer's method is `none`."""
    if scorer.method == "none" or not len(encoded):
        return ()
    places: list[MentionPlace] = []
    ranges: list[tuple[int, int]] = []
    for first, last, label in read_runs(find_path(score_words(outputs.mention, encoded.words))):
        tokens = np.flatnonzero((encoded.words >= first) & (encoded.words < last))
        start, end = trim_span(text, int(encoded.starts[tokens[0]]), int(encoded.ends[tokens[-1]]))
        if start < end:
            places.append(MentionPlace(start, end, KINDS[label], text[start:end]))
            ranges.append((int(tokens[0]), int(tokens[-1]) + 1))
    clusters = number_clusters(resolve_places(places, ranges, outputs, scorer))
    return tuple(
        Mention(place.start, place.end, place.kind, cluster) for place, cluster in zip(places, clusters, strict=True)
    )


def resolve_places(
    places: Sequence[MentionPlace], ranges: Sequence[tuple[int, int]], outputs: TextOutputs, scorer: PairScorer
) -> list[int]:
    """The antecedent of each mention, whose tokens are the half-open `ranges`, by the scorer's method."""
    if scorer.method in RULES:
        return RULES[scorer.method](places)
    if not places:
        return []
    queries = np.stack([outputs.queries[first:last].mean(axis=0) for first, last in ranges])
    keys = np.stack([outputs.keys[first:last].mean(axis=0) for first, last in ranges])
    return choose_antecedents(score_pairs(queries, keys, describe_pairs(places), scorer.weights))
