from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from goldspan.predictors.model.coreference import FEATURES, MentionPlace, describe_pairs, score_pairs  # noqa: E402
from goldspan.training.models.batches import MentionGroup  # noqa: E402
from goldspan.training.models.labelling import TokenRange  # noqa: E402
from goldspan.training.models.ranking import measure_ranking, pair_mentions, score_candidates  # noqa: E402


def make_group(*clusters: str, row: int = 0, length: int = 1) -> MentionGroup:
    places = [MentionPlace(n, n + 1, "PRONOUN", "x") for n in range(len(clusters))]
    ranges = [TokenRange(n, n + length, c, p) for n, (c, p) in enumerate(zip(clusters, places, strict=True))]
    return MentionGroup(row, tuple(ranges))


def test_the_loss_is_the_marginal_log_likelihood_by_hand() -> None:
    queries, keys = torch.randn(1, 3, 64), torch.randn(1, 3, 64)
    scores = queries[0] @ keys[0].T / 8
    loss = measure_ranking(queries, keys, pair_mentions([make_group("1", "1", "")], 1, 3), torch.zeros(FEATURES))
    second = torch.log(1 + scores[1, 0].exp()) - scores[1, 0]
    third = torch.log(1 + scores[2, 0].exp() + scores[2, 1].exp())
    assert loss.item() == pytest.approx(((0 + second + third) / 3).item(), abs=1e-5)


def test_all_earlier_mentions_of_the_cluster_are_right() -> None:
    pairs = pair_mentions([make_group("1", "2", "1", "1", "")], 1, 5)
    assert pairs.right[0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
    ]


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    queries, keys = torch.randn(3, 9, 64), torch.randn(3, 9, 64, requires_grad=True)
    features = torch.randn(FEATURES)
    groups = [make_group("1", "1", "", "1", row=0, length=3), make_group("2", "2", row=2)]
    whole = measure_ranking(queries, keys, pair_mentions(groups, 3, 9), features)
    alone = [
        measure_ranking(queries[[group.row]], keys[[group.row]], pair_mentions([MentionGroup(0, group.ranges)], 1, 9),
                        features)
        for group in groups
    ]  # fmt: skip
    assert whole.item() == pytest.approx((sum(alone) / 2).item(), rel=1e-5)
    torch.autograd.backward(whole)
    assert keys.grad is not None
    assert keys.grad.isfinite().all()
    assert not keys.grad[1].any()


def test_the_numpy_scorer_of_serving_gives_the_same_scores() -> None:
    group = make_group("1", "2", "1", "")
    queries, keys, features = torch.randn(1, 4, 64), torch.randn(1, 4, 64), torch.randn(FEATURES)
    ours = score_candidates(queries, keys, pair_mentions([group], 1, 4), features)[0]
    numbers = describe_pairs([m.place for m in group.ranges])
    theirs = score_pairs(queries[0].numpy(), keys[0].numpy(), numbers, features.tolist())
    lower = torch.ones(4, 4, dtype=torch.bool).tril(-1)
    assert torch.allclose(ours[lower], torch.from_numpy(theirs)[lower], atol=1e-4)
