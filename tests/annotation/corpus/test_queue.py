"""The label queue: ranks, reasons, spread and the random reserve."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.queue import (
    LabelQueue,
    QueueCandidate,
    build_queue,
    draw_order,
    is_reserved,
    make_candidate,
    measure_disagreement,
    queue_disagreements,
)
from goldspan.annotation.types import Annotation, Author, Entity, Sample, Status

PLAIN = QueueCandidate("x", "en", "letter", "m-1", 100, (), None, None, None)


def make_pool(count: int, **fields: object) -> list[QueueCandidate]:
    return [replace(PLAIN, sample_id=f"sample-{number}", **fields) for number in range(count)]  # type: ignore[arg-type]


def list_ranked(pool: list[QueueCandidate], size: int = 20, **wanted: dict[str, int]) -> list[str]:
    queue = build_queue(pool, wanted.get("targets", {}), wanted.get("reviewed", {}), size=size)
    return [entry.sample_id for entry in queue.entries if not entry.reserve]


def find_ranked(number: int) -> list[str]:
    """Ids of samples that are not in the reserve."""
    return [name for name in (f"sample-{at}" for at in range(10 * number)) if not is_reserved(name)][:number]


def test_disagreement_counts_spans_that_only_one_has() -> None:
    first = Annotation(Author.model("a"), (Entity(0, 1, "A"), Entity(2, 3, "A")))
    second = Annotation(Author.model("b"), (Entity(0, 1, "A"), Entity(2, 3, "B"), Entity(4, 5, "A")))
    assert measure_disagreement(first, second, 50) == pytest.approx(100 * 3 / 50)
    assert measure_disagreement(first, first, 50) == 0


def test_a_candidate_describes_its_last_prediction_and_another_model() -> None:
    old = Annotation(Author.model("old"), (Entity(0, 3, "A"),))
    new = Annotation(Author.model("new"), (Entity(0, 3, "B", score=0.5),))
    skipped = Annotation(Author.person("ann"), status=Status.CANCELLED)
    found = make_candidate(Sample("Ann met Bob", "en", annotations=(old, new, skipped), sample_id="s"))
    assert (found.model_version, found.labels, found.skipped) == ("new", ("B",), True)
    assert found.disagreement == pytest.approx(100 * 2 / 3)
    assert found.uncertainty == pytest.approx(60 / 3)
    other = make_candidate(Sample("Eve met Bob", "en", annotations=(old, new), sample_id="t"))
    assert other.group == found.group


def test_the_most_uncertain_come_first_within_their_model() -> None:
    names = find_ranked(6)
    pool = [replace(PLAIN, sample_id=name, uncertainty=at / 10) for at, name in enumerate(names)]
    assert list_ranked(pool, size=4)[0] == names[-1]
    other = [replace(one, model_version="m-2", uncertainty=100.0 + at) for at, one in enumerate(pool[:3])]
    ranked = list_ranked([*other, *pool[3:]], size=6)
    assert set(ranked[:2]) == {names[2], names[5]}


def test_the_only_sample_of_a_language_is_neither_first_nor_last() -> None:
    names = find_ranked(4)
    pool = [replace(PLAIN, sample_id=name, uncertainty=float(at)) for at, name in enumerate(names)]
    pool[0] = replace(pool[0], language="de", uncertainty=99.0)
    assert list_ranked(pool, size=4) == [
        names[3],
        *sorted((names[0], names[2]), key=lambda n: draw_order(n, "queue", 0)),
        names[1],
    ]


def test_samples_with_labels_below_target_come_first() -> None:
    rare, common = find_ranked(2)
    pool = [replace(PLAIN, sample_id=common, labels=("CITY",)), replace(PLAIN, sample_id=rare, labels=("IBAN",))]
    targets, reviewed = {"CITY": 100, "IBAN": 100}, {"CITY": 99}
    queue = build_queue(pool, targets, reviewed, size=2)
    assert [entry.sample_id for entry in queue.entries] == [rare, common]
    assert queue.entries[0].reasons == ("labels below target: IBAN",)


def test_a_rank_by_labels_is_not_called_uncertainty() -> None:
    rare, common = find_ranked(2)
    pool = [
        replace(PLAIN, sample_id=name, labels=(label,), uncertainty=0.5)
        for name, label in ((common, "CITY"), (rare, "IBAN"))
    ]
    queue = build_queue(pool, {"CITY": 100, "IBAN": 100}, {"CITY": 100}, size=2)
    assert [(one.sample_id, one.reasons) for one in queue.entries] == [
        (rare, ("labels below target: IBAN",)),
        (common, ("drawn at random",)),
    ]


def test_what_has_no_evidence_is_said() -> None:
    names = find_ranked(3)
    queue = build_queue([replace(PLAIN, sample_id=name, uncertainty=0.5) for name in names], {}, {}, size=3)
    assert [note.partition(" ")[0] for note in queue.notes] == ["Uncertainty", "Gaps"]
    assert {(entry.priority, entry.reasons) for entry in queue.entries} == {(None, ("drawn at random",))}
    mixed = [
        replace(PLAIN, sample_id=name, uncertainty=value) for name, value in zip(names, (1.0, None, 2.0), strict=True)
    ]
    queue = build_queue(mixed, {}, {}, size=3)
    assert [entry.sample_id for entry in queue.entries] == [names[2], names[0], names[1]]
    assert queue.notes == ("Without a scored prediction, and therefore last: 1.",)
    assert build_queue([], {}, {}) == LabelQueue((), 0, ())
    assert "goldspan annotate" in build_queue([replace(PLAIN, model_version="")], {}, {}).notes[0]


def test_texts_that_differ_in_their_entities_only_are_not_repeated_before_the_others() -> None:
    names = find_ranked(40)
    pool = [replace(PLAIN, sample_id=name, uncertainty=float(at), group=at // 2) for at, name in enumerate(names)]
    ranked = list_ranked(pool, size=40)
    groups = [names.index(name) // 2 for name in ranked]
    assert groups[:20] == groups[20:] == sorted(range(20), reverse=True)
    assert ranked[:20] == names[::-2]


def test_skipped_and_tiny_texts_come_last() -> None:
    names = find_ranked(5)
    pool = [replace(PLAIN, sample_id=name, uncertainty=float(at)) for at, name in enumerate(names)]
    pool[4] = replace(pool[4], skipped=True)
    pool[3] = replace(pool[3], tokens=2)
    assert set(list_ranked(pool, size=5)[-2:]) == {names[3], names[4]}


def test_a_fifth_is_a_random_reserve_half_of_it_control() -> None:
    pool = make_pool(2000, uncertainty=0.1)
    queue = build_queue(pool, {}, {}, size=500)
    reserve = [entry for entry in queue.entries if entry.reserve]
    assert len(queue.entries) == 500
    assert len(reserve) == 100
    assert all(is_reserved(entry.sample_id) for entry in reserve)
    assert not any(is_reserved(entry.sample_id) for entry in queue.entries if not entry.reserve)
    assert 30 <= sum(entry.control for entry in reserve) <= 70
    assert 0.15 < sum(is_reserved(one.sample_id) for one in pool) / len(pool) < 0.25


def test_the_reserve_does_not_depend_on_what_else_waits() -> None:
    pool = make_pool(300)
    order = sorted(
        (one.sample_id for one in pool if is_reserved(one.sample_id)), key=lambda n: draw_order(n, "queue reserve", 0)
    )
    first = [entry.sample_id for entry in build_queue(pool, {}, {}, size=20).entries if entry.reserve]
    rest = [one for one in pool if one.sample_id not in first]
    second = [entry.sample_id for entry in build_queue(rest, {}, {}, size=20).entries if entry.reserve]
    assert first + second == order[:8]
    assert {is_reserved("sample-1", seed) for seed in range(50)} == {True, False}


@given(
    st.lists(
        st.builds(
            QueueCandidate,
            st.uuids().map(str),
            st.sampled_from(["en", "de", ""]),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["m", "n", ""]),
            st.integers(1, 300),
            st.lists(st.sampled_from(["A", "B", "?"]), max_size=4).map(tuple),
            st.none() | st.floats(0, 5),
            st.none() | st.floats(0, 50),
            st.none() | st.integers(0, 3),
            st.booleans(),
        ),
        unique_by=lambda one: one.sample_id,
        max_size=40,
    ),
    st.integers(1, 30),
)
def test_any_pool_gives_a_batch_of_distinct_samples(pool: list[QueueCandidate], size: int) -> None:
    queue = build_queue(pool, {"A": 10, "B": 0}, {"A": 3}, size=size)
    ids = [entry.sample_id for entry in queue.entries]
    assert len(set(ids)) == len(ids) == min(size, len(pool))
    assert all(entry.reasons and (entry.priority is None or 0 <= entry.priority <= 1) for entry in queue.entries)
    assert build_queue(reversed(pool), {"A": 10, "B": 0}, {"A": 3}, size=size).waiting == len(pool)


def test_what_two_models_disagree_on_is_a_queue_of_its_own() -> None:
    pool = [replace(PLAIN, sample_id=str(at), disagreement=value) for at, value in enumerate([1.0, None, 4.0, 0.0])]
    found = queue_disagreements(pool)
    assert [entry.sample_id for entry in found.entries] == ["2", "0"]
    assert found.entries[0].reasons == ("two models disagree on 4 spans",)
    assert "no evidence" in queue_disagreements([PLAIN]).notes[0]


def test_a_sample_without_its_predictions_takes_longer() -> None:
    names = [f"sample-{at}" for at in range(200)]
    pool = [replace(PLAIN, sample_id=name, labels=("CITY",) * 8, uncertainty=1.0) for name in names]
    entries = build_queue(pool, {}, {}, size=100).entries
    control = {entry.seconds for entry in entries if entry.control}
    assert control == {3 + 0.15 * 100 + 5.0 * 8}
    assert {entry.seconds for entry in entries if not entry.control} == {3 + 0.15 * 100 + 0.4 * 7 + 5.0}


def test_an_unfinished_batch_has_its_share_of_the_reserve() -> None:
    entries = build_queue(make_pool(300), {}, {}, size=50).entries
    for done in (10, 25, 50):
        assert sum(entry.reserve for entry in entries[:done]) == done // 5
