"""Run a simulation: seeds and orders in processes of their own, then the summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, CostModel
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, find_label_file, load_labels
from goldspan.annotation.processes import open_workers
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import format_count
from goldspan.predictors.stacking import open_base
from goldspan.training.config import TrainingConfig, parse_config
from goldspan.training.loop.simulation.learners import CrfLearner, EncoderLearner, Learner
from goldspan.training.loop.simulation.orders import find_order
from goldspan.training.loop.simulation.replay import Replay, ReplaySettings, replay
from goldspan.training.loop.simulation.samples import SampleGroup, group_reviewed, split_groups
from goldspan.training.loop.simulation.truth import Truth, TruthSettings, add_suggestions, compose_truth

METHODS = ("crf", "token-classifier")


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """What is simulated. `base` serves at first and is what a CRF stands on; `samples`: truth from files, else made."""

    base: str = "regex"
    method: str = "crf"
    encoder: str = "rampart"
    token_budget: int = 60_000
    device: str = "cpu"
    orders: tuple[str, ...] = ("random", "uncertainty", "queue")
    seeds: tuple[int, ...] = (1, 2, 3)
    rounds: tuple[int, ...] = (20, 40, 60, 80, 100, 130, 160, 200)
    target: float = 0.9
    truth: TruthSettings = field(default_factory=TruthSettings)
    costs: CostModel = DEFAULT_COSTS


@dataclass(frozen=True, slots=True)
class Simulation:
    """The replays of all seeds and orders, in their order."""

    settings: SimulationSettings
    learner: str
    source: str
    replays: tuple[Replay, ...]

    def to_json(self) -> dict[str, Any]:
        """Settings and every point; no text."""
        s = self.settings
        return {
            "learner": self.learner,
            "source": self.source,
            "base": s.base,
            "target": s.target,
            "truth": {name: getattr(s.truth, name) for name in s.truth.__dataclass_fields__},
            "costs": s.costs.to_json(),
            "replays": [
                {"seed": r.seed, "order": r.order, "points": [point.to_json(s.costs) for point in r.points]}
                for r in self.replays
            ],
        }


def simulate_loop(
    settings: SimulationSettings,
    *,
    samples: Sequence[Sample] | None = None,
    labels_file: Path | None = None,
    workers: int = 1,
    report: Callable[[str], None] = lambda _: None,
) -> Simulation:
    """Simulate the annotation of a pool.

    Args:
        settings: what to simulate.
        samples: reviewed samples as truth; None: documents of the offline author.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        workers: processes.
        report: gets a line whenever something is done.

    Raises:
        InputError: there are too few samples, no orders or seeds, or rounds that do not rise.
        UnknownNameError: an order or a predictor is not known.
        ConfigurationError: a library or a model is missing.
    """
    _check_settings(settings)
    path = find_label_file(labels_file)
    labels = load_labels(path)
    learner = make_learner(settings, labels)
    open_base(settings.base, labels)
    groups = None if samples is None else group_reviewed(samples, labels)
    prepare = partial(prepare_truth, settings=settings, groups=groups, labels_file=path)
    seeds, orders = tuple(dict.fromkeys(settings.seeds)), tuple(dict.fromkeys(settings.orders))
    with _open_pool(workers) as run:
        truths = {truth.seed: truth for truth in run(prepare, seeds)}
        report(f"{format_count(len(truths), 'seed')} prepared")
        jobs = [(truths[seed], order) for seed in seeds for order in orders]
        replays = []
        for one in run(partial(run_replay, settings=settings, labels_file=path), jobs):
            replays.append(one)
            report(f"seed {one.seed}, {one.order}: F1 {one.points[-1].candidate.f1:.3f} at {one.points[-1].reviews}")
    source = "offline author" if samples is None else "reviewed samples"
    return Simulation(settings, learner.name, source, tuple(replays))


def prepare_truth(
    seed: int, *, settings: SimulationSettings, groups: Sequence[SampleGroup] | None, labels_file: Path
) -> Truth:
    """The truth of a seed with every suggestion."""
    labels = load_labels(labels_file)
    if groups is None:
        truth = compose_truth(seed, settings.truth, labels)
    else:
        truth = split_groups(groups, seed, settings.truth, labels)
    names = list(dict.fromkeys([*settings.base.split("+")[:1], settings.base]))
    predictors = [found for name in names if (found := open_base(name, labels)) is not None]
    return add_suggestions(truth, names, predictors)


def run_replay(job: tuple[Truth, str], *, settings: SimulationSettings, labels_file: Path) -> Replay:
    """One seed and order."""
    truth, order = job
    labels = load_labels(labels_file)
    targets = {label.code: label.target for label in labels.entities}
    plan = ReplaySettings(order, settings.base, settings.rounds, settings.costs)
    return replay(truth, make_learner(settings, labels, truth.seed), targets, plan)


def make_learner(settings: SimulationSettings, labels: LabelSchema, seed: int = 0) -> Learner:
    """The learner of a simulation; with another seed an encoder begins and trains in another way."""
    if settings.method == "crf":
        return CrfLearner(labels, settings.base)
    return EncoderLearner(labels, _make_config(settings, seed), settings.base.split("+")[0] == "regex")


def _make_config(settings: SimulationSettings, seed: int) -> TrainingConfig:
    training = {"token_budget": settings.token_budget, "evaluations": 3, "threads": 1, "device": settings.device}
    model = {"name": settings.encoder, "coreference": False}
    return parse_config({"model": model, "training": {**training, "seed": seed}})


def _check_settings(settings: SimulationSettings) -> None:
    if settings.method not in METHODS or not settings.seeds or not settings.orders:
        raise InputError(f"A simulation needs a method ({' or '.join(METHODS)}), an order and a seed.")
    for order in settings.orders:
        find_order(order)
    rounds, truth = settings.rounds, settings.truth
    if not rounds or rounds[0] < 1 or any(one >= other for one, other in pairwise(rounds)):
        raise InputError(f"Rounds are rising whole numbers such as 20, 40, 60, not {str(rounds)[:60]}.")
    if min(truth.pool, truth.door, truth.test) < 1:
        raise InputError("Pool, door set and test set of a simulation hold at least 1 sample each.")


@contextmanager
def _open_pool(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """`map` in this process, or in several; results come in the order of the jobs."""
    if workers <= 1:
        yield map
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with open_workers(workers) as pool:
        yield pool.map
