from __future__ import annotations

import pytest

pytest.importorskip("torch")

from goldspan.training.models.network import weigh_classes


def test_class_weights_are_inverse_square_roots_with_a_mean_of_one() -> None:
    weights = weigh_classes([100, 25, 0])
    assert weights[1] / weights[0] == pytest.approx(2)
    assert (weights[0] * 100 + weights[1] * 25) / 125 == pytest.approx(1)
    assert weights[2] == 1
