"""What learns in a simulation: the methods of `goldspan.training`, fitted in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample, sort_spans
from goldspan.predictors.base import TextInput
from goldspan.predictors.crf.predictor import CrfPredictor
from goldspan.predictors.crf.tagger import CrfTagger
from goldspan.training.config import TrainingConfig
from goldspan.training.loop.simulation.truth import SimulatedText
from goldspan.training.methods.crf import CrfSettings, train_crf
from goldspan.training.methods.examples import CrfExample

Reader = Callable[[Sequence[SimulatedText], tuple[str, ...]], list[Annotation]]
"""A trained model: one annotation for each text, with a score.

Of the labels given, a CRF keeps all entities of its base; other models have no base.
"""


class Learner(Protocol):
    """Trains on reviewed texts; `name` stands in the report."""

    @property
    def name(self) -> str:
        """What it is."""

    def fit(self, reviewed: Sequence[SimulatedText], unreviewed: Sequence[SimulatedText]) -> Reader:
        """Train; `unreviewed` texts may be used without their gold."""


@dataclass(frozen=True, slots=True)
class CrfLearner:
    """The method `crf` on top of the pre-annotator `base`."""

    labels: LabelSchema
    base: str
    settings: CrfSettings = field(default_factory=CrfSettings)

    @property
    def name(self) -> str:
        """The method and its base."""
        return f"crf on {self.base}"

    def fit(self, reviewed: Sequence[SimulatedText], unreviewed: Sequence[SimulatedText]) -> Reader:
        """Train with unreviewed texts up to `least`, as the method does."""
        examples = [
            CrfExample(o.text, o.language, o.gold.entities, o.suggestions[self.base].entities) for o in reviewed
        ]
        filling = [
            CrfExample(o.text, o.language, o.suggestions[self.base].entities, o.suggestions[self.base].entities)
            for o in unreviewed[: max(0, self.settings.least - len(reviewed))]
        ]
        trained = train_crf(examples, self.settings, filling)
        tagger = CrfTagger(trained.model)

        def read(texts: Sequence[SimulatedText], keep: tuple[str, ...]) -> list[Annotation]:
            predictor = CrfPredictor(self.labels, tagger, "simulated", from_base=(*trained.from_base, *keep))
            return [
                predictor.correct(TextInput(one.text, one.language, one.country), one.suggestions[self.base])
                for one in texts
            ]

        return read


@dataclass(frozen=True, slots=True)
class EncoderLearner:
    """The method `token-classifier`: the training backend itself, from the encoder's weights, in torch.

    With `patterns` those of `regex` win where they overlap (`regex+model`), as in the loop itself.
    """

    labels: LabelSchema
    config: TrainingConfig
    patterns: bool = True

    @property
    def name(self) -> str:
        """The method and its encoder."""
        return f"token-classifier from {self.config.model.name}{', regex first' if self.patterns else ''}"

    def fit(self, reviewed: Sequence[SimulatedText], unreviewed: Sequence[SimulatedText]) -> Reader:
        """Train on nine tenths of the reviewed texts; the others decide when to stop.

        Where one of the two holds no entity there is nothing to learn yet: the model finds none.
        """
        from goldspan.training.models.fit import TrainingData
        from goldspan.training.models.reading import train_reader

        del unreviewed
        samples = [Sample(o.text, o.language, o.country, o.document_type, (o.gold,), {}, o.sample_id) for o in reviewed]
        data = TrainingData([one for place, one in enumerate(samples) if place % 10], samples[::10])
        learnable = all(any(one.reviews[0].entities for one in part) for part in (data.train, data.validation))
        read = train_reader(data, self.labels, self.config) if learnable else _find_nothing

        def annotate(texts: Sequence[SimulatedText], keep: tuple[str, ...]) -> list[Annotation]:
            del keep
            found = []
            for one, (entities, score) in zip(texts, read([one.text for one in texts]), strict=True):
                fixed = one.suggestions["regex"].entities if self.patterns else ()
                found.append(Annotation(Author.model("simulated"), _put_first(fixed, entities), score=score))
            return found

        return annotate


def _find_nothing(texts: Sequence[str]) -> list[tuple[tuple[Entity, ...], float]]:
    return [((), 0.0) for _ in texts]


def _put_first(fixed: Sequence[Entity], entities: Sequence[Entity]) -> tuple[Entity, ...]:
    rest = [one for one in entities if not any(one.start < other.end and other.start < one.end for other in fixed)]
    return sort_spans([*fixed, *rest])
