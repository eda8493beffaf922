from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from goldspan.annotation.corpus.splits import DEFAULT_RATIOS, check_ratios, report_split, shuffle_samples, split_samples
from goldspan.annotation.errors import InputError
from tests.annotation.corpora import make_templated, make_unrelated


def test_a_random_split_leaks_and_the_grouped_one_does_not() -> None:
    outlines = make_templated(150, 3000, seed=3)
    split = split_samples(outlines, seed=1)
    report = report_split(outlines, split, seed=1)
    assert report.random.group > 0.9
    assert report.random.skeleton > 0.9
    assert (report.grouped.group, report.grouped.skeleton, report.grouped.text) == (0.0, 0.0, 0.0)
    assert report.groups == 150
    assert report.sizes["train"] == pytest.approx(2400, rel=0.02)
    assert report.sizes["test"] == pytest.approx(300, rel=0.1)


def test_no_group_is_in_two_splits() -> None:
    outlines = make_templated(40, 200) + make_unrelated(100)
    linked = [replace(o, links=(f"persona:{number % 30}",)) if number % 3 else o for number, o in enumerate(outlines)]
    split = split_samples(linked, seed=9)
    homes: dict[int, set[str]] = {}
    for group, name in zip(split.groups, split.assignment, strict=True):
        homes.setdefault(group, set()).add(name)
    assert all(len(names) == 1 for names in homes.values())


def test_labels_and_languages_keep_their_shares() -> None:
    outlines = make_unrelated(2000, seed=4)
    report = report_split(outlines, split_samples(outlines, seed=2))
    for counts in (report.labels, report.languages):
        totals: Counter[str] = sum((Counter(part) for part in counts.values()), Counter())
        for name, ratio in DEFAULT_RATIOS.items():
            for stratum, total in totals.items():
                assert counts[name].get(stratum, 0) == pytest.approx(ratio * total, abs=max(3, 0.03 * total)), stratum


def test_the_seed_decides() -> None:
    outlines = make_unrelated(300)
    assert split_samples(outlines, seed=1) == split_samples(outlines, seed=1)
    assert split_samples(outlines, seed=1).assignment != split_samples(outlines, seed=2).assignment


def test_a_label_in_one_group_only_goes_to_train() -> None:
    outlines = make_unrelated(50)
    rare = replace(outlines[7], values=(("PASSPORTID", "X1"),))
    split = split_samples([*outlines[:7], rare, *outlines[8:]])
    assert split.assignment[7] == "train"
    assert set(split_samples(make_templated(1, 10)).assignment) == {"train"}


def test_shuffling_keeps_the_sizes() -> None:
    split = split_samples(make_unrelated(101))
    shuffled = shuffle_samples(split, DEFAULT_RATIOS, seed=5)
    assert Counter(shuffled.assignment) == {"train": 81, "validation": 10, "test": 10}


@pytest.mark.parametrize("ratios", [{"train": 1.0}, {"test": 0.5, "dev": 0.5}, {"train": 1.0, "test": 0.0}])
def test_wrong_ratios_are_refused(ratios: dict[str, float]) -> None:
    with pytest.raises(InputError, match="train and one more"):
        check_ratios(ratios)


def test_ratios_are_scaled() -> None:
    assert check_ratios({"train": 3, "test": 1}) == {"train": 0.75, "test": 0.25}
