from __future__ import annotations

import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from goldspan.annotation.errors import ServiceError
from goldspan.predictors.model.decode import (
    FORBIDDEN,
    DecodingOptions,
    average_windows,
    decode_entities,
    find_path,
    log_softmax,
    make_transitions,
    read_runs,
    score_words,
)
from goldspan.predictors.model.encoding import EncodedText
from goldspan.predictors.windows import split_range

TAGS = ("O", "B-A", "I-A", "B-B", "I-B")
SCORES = arrays(np.float32, st.tuples(st.integers(1, 5), st.just(5)), elements=st.floats(-4, 4, width=32))


def is_legal(path: tuple[int, ...]) -> bool:
    return all(tag == 0 or tag % 2 or before in (tag, tag - 1) for before, tag in zip((0, *path), path, strict=False))


@given(SCORES)
def test_the_path_is_the_best_of_all_legal_ones(scores: np.ndarray) -> None:
    steps = range(len(scores))
    legal = [path for path in product(range(5), repeat=len(scores)) if is_legal(path)]
    best = max(sum(float(scores[s, path[s]]) for s in steps) for path in legal)
    found = find_path(scores)
    assert is_legal(tuple(found))
    assert sum(float(scores[s, found[s]]) for s in steps) == pytest.approx(best, abs=1e-4)


