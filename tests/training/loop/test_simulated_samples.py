"""Reviewed samples as truth: related ones in one set, whole document types for tests, sets of the size asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldspan.annotation.errors import InputError
from goldspan.annotation.types import Sample
from goldspan.training.loop.simulation.samples import group_reviewed, split_groups
from goldspan.training.loop.simulation.truth import SimulatedText, TruthSettings
from tests.training.tiny_model import make_labels, make_sample

LABELS = make_labels()
SIZES = TruthSettings(pool=100, door=40, test=40)


def split(samples: list[Sample], seed: int = 1) -> dict[str, tuple[SimulatedText, ...]]:
    truth = split_groups(group_reviewed(samples, LABELS), seed, SIZES, LABELS)
    return {"pool": truth.pool, "door": truth.door, "test": truth.test}


def test_the_same_text_under_several_ids_is_in_one_set() -> None:
    samples = [replace(make_sample(number // 2), sample_id=str(number)) for number in range(500)]
    for seed in (1, 2, 3):
        parts = split(samples, seed)
        assert {name: len(texts) for name, texts in parts.items()} == {"pool": 100, "door": 40, "test": 40}
        texts = [{one.text for one in part} for part in parts.values()]
        assert len(set.union(*texts)) == sum(map(len, texts))


def test_a_sample_that_two_files_hold_counts_once() -> None:
    samples = [make_sample(number) for number in range(250)]
    assert split([*samples, *samples]) == split(samples)


def test_samples_without_ids_and_documents_that_are_unusable() -> None:
    samples = [replace(make_sample(number), sample_id="") for number in range(250)]
    unusable = '[{"from_name": "document", "type": "choices", "value": {"choices": ["unusable"]}}]'
    rejected = replace(samples[0], annotations=(replace(samples[0].annotations[0], other=unusable),))
    parts = split([rejected, *samples[1:]])
    texts = [one.text for part in parts.values() for one in part]
    assert len(set(texts)) == 180
    assert rejected.text not in texts


def test_types_are_held_out_where_enough_is_left_for_the_others() -> None:
    samples = [replace(make_sample(number), document_type="note" if number % 3 else "mail") for number in range(300)]
    parts = split(samples)
    held = {one.document_type for one in parts["test"]}
    assert len(held) == 1
    assert not held & {one.document_type for name in ("pool", "door") for one in parts[name]}
    halves = [replace(one, document_type=f"t{place % 2}") for place, one in enumerate(samples[:160])]
    assert {one.document_type for one in split(halves)["pool"]} == {"t0"} or len(split(halves)["pool"]) >= 40


def test_too_few_unrelated_samples_are_refused() -> None:
    alike = [replace(make_sample(0), sample_id=str(number)) for number in range(300)]
    with pytest.raises(InputError, match="300 reviewed samples in 1 unrelated groups are too few"):
        split(alike)
