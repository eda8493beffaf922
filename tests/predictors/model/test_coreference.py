from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goldspan.predictors.model.coreference import (
    FEATURES,
    KINDS,
    SINGLE,
    MentionPlace,
    choose_antecedents,
    describe_pairs,
    number_clusters,
    resolve_exact,
    resolve_recent,
    score_pairs,
)


def place(start: int, kind: str, text: str) -> MentionPlace:
    return MentionPlace(start, start + len(text), kind, text)


STORY = [
    place(0, "MENTION", "Maria Costa"),
    place(20, "PRONOUN", "she"),
    place(30, "MENTION", "Tom"),
    place(40, "PRONOUN", "he"),
    place(50, "MENTION", "Costa"),
    place(60, "REFERENCE", "the tenant"),
]


def test_the_rule_takes_the_most_recent_name() -> None:
    assert resolve_recent(STORY) == [SINGLE, 0, SINGLE, 2, 0, 4]


def test_exact_match_ignores_case_and_nothing_else() -> None:
    places = [place(0, "MENTION", "Tom"), place(9, "MENTION", "TOM"), place(20, "MENTION", "Tom B")]
    assert resolve_exact(places) == [SINGLE, 0, SINGLE]


@given(st.lists(st.integers(-1, 8), max_size=9))
def test_clusters_are_the_connected_mentions(given_antecedents: list[int]) -> None:
    antecedents = [min(a, i - 1) for i, a in enumerate(given_antecedents)]
    clusters = number_clusters(antecedents)
    for i, antecedent in enumerate(antecedents):
        if antecedent != SINGLE:
            assert clusters[i] == clusters[antecedent] != ""
    assert all(clusters.count(name) > 1 for name in set(clusters) - {""})


def test_features_have_room_in_the_table() -> None:
    features = describe_pairs(STORY * 9)
    assert features.min() >= 0
    assert features.max() < FEATURES


def test_only_earlier_mentions_are_candidates_and_none_scores_zero() -> None:
    size = len(STORY)
    vectors = np.ones((size, 4), dtype=np.float32)
    scores = score_pairs(vectors, vectors, describe_pairs(STORY), [0.0] * FEATURES)
    assert np.isneginf(scores[np.triu_indices(size)]).all()
    assert choose_antecedents(scores) == [SINGLE, 0, 0, 0, 0, 0]
    assert (
        choose_antecedents(score_pairs(vectors, -vectors, describe_pairs(STORY), [0.0] * FEATURES)) == [SINGLE] * size
    )


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["Ann", "ann", "Ann Lee", "Lee Ann", "he", ""]))))
def test_pairs_agree_by_text_by_words_or_not_at_all(mentions: list[tuple[str, str]]) -> None:
    features = describe_pairs([MentionPlace(n, n + 1, kind, text) for n, (kind, text) in enumerate(mentions)])
    base = FEATURES - 4
    for i, (kind, text) in enumerate(mentions):
        for j, (other, earlier) in enumerate(mentions[:i]):
            shared = bool(set(text.casefold().split()) & set(earlier.casefold().split()))
            names = kind == other == "MENTION"
            wanted = 3 if text.casefold() == earlier.casefold() else (2 if names else 1) if shared else 0
            assert features[i, j, 2] == base + wanted
