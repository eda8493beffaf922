from __future__ import annotations

import pytest

from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.training.artifact.outputs import SpanScores
from goldspan.training.artifact.parity import compare_scores


def make_scores(gold: int, found: int, leakage: float) -> SpanScores:
    return SpanScores({"CITY": SpanCounts(gold=gold, predicted=gold, found=found, right=found)}, leakage)


@pytest.mark.parametrize(
    ("reference", "smaller", "fault"),
    [
        ((1000, 900, 0.1), (1000, 895, 0.1), ""),
        ((1000, 900, 0.1), (1000, 880, 0.1), "strict F1 differs by 0.0200"),
        ((1000, 900, 0.1), (1000, 900, 0.103), "leakage grows by 0.0030"),
        ((0, 0, 0.0), (0, 0, 0.0), "no entity to compare on"),
    ],
)
def test_a_smaller_graph_has_to_be_shown_as_good(
    reference: tuple[int, int, float], smaller: tuple[int, int, float], fault: str
) -> None:
    faults = compare_scores(make_scores(*reference), make_scores(*smaller))
    assert fault in "; ".join(faults)
    assert bool(faults) is bool(fault)