@given(SCORES)
def test_the_matrix_for_kiji_decodes_as_we_do(scores: np.ndarray) -> None:
    matrix = make_transitions(TAGS)
    steps = np.asarray(matrix["transitions"])
    best, back = scores[0] + np.asarray(matrix["start_transitions"]), []
    for row in scores[1:]:
        through = best[:, None] + steps
        back.append(through.argmax(axis=0))
        best = through.max(axis=0) + row
    path = [int(best.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    path.reverse()
    found = find_path(scores)
    rows = range(len(scores))
    assert sum(scores[s, found[s]] for s in rows) == pytest.approx(sum(scores[s, path[s]] for s in rows), abs=1e-3)
    assert steps[0, 2] == FORBIDDEN
    assert steps[1, 2] == steps[2, 2] == 0.0


def encode(text: str, pieces: list[str]) -> EncodedText:
    starts, ends, words, cursor = [], [], [], 0
    for piece in pieces:
        inside = piece.startswith("##")
        surface = piece.removeprefix("##")
        start = text.index(surface, cursor)
        starts.append(start)
        cursor = start + len(surface)
        ends.append(cursor)
        words.append(words[-1] + (not inside) if words else 0)
    columns = (np.array(column, dtype=np.int64) for column in (range(len(pieces)), starts, ends, words))
    return EncodedText(*columns, (101,), (102,))


def test_no_entity_begins_or_ends_inside_a_word() -> None:
    text = "the hackers came"
    encoded = encode(text, ["the", "hack", "##ers", "came"])
    logits = np.zeros((4, 5), dtype=np.float32)
    logits[:, 0] = 2
    logits[2, 1] = 9
    found = decode_entities(text, encoded, logits, TAGS, DecodingOptions())
    assert [e.span for e in found] in ([], [(4, 11, "A")])
    logits[1, 1], logits[2, 2], logits[2, 1] = 9, 9, 0
    assert [e.span for e in decode_entities(text, encoded, logits, TAGS, DecodingOptions())] == [(4, 11, "A")]


@given(st.lists(st.sampled_from(["ab", "##c", "de"]), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_entities_are_runs_of_whole_words(pieces: list[str], draw: object) -> None:
    pieces = [pieces[0].removeprefix("##"), *pieces[1:]]
    text = "".join(p.removeprefix("##") if p.startswith("##") else f" {p}" for p in pieces)
    encoded = encode(text, pieces)
    logits = np.array([[draw.uniform(-3, 3) for _ in TAGS] for _ in pieces], dtype=np.float32)  # type: ignore[attr-defined]
    for entity in decode_entities(text, encoded, logits, TAGS, DecodingOptions()):
        assert entity.start == 0 or text[entity.start - 1] == " "
        assert entity.end == len(text) or text[entity.end] == " "
        assert 0 <= (entity.score or 0) <= 1


def test_the_score_is_the_mean_probability_of_the_label_after_temperature() -> None:
    text = "ab de"
    encoded = encode(text, ["ab", "de"])
    logits = np.array([[0, 2, 0, 0, 0], [0, 0, 3, 0, 0]], dtype=np.float32)
    probabilities = np.exp(log_softmax(logits / 2))
    expected = (probabilities[0, 1:3].sum() + probabilities[1, 1:3].sum()) / 2
    (found,) = decode_entities(text, encoded, logits, TAGS, DecodingOptions(temperature=2))
    assert found.score == pytest.approx(expected, abs=1e-4)


def test_bias_finds_more_and_thresholds_find_less() -> None:
    text = "ab de"
    encoded = encode(text, ["ab", "de"])
    logits = np.array([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]], dtype=np.float32)
    counts = [len(decode_entities(text, encoded, logits, TAGS, DecodingOptions(bias=bias))) for bias in (-2, 0, 2)]
    assert counts == [0, 1, 2]
    assert not decode_entities(text, encoded, logits, TAGS, DecodingOptions(threshold=0.9))
    assert not decode_entities(text, encoded, logits, TAGS, DecodingOptions(thresholds={"B": 0.9}))
    assert decode_entities(text, encoded, logits, TAGS, DecodingOptions(thresholds={"A": 0.9}))


@given(st.integers(1, 300), st.integers(80, 120), st.integers(0, 39))
def test_windows_that_agree_average_to_what_they_say(length: int, size: int, overlap: int) -> None:
    truth = np.arange(length * 3, dtype=np.float32).reshape(length, 3)
    windows = split_range(length, size, overlap)
    averaged = average_windows(length, windows, [truth[w.start : w.end] for w in windows])
    assert np.allclose(averaged, truth)


def test_a_book_takes_memory_for_its_tokens_alone() -> None:
    """A table of windows by tokens would take 16 GB for a text of a megabyte."""
    length = 60_000
    windows = split_range(length, 64, 16)
    rows = [np.ones((window.end - window.start, 3), dtype=np.float32) for window in windows]
    tracemalloc.start()
    averaged = average_windows(length, windows, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert averaged.shape == (length, 3)
    assert peak < 20_000_000


def test_a_window_counts_only_where_it_sees_context() -> None:
    windows = split_range(150, 100, 50)
    rows = [np.full((w.end - w.start, 1), number, dtype=np.float32) for number, w in enumerate(windows)]
    averaged = average_windows(150, windows, rows)[:, 0]
    assert averaged[0] == 0
    assert averaged[149] == 1
    assert averaged[55] == 0
    assert averaged[95] == 1


def test_words_are_scored_by_their_tokens() -> None:
    logs = np.array([[0, 1, 2, 3, 4], [10, 20, 30, 40, 50]], dtype=np.float32)
    assert score_words(logs, np.array([0, 0])).tolist() == [[10, 31, 32, 53, 54]]
    assert score_words(logs, np.array([0, 1])).tolist() == logs.tolist()


def test_runs_of_tags() -> None:
    assert read_runs([1, 2, 2, 0, 1, 1, 3, 4]) == [(0, 3, 0), (4, 5, 0), (5, 6, 0), (6, 8, 1)]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_not_read_as_nothing_found(value: float) -> None:
    logits = np.zeros((3, 5), dtype=np.float32)
    logits[1, 2] = value
    places = np.arange(3)
    encoded = EncodedText(places, places * 2, places * 2 + 1, places, (), ())
    with pytest.raises(ServiceError, match="NaN or infinite values for a text of 3 tokens"):
        decode_entities("a b c", encoded, logits, TAGS, DecodingOptions())
