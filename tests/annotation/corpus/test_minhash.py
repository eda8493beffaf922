from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.minhash import HASHES, compute_signatures, connect, group_near_duplicates
from tests.annotation.corpora import WORDS


def list_shingles(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[place : place + 3]) for place in range(len(words) - 2)}


def jaccard(left: str, right: str) -> float:
    a, b = list_shingles(left), list_shingles(right)
    return len(a & b) / len(a | b)


def vary(words: list[str], changes: int, draw: random.Random) -> str:
    varied = list(words)
    for place in draw.sample(range(len(words)), changes):
        varied[place] = draw.choice(WORDS)
    return " ".join(varied)


def test_signatures_estimate_the_jaccard_similarity() -> None:
    draw = random.Random(1)
    errors = []
    for changes in [0, 1, 2, 3, 5, 8, 12] * 10:
        words = [draw.choice(WORDS) for _ in range(60)]
        left, right = " ".join(words), vary(words, changes, draw)
        signatures = compute_signatures([left, right])
        errors.append(jaccard(left, right) - float((signatures[0] == signatures[1]).mean()))
    assert abs(float(np.mean(errors))) < 0.02
    assert float(np.std(errors)) < 1.3 * 0.5 / np.sqrt(HASHES)


def test_groups_agree_with_exact_search() -> None:
    draw = random.Random(2)
    bases = [[draw.choice(WORDS) for _ in range(60)] for _ in range(40)]
    texts = [vary(draw.choice(bases), draw.choice([0, 1, 2]), draw) for _ in range(300)]
    groups = group_near_duplicates(texts, 0.7)
    sure = unsure = 0
    for left in range(300):
        for right in range(left):
            similarity = jaccard(texts[left], texts[right])
            if similarity >= 0.85:
                sure += 1
                assert groups[left] == groups[right]
            elif groups[left] == groups[right] and similarity < 0.4:
                unsure += 1
    assert sure > 300
    assert unsure == 0


def test_short_equal_and_strange_texts() -> None:
    texts = [
        "",
        "",
        "a",
        "A",
        "a b",
        "!!!",
        "!!!",
        "??",
        "田中さんは東京に住んでいます",
        "田中さんは東京に住んでいます。",
    ]
    groups = group_near_duplicates(texts).tolist()
    assert groups[0] == groups[1] == 0
    assert groups[2] == groups[3] == 2
    assert groups[5] == groups[6] == 5
    assert groups[8] == groups[9] == 8
    assert len({groups[0], groups[2], groups[4], groups[5], groups[7], groups[8]}) == 6
    assert group_near_duplicates([]).tolist() == []
    assert group_near_duplicates(["one"]).tolist() == [0]


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_connect_is_the_smallest_index_of_the_component(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    size, pairs = drawn
    expected = list(range(size))
    for _ in range(size):
        for left, right in pairs:
            expected[left] = expected[right] = min(expected[left], expected[right])
    assert connect(size, np.array(pairs, dtype=np.int64).reshape(-1, 2)).tolist() == expected


@given(st.lists(st.text(max_size=30), max_size=12))
def test_any_text_is_taken_and_groups_are_stable(texts: list[str]) -> None:
    groups = group_near_duplicates(texts).tolist()
    assert all(group <= index and groups[group] == group for index, group in enumerate(groups))
    assert group_near_duplicates(texts).tolist() == groups
