from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from goldspan.predictors.model.coreference import FEATURES, MentionPlace  # noqa: E402
from goldspan.training.models.batches import MentionGroup  # noqa: E402
from goldspan.training.models.labelling import TokenRange  # noqa: E402
from goldspan.training.models.network import Outputs, measure_ranking, score_group, weigh_classes  # noqa: E402


def make_group(*clusters: str) -> MentionGroup:
    ranges = [TokenRange(n, n + 1, c, MentionPlace(n, n + 1, "PRONOUN", "x")) for n, c in enumerate(clusters)]
    return MentionGroup(0, tuple(ranges))


def make_outputs(queries: torch.Tensor, keys: torch.Tensor) -> Outputs:
    nothing = torch.zeros(1)
    return Outputs(nothing, nothing, queries[None], keys[None])


def test_the_ranking_loss_is_the_marginal_log_likelihood_by_hand() -> None:
    group = make_group("1", "1", "")
    queries, keys = torch.randn(3, 64), torch.randn(3, 64)
    features = torch.zeros(FEATURES)
    scores = queries @ keys.T / 8
    loss = measure_ranking(make_outputs(queries, keys), group, features)
    second = torch.log(1 + scores[1, 0].exp()) - scores[1, 0]
    third = torch.log(1 + scores[2, 0].exp() + scores[2, 1].exp())
    assert loss.item() == pytest.approx(((0 + second + third) / 3).item(), abs=1e-5)


def test_the_numpy_scorer_of_serving_gives_the_same_scores() -> None:
    from goldspan.predictors.model.coreference import describe_pairs, score_pairs

    group = make_group("1", "2", "1", "")
    queries, keys, features = torch.randn(4, 64), torch.randn(4, 64), torch.randn(FEATURES)
    ours = score_group(queries, keys, group, features)
    theirs = score_pairs(
        queries.numpy(), keys.numpy(), describe_pairs([m.place for m in group.ranges]), features.tolist()
    )
    lower = torch.ones(4, 4, dtype=torch.bool).tril(-1)
    assert torch.allclose(ours[lower], torch.from_numpy(theirs)[lower], atol=1e-4)


def test_class_weights_are_inverse_square_roots_with_a_mean_of_one() -> None:
    weights = weigh_classes([100, 25, 0])
    assert weights[1] / weights[0] == pytest.approx(2)
    assert (weights[0] * 100 + weights[1] * 25) / 125 == pytest.approx(1)
    assert weights[2] == 1
