from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.labels.schema import build_labels
from goldspan.generators.surrogates.patterns import draw_by_pattern, draw_like, has_number_example


@given(
    st.sampled_from(
        ["4.2 kg", "31 kg", "€ 25", "$1,250.00", "0.5 mg/kg", "38.5 °C", "12%", "2,5 m²", "40 ft", "level 12"]
    ),
    st.integers(0, 10_000),
)
def test_a_measure_keeps_its_unit_and_its_size(example: str, seed: int):
    label = build_labels({"version": 1, "labels": {"W": {"name": "W", "hints": [example]}}})["W"]
    for drawn in (draw_like(Random(seed), example), draw_by_pattern(Random(seed), label)):
        assert re.sub(r"[0-9]", "0", drawn) == re.sub(r"[0-9]", "0", example)
        assert re.search(r"[0-9]", example)[0] == "0" or re.search(r"[0-9]", drawn)[0] != "0"


@pytest.mark.parametrize("hint", ["Exactly 9 characters", "Class 10 letters", "About 5 of them", "Gene symbols"])
def test_a_number_of_other_things_is_no_measure(hint: str):
    label = build_labels({"version": 1, "labels": {"W": {"name": "W", "hints": [hint]}}})["W"]
    assert not has_number_example(label)


def test_one_small_letter_before_a_number_stays():
    assert re.fullmatch(r"v[0-9]\.[0-9]", draw_like(Random(1), "v2.0"))
