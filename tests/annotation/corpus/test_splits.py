from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.corpus.ledger import SplitLedger
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.corpus.splits import DEFAULT_RATIOS, check_ratios, report_split, shuffle_samples, split_samples
from goldspan.annotation.errors import InputError
from tests.annotation.corpora import make_templated, make_unrelated
from tests.annotation.growth import grow


def test_a_random_split_leaks_and_the_grouped_one_does_not() -> None:
    outlines = make_templated(150, 3000, seed=3)
    split = split_samples(outlines, seed=1)
    report = report_split(outlines, split, seed=1)
    assert report.random.group > 0.9
    assert report.random.skeleton > 0.9
    assert (report.grouped.group, report.grouped.skeleton, report.grouped.text) == (0.0, 0.0, 0.0)
    assert report.groups == 150
    assert report.sizes["train"] == pytest.approx(2400, abs=300)
    assert report.sizes["test"] == pytest.approx(300, abs=150)


def test_no_group_is_in_two_splits() -> None:
    outlines = make_templated(40, 200) + make_unrelated(100)
    linked = [replace(o, links=(f"persona:{number % 30}",)) if number % 3 else o for number, o in enumerate(outlines)]
    split = split_samples(linked, seed=9)
    homes: dict[int, set[str]] = {}
    for group, name in zip(split.groups, split.assignment, strict=True):
        homes.setdefault(group, set()).add(name)
    assert all(len(names) == 1 for names in homes.values())


def test_labels_and_languages_keep_their_shares_as_far_as_a_hash_can() -> None:
    outlines = make_unrelated(2000, seed=4)
    report = report_split(outlines, split_samples(outlines, seed=2))
    for counts in (report.labels, report.languages):
        totals: Counter[str] = sum((Counter(part) for part in counts.values()), Counter())
        for name, ratio in DEFAULT_RATIOS.items():
            for stratum, total in totals.items():
                assert counts[name].get(stratum, 0) == pytest.approx(
                    ratio * total, abs=4.5 * max(1, ratio * total) ** 0.5
                ), stratum


def test_the_seed_decides() -> None:
    outlines = make_unrelated(300)
    assert split_samples(outlines, seed=1) == split_samples(outlines, seed=1)
    assert split_samples(outlines, seed=1).assignment != split_samples(outlines, seed=2).assignment


def test_one_group_goes_to_train() -> None:
    assert set(split_samples(make_templated(1, 10)).assignment) == {"train"}


def assign(outlines: list[Outline], ledger: SplitLedger | None = None) -> dict[str, str]:
    split = split_samples(outlines, seed=3, ledger=ledger)
    return {outline.sample_id: name for outline, name in zip(outlines, split.assignment, strict=True)}


def test_other_samples_and_their_order_move_nothing() -> None:
    outlines = make_unrelated(1500)
    before = assign(outlines)
    grown = assign([*outlines, *(replace(o, sample_id=f"new {o.sample_id}") for o in make_unrelated(500, seed=7))])
    assert {name: grown[name] for name in before} == before
    assert assign(outlines[1:]) == {name: split for name, split in before.items() if name != outlines[0].sample_id}
    assert assign(outlines[::-1]) == before


def test_groups_do_not_depend_on_the_order() -> None:
    outlines = make_templated(40, 300)
    assert assign(outlines) == assign(random.Random(1).sample(outlines, len(outlines)))


def test_the_ledger_keeps_splits_and_merged_groups_go_to_the_held_out_side() -> None:
    outlines = make_unrelated(200)
    before = assign(outlines)
    ledger = SplitLedger().record(outlines, list(before.values()), "v1")
    assert assign(outlines, ledger) == before
    train, held = (next(o for o in outlines if before[o.sample_id] == name) for name in ("train", "test"))
    bridge = replace(make_unrelated(1, seed=5)[0], sample_id="bridge", links=("persona:1",))
    tied = [replace(o, links=("persona:1",)) if o in (train, held) else o for o in outlines]
    merged = assign([*tied, bridge], ledger)
    assert {merged[name] for name in (train.sample_id, held.sample_id, "bridge")} == {"test"}


def test_a_corrected_copy_of_an_absent_held_out_text_stays_held_out() -> None:
    outlines = make_unrelated(300)
    before = assign(outlines)
    ledger = SplitLedger().record(outlines, list(before.values()), "v1")
    corrected = [
        replace(o, sample_id=f"{number}", text=f"{o.text} done")
        for number, o in enumerate(outlines)
        if before[o.sample_id] == "test"
    ]
    others = [o for o in outlines if before[o.sample_id] != "test"]
    after = assign([*others, *corrected], ledger)
    assert {after[o.sample_id] for o in corrected} == {"test"}


@pytest.mark.parametrize("key", ["source_document", "translation_of"])
def test_what_was_made_from_an_absent_sample_goes_where_that_is(key: str) -> None:
    """Paraphrases and translations share no words with their source."""
    outlines = make_unrelated(300)
    before = assign(outlines)
    ledger = SplitLedger().record(outlines, list(before.values()), "v1")
    others = make_unrelated(600)[300:]
    made = [
        replace(other, sample_id=f"made-{number}", links=(f"{key}:{source.sample_id}",))
        for number, (other, source) in enumerate(zip(others, outlines, strict=True))
    ]
    after = assign(made, ledger)
    assert [after[one.sample_id] for one in made] == [before[source.sample_id] for source in outlines]


def test_one_large_group_does_not_fill_a_held_out_split() -> None:
    for number in range(10):
        large = [replace(o, sample_id=f"{number}-{o.sample_id}") for o in make_templated(1, 100)]
        split = split_samples([*large, *make_unrelated(100)])
        assert {split.assignment[index] for index in range(100)} == {"train"}
        assert all(split.members(name) for name in DEFAULT_RATIOS)


@given(st.integers(0, 2**20))
@settings(max_examples=2, deadline=None)
def test_twenty_versions_never_move_a_held_out_sample_to_train(seed: int) -> None:
    history = grow(versions=20, start=150, seed=seed)
    assert max(history.crossings) == 0
    assert max(history.deviations) <= 0.02 + 1 / 150


def test_shuffling_keeps_the_sizes() -> None:
    split = split_samples(make_unrelated(101))
    shuffled = shuffle_samples(split, DEFAULT_RATIOS, seed=5)
    assert Counter(shuffled.assignment) == {"train": 81, "validation": 10, "test": 10}


@pytest.mark.parametrize(
    "ratios", [{"train": 1.0}, {"test": 0.5, "dev": 0.5}, {"train": 1.0, "test": 0.0}, {"train": 1.0, "test": math.nan}]
)
def test_wrong_ratios_are_refused(ratios: dict[str, float]) -> None:
    with pytest.raises(InputError, match="train and one more"):
        check_ratios(ratios)


def test_ratios_are_scaled() -> None:
    assert check_ratios({"train": 3, "test": 1}) == {"train": 0.75, "test": 0.25}
