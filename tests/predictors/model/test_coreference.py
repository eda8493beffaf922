from __future__ import annotations

import time
import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goldspan.predictors.model.coreference import (
    FEATURES,
    KINDS,
    RULES,
    SINGLE,
    MentionPlace,
    PairScorer,
    choose_antecedents,
    describe_pairs,
    number_clusters,
    resolve_exact,
    resolve_recent,
    score_pairs,
)
from goldspan.predictors.model.mentions import resolve_places
from goldspan.predictors.model.runtime import TextOutputs


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


def test_a_text_with_thousands_of_mentions_is_resolved_in_linear_time() -> None:
    places = [MentionPlace(n, n + 1, KINDS[n % 2], f"name{n}") for n in range(100_000)]
    begun = time.process_time()
    for rule in RULES.values():
        antecedents = rule(places)
        assert len(number_clusters(antecedents)) == len(places)
    assert time.process_time() - begun < 60


def test_pairs_far_apart_are_not_scored() -> None:
    """Up to 1,000 mentions all pairs are; more of them take no more memory at a time."""
    draw = np.random.default_rng(0)
    scorer = PairScorer("head", (0.0,) * FEATURES)

    def resolve(count: int) -> tuple[list[int], TextOutputs, list[MentionPlace]]:
        places = [MentionPlace(n, n + 1, "MENTION", f"name{n % 50}") for n in range(count)]
        vectors = draw.normal(size=(2, count, 4)).astype(np.float32)
        outputs = TextOutputs(vectors[0], vectors[0], vectors[0], vectors[1])
        return resolve_places(places, [(n, n + 1) for n in range(count)], outputs, scorer), outputs, places

    found, outputs, places = resolve(900)
    assert found == choose_antecedents(
        score_pairs(outputs.queries, outputs.keys, describe_pairs(places), scorer.weights)
    )
    tracemalloc.start()
    found, *_ = resolve(3000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(n - 1000 < antecedent < n for n, antecedent in enumerate(found) if antecedent != SINGLE)
    assert peak < 100_000_000
