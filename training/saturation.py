"""What more documents teach: the same training on 60, 250, 1,000 and all documents, and the contexts in each.

Every size is trained from the same weights on the same number of tokens, so that a larger set is not just a longer
training; the sets are nested, and all are tested on the same held-out documents, whose groups are in no set, and on
files from elsewhere where some are named. Where the curve is flat, other documents are needed, not more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from operator import add
from statistics import median
from typing import Any

from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.quality.variety import VarietyCounts
from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.corpus.splits import split_samples
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.strict import score_strict
from goldspan.training.config import parse_config

HELD_OUT = "held out"
_FEWEST = 40
_RATIOS = {"train": 0.8, "validation": 0.08, "test": 0.12}


@dataclass(frozen=True, slots=True)
class SaturationSettings:
    """Sizes in documents (`all` is always measured too), encoder, and the tokens that each training sees."""

    sizes: tuple[int, ...] = (60, 250, 1000)
    encoder: str = "rampart"
    token_budget: int = 200_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class SaturationPoint:
    """One size: `contexts` are distinct two-word left contexts per 100 mentions, by language and label.

    `f1` is strict F1 by test set; None where a test set holds no entity.
    """

    documents: int
    contexts: Mapping[str, Mapping[str, float]]
    f1: Mapping[str, float | None]

    @property
    def median_contexts(self) -> float:
        """Over the labels of all languages; 0 without one."""
        values = [value for labels in self.contexts.values() for value in labels.values()]
        return median(values) if values else 0.0


@dataclass(frozen=True, slots=True)
class Saturation:
    """The points in order of size; `tests` counts the documents of each test set."""

    settings: SaturationSettings
    tests: Mapping[str, int]
    points: tuple[SaturationPoint, ...] = field(default=())

    def share(self, point: SaturationPoint, test: str) -> float | None:
        """The F1 of a point as a share of the F1 of all documents."""
        whole, part = self.points[-1].f1[test], point.f1[test]
        return part / whole if whole and part is not None else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; no text."""
        return asdict(self)


def measure_saturation(
    samples: Sequence[Sample],
    labels: LabelSchema,
    settings: SaturationSettings,
    *,
    tests: Mapping[str, Sequence[Sample]] | None = None,
    report: Callable[[SaturationPoint], None] = lambda _: None,
) -> Saturation:
    """Train on nested sets of documents and test each.

    Args:
        samples: annotated samples; those without an annotation are left out.
        labels: the label schema.
        settings: sizes and how to train.
        tests: further test sets by name.
        report: gets each point when it is measured.

    Raises:
        InputError: there are too few samples.
        ConfigurationError: the training libraries or the encoder are missing.
    """
    annotated = [sample for sample in samples if sample.best]
    if len(annotated) < _FEWEST:
        raise InputError(f"{len(annotated)} annotated samples are too few to hold some out: give {_FEWEST} or more.")
    split = split_samples(outline_samples(annotated, labels), _RATIOS, seed=settings.seed)
    pool, validation, held = ([annotated[number] for number in split.members(name)] for name in _RATIOS)
    if not (pool and validation and held):
        raise InputError("The samples are so alike that none can be held out: they are one group.")
    pool.sort(key=lambda sample: draw_order(sample.sample_id, "saturation", settings.seed))
    sets = {HELD_OUT: held, **(tests or {})}
    points = []
    for size in sorted({*(size for size in settings.sizes if size < len(pool)), len(pool)}):
        points.append(_measure_point(pool[:size], validation, sets, labels, settings))
        report(points[-1])
    return Saturation(settings, {name: len(found) for name, found in sets.items()}, tuple(points))


def _measure_point(
    chosen: Sequence[Sample],
    validation: Sequence[Sample],
    tests: Mapping[str, Sequence[Sample]],
    labels: LabelSchema,
    settings: SaturationSettings,
) -> SaturationPoint:
    from goldspan.training.models.fit import TrainingData
    from goldspan.training.models.reading import train_reader

    training = {"token_budget": settings.token_budget, "early_stopping_enabled": False, "evaluations": 3}
    training["seed"] = settings.seed
    config = parse_config({"model": {"name": settings.encoder, "coreference": False}, "training": training})
    read = train_reader(TrainingData(chosen, validation), labels, config)
    counts = VarietyCounts(labels)
    for sample in chosen:
        counts.add(sample, sample.best)
    scores = {}
    for name, found in tests.items():
        gold = [sample.best.entities if sample.best else () for sample in found]
        said = [entities for entities, _ in read([sample.text for sample in found])]
        scores[name] = reduce(add, score_strict(gold, said).values(), SpanCounts()).measure_f()
    return SaturationPoint(
        len(chosen), {language: dict(found.contexts) for language, found in counts.measure().items()}, scores
    )
