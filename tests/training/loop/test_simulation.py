"""The simulated loop: sets that do not mix, costs that add up, targets that are found, the same result each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, Effort
from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.evaluation.scores.paired import Delta
from goldspan.training.loop.promotion import Promotion
from goldspan.training.loop.simulation.orders import ORDERS, PoolState
from goldspan.training.loop.simulation.replay import OWN, Replay, ReplayPoint, Scores
from goldspan.training.loop.simulation.report import (
    explain_orders,
    make_document,
    read_document,
    write_document,
    write_report,
)
from goldspan.training.loop.simulation.run import Simulation, SimulationSettings, simulate_loop
from goldspan.training.loop.simulation.summary import (
    estimate,
    find_target,
    summarise_curves,
    summarise_orders,
    summarise_suggestions,
)
from goldspan.training.loop.simulation.truth import HELD_OUT, TruthSettings, compose_truth
from tests.training.tiny_model import TOML, make_sample

pytest.importorskip("pycrfsuite")
SIZES = TruthSettings(pool=60, door=20, test=20)
NONE = Promotion(False, ("no",), 0, None, None, Delta(None, None, None, None), 0.0, 0.0, 0.0, 0.0)


def make_point(reviews: int, f1: float, seconds_each: int = 2, *, promoted: bool = False) -> ReplayPoint:
    scores = Scores(f1, f1, 1.0, 10.0, 0.5)
    work = Effort(reviews, 100 * reviews, added=seconds_each * reviews)
    promotion = replace(NONE, promoted=promoted)
    return ReplayPoint(reviews, 100 * reviews, {OWN: work, "nothing": work, "regex": work}, scores, scores, promotion)


def make_replay(seed: int, order: str, *points: ReplayPoint) -> Replay:
    shown = {"nothing": Scores(0.0, 0.0, 8.0, 60.0, 0.0), "regex": Scores(0.6, 0.6, 2.0, 20.0, 0.2)}
    return Replay(seed, order, shown, points)


def test_a_target_is_found_between_rounds() -> None:
    points = (make_point(20, 0.5), make_point(40, 0.7), make_point(60, 0.9))
    found = find_target(points, 0.8, OWN, DEFAULT_COSTS)
    assert found is not None
    assert (found["samples"], found["tokens"], found["edits"]) == pytest.approx((50, 5000, 100))
    assert find_target(points, 0.95, OWN, DEFAULT_COSTS) is None
    at_once = find_target(points, 0.4, OWN, DEFAULT_COSTS)
    assert at_once is not None
    assert at_once["samples"] == 20


def test_an_estimate_counts_seeds_that_did_not_reach_the_target() -> None:
    found = estimate([-0.1, -0.2, -0.3, None])
    assert (found.mean, found.reached, found.seeds) == (pytest.approx(-0.2), 3, 4)
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(-0.2 - 4.303 * 0.1 / 3**0.5, abs=1e-3)
    assert estimate([None]).mean is None
    assert estimate([1.0]).interval is None


@pytest.mark.parametrize(("faster", "helps"), [((30, 31, 29), True), ((30, 45, 52), False)])
def test_an_order_helps_only_beyond_chance(faster: tuple[int, ...], helps: bool) -> None:
    replays = []
    for seed, reviews in enumerate(faster):
        replays.append(make_replay(seed, "random", make_point(10, 0.1), make_point(45, 0.9)))
        replays.append(make_replay(seed, "queue", make_point(10, 0.1), make_point(reviews, 0.9)))
    random, queue = summarise_orders(replays, "regex", 0.9, DEFAULT_COSTS)
    assert (random.helps, queue.helps) == (None, helps)


def test_a_promotion_that_made_things_worse_is_counted() -> None:
    points = (make_point(20, 0.8, promoted=True), make_point(40, 0.7, promoted=True), make_point(60, 0.9))
    (found,) = summarise_orders([make_replay(1, "random", *points)], "regex", 0.9, DEFAULT_COSTS)
    assert (found.worse_promotions, found.promotions.mean) == (1, 2)
    assert found.worst_drop == pytest.approx(0.1)


def test_the_first_promotion_is_compared_with_the_base() -> None:
    replays = [make_replay(1, "random", make_point(20, 0.5, promoted=True))]
    (found,) = summarise_orders(replays, "regex", 0.9, DEFAULT_COSTS)
    assert found.worse_promotions == 1
    assert found.worst_drop == pytest.approx(0.1)


def test_an_order_that_misses_the_target_does_not_help() -> None:
    replays = []
    for seed, f1 in enumerate((0.9, 0.9, 0.9, 0.7)):
        replays.append(make_replay(seed, "random", make_point(10, 0.1), make_point(45, 0.9)))
        replays.append(make_replay(seed, "queue", make_point(10, 0.1), make_point(30 + seed, f1)))
    found = summarise_orders(replays, "regex", 0.9, DEFAULT_COSTS)
    interval = found[1].change["seconds"].interval
    assert interval is not None
    assert interval[1] < 0
    assert (found[1].missed, found[1].helps) == (1, False)
    assert "no evidence that this order helps; 1 seed reached the target in random order only" in explain_orders(found)


def test_without_random_order_suggestions_are_compared_in_the_first_order() -> None:
    replays = [make_replay(seed, order, make_point(30, 0.5)) for seed in (1, 2) for order in ("queue", "uncertainty")]
    own = summarise_suggestions(replays, "regex", 0.4, DEFAULT_COSTS)[-1]
    assert (own.name, own.f1.seeds, own.until["samples"].mean) == ("own, after 30 reviews", 2, 30)


def test_documents_of_the_author_are_the_same_each_time_and_do_not_mix() -> None:
    labels = load_labels()
    sizes = TruthSettings(pool=15, door=5, test=5)
    truth = compose_truth(3, sizes, labels)
    assert truth == compose_truth(3, sizes, labels)
    assert truth != compose_truth(4, sizes, labels)
    assert {one.document_type for one in truth.test} <= set(HELD_OUT)
    assert not {one.document_type for one in (*truth.pool, *truth.door)} & set(HELD_OUT)
    skewed = compose_truth(3, replace(sizes, pool=40, skewed=True), labels)
    assert sum(not one.gold.entities for one in skewed.pool) >= 10


def test_the_simulated_language_model_errs_and_adds_spans() -> None:
    truth = compose_truth(3, TruthSettings(pool=40, door=1, test=1, mistake_rate=0.5), load_labels())
    gold = {(one.sample_id, entity.span) for one in truth.pool for entity in one.gold.entities}
    said = {(one.sample_id, e.span) for one in truth.pool for e in one.suggestions["llm-like"].entities}
    assert 0.3 * len(gold) < len(gold & said) < 0.7 * len(gold)
    places = {(name, span.start) for name, span in gold}
    assert any((name, span.start) not in places for name, span in said)


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_an_order_takes_as_many_as_there_are_each_once(order: str) -> None:
    truth = compose_truth(1, TruthSettings(pool=12, door=1, test=1), load_labels())
    said = {one.sample_id: one.suggestions["llm-like"] for one in truth.pool}
    state = PoolState(truth.pool, said, said, {"CITY": 10}, (), 1)
    for size in (5, 30):
        names = [one.text.sample_id for one in ORDERS[order](state, size)]
        assert len(names) == len(set(names)) == min(size, 12)


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    labels_file = tmp_path_factory.mktemp("simulation") / "labels.toml"
    labels_file.write_text(TOML)
    settings = SimulationSettings(seeds=(1,), orders=("random", "queue"), rounds=(20, 40), target=0.8, truth=SIZES)
    samples = [make_sample(number) for number in range(240)]
    return simulate_loop(settings, samples=samples, labels_file=labels_file)


def test_reviews_teach_the_model_and_work_is_counted(simulation: Simulation) -> None:
    for one in simulation.replays:
        assert [point.reviews for point in one.points] == [20, 40]
        last = one.points[-1]
        assert last.candidate.f1 > 0.8
        assert last.efforts["nothing"].edits >= last.efforts[OWN].edits
        assert last.efforts["nothing"].texts == 40
        assert last.service.f1 >= one.shown["regex"].f1
        assert one.shown["nothing"].edits > one.shown["regex"].edits
    rows = summarise_suggestions(simulation.replays, "regex", 0.8, DEFAULT_COSTS)
    assert [row.name for row in rows] == [
        "nothing",
        "llm-like",
        "regex",
        "own, after 20 reviews",
        "own, after 40 reviews",
    ]


def test_the_report_names_the_learner_and_holds_no_text(simulation: Simulation, tmp_path: Path) -> None:
    texts = [make_sample(number).text for number in range(240)]
    file, page = tmp_path / "simulation.json", tmp_path / "report.html"
    write_document(file, make_document(simulation))
    write_report(read_document(file), page)
    html, markdown = page.read_text(), page.with_suffix(".md").read_text()
    for report in (html, markdown, file.read_text()):
        assert "crf on regex" in report
        assert not any(text[:20] in report for text in texts)
    assert html.count("<polyline") == html.count("<polygon") == 4
    assert "no evidence that this order helps" in markdown
    assert len(list((tmp_path / "report-charts").iterdir())) == 2


def test_curves_hold_the_means_over_seeds_with_their_interval() -> None:
    replays = [Replay(seed, "random", {}, (make_point(20, f1, 60),)) for seed, f1 in ((1, 0.7), (2, 0.8))]
    [point] = summarise_curves(replays, DEFAULT_COSTS)
    assert (point["order"], point["reviews"], point["seeds"]) == ("random", 20, 2)
    assert point["f1"] == pytest.approx(0.75)
    assert (point["f1"] - point["f1_low"], point["f1_high"]) == (pytest.approx(12.706 * 0.05, rel=1e-3), 1.0)
    [single] = summarise_curves(replays[:1], DEFAULT_COSTS)
    assert single["f1_low"] == single["f1"] == single["f1_high"]


def test_curves_rise_in_reviews_where_pools_end_apart() -> None:
    replays = [
        Replay(seed, "random", {}, (make_point(20, 0.5), make_point(end, 0.6))) for seed, end in ((1, 50), (2, 45))
    ]
    assert [point["reviews"] for point in summarise_curves(replays, DEFAULT_COSTS)] == [20, 45, 50]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "curves": [1], "tables": []}'])
def test_a_file_that_is_no_simulation_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "simulation.json"
    file.write_text(content)
    with pytest.raises(InputError, match="goldspan loop simulate"):
        read_document(file)


def test_what_cannot_be_simulated_is_refused_before_work() -> None:
    with pytest.raises(UnknownNameError, match="order"):
        simulate_loop(SimulationSettings(orders=("best",)))
    with pytest.raises(InputError, match="needs a method"):
        simulate_loop(SimulationSettings(method="magic"))
    with pytest.raises(InputError, match="rising"):
        simulate_loop(SimulationSettings(rounds=(20, 10)))
    with pytest.raises(InputError, match="at least 1"):
        simulate_loop(SimulationSettings(truth=TruthSettings(pool=0)))
    with pytest.raises(InputError, match="0 reviewed samples"):
        simulate_loop(SimulationSettings(truth=SIZES), samples=[])
