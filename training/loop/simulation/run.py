"""Run a simulation: seeds and orders in processes of their own, then the summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, CostModel
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, find_label_file, load_labels
from goldspan.annotation.types import Sample
from goldspan.predictors.stacking import open_base
from goldspan.training.config import TrainingConfig, parse_config
from goldspan.training.loop.simulation.learners import CrfLearner, EncoderLearner, Learner
from goldspan.training.loop.simulation.orders import find_order
from goldspan.training.loop.simulation.replay import Replay, ReplaySettings, replay
from goldspan.training.loop.simulation.truth import Truth, TruthSettings, add_suggestions, compose_truth, split_samples

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
    samples: Sequence[Sample] = (),
    labels_file: Path | None = None,
    workers: int = 1,
    report: Callable[[str], None] = lambda _: None,
) -> Simulation:
    """Simulate the annotation of a pool.

    Args:
        settings: what to simulate.
        samples: reviewed samples as truth; without them, documents of the offline author.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        workers: processes.
        report: gets a line whenever something is done.

    Raises:
        InputError: there are too few samples, or no orders or seeds.
        UnknownNameError: an order or a predictor is not known.
        ConfigurationError: a library or a model is missing.
    """
    if settings.method not in METHODS or not settings.seeds or not settings.orders:
        raise InputError(f"A simulation needs a method ({' or '.join(METHODS)}), an order and a seed.")
    path = find_label_file(labels_file)
    for order in settings.orders:
        find_order(order)
    learner = make_learner(settings, load_labels(path))
    open_base(settings.base, load_labels(path))
    prepare = partial(prepare_truth, settings=settings, samples=tuple(samples), labels_file=path)
    with _open_pool(workers) as run:
        truths = {truth.seed: truth for truth in run(prepare, settings.seeds)}
        report(f"{len(truths)} seeds prepared")
        jobs = [(truths[seed], order) for seed in settings.seeds for order in settings.orders]
        replays = []
        for one in run(partial(run_replay, settings=settings, labels_file=path), jobs):
            replays.append(one)
            report(f"seed {one.seed}, {one.order}: F1 {one.points[-1].candidate.f1:.3f} at {one.points[-1].reviews}")
    source = "reviewed samples" if samples else "offline author"
    return Simulation(settings, learner.name, source, tuple(replays))


def prepare_truth(seed: int, *, settings: SimulationSettings, samples: Sequence[Sample], labels_file: Path) -> Truth:
    """The truth of a seed with every suggestion."""
    labels = load_labels(labels_file)
    if samples:
        truth = split_samples(samples, seed, settings.truth, labels)
    else:
        truth = compose_truth(seed, settings.truth, labels)
    names = list(dict.fromkeys([*settings.base.split("+")[:1], settings.base]))
    predictors = [found for name in names if (found := open_base(name, labels)) is not None]
    return add_suggestions(truth, names, predictors)


def run_replay(job: tuple[Truth, str], *, settings: SimulationSettings, labels_file: Path) -> Replay:
    """One seed and order."""
    truth, order = job
    labels = load_labels(labels_file)
    targets = {label.code: label.target for label in labels.entities}
    plan = ReplaySettings(order, settings.base, settings.rounds, settings.costs)
    return replay(truth, make_learner(settings, labels), targets, plan)


def make_learner(settings: SimulationSettings, labels: LabelSchema) -> Learner:
    """The learner of a simulation."""
    if settings.method == "crf":
        return CrfLearner(labels, settings.base)
    return EncoderLearner(labels, _make_config(settings), settings.base.split("+")[0])


def _make_config(settings: SimulationSettings) -> TrainingConfig:
    training = {"token_budget": settings.token_budget, "evaluations": 3, "threads": 1, "device": settings.device}
    return parse_config({"model": {"name": settings.encoder, "coreference": False}, "training": training})


@contextmanager
def _open_pool(workers: int) -> Iterator[Callable[..., Iterable[Any]]]:
    """`map` in this process, or in several; results come in the order of the jobs."""
    if workers <= 1:
        yield map
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map
