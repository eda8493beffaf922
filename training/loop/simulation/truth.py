"""What a simulation works on: documents with gold, split into a pool, a door set and a test set.

The pool is what simulated people review, the door set decides promotions, and the test set, of document types that
nobody reviews, measures. From the offline author the three are drawn apart; `samples` makes them from files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.corpus.uncertainty import count_tokens
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Annotation, Author, Entity, Sample, sort_spans
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.mistakes import make_mistakes
from goldspan.generators.specs.documents import DOCUMENT_TYPES
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints
from goldspan.generators.surrogates.chance import make_random
from goldspan.predictors.base import LocalPredictor, TextInput

HELD_OUT = ("medical_letter", "forum_post", "invoice")
SPURIOUS_SHARE = 0.5
"""Spurious entities of the simulated language model for each entity that it gets wrong."""

NOTHING, LLM_LIKE = "nothing", "llm-like"
_SKEWED = ("chat", "support_email")
_CAPITALISED = re.compile(r"\b[^\W\d_][\w-]{2,}\b|\b\d[\d-]{2,}\b")


@dataclass(frozen=True, slots=True)
class TruthSettings:
    """How much, and of what. `skewed`: half of the pool holds nothing, most of the rest is chat and support mail."""

    pool: int = 400
    door: int = 100
    test: int = 100
    languages: tuple[str, ...] = ("en",)
    skewed: bool = False
    mistake_rate: float = 0.2


@dataclass(frozen=True, slots=True)
class SimulatedText:
    """A text with gold, and what the pre-annotators that need no training say of it (by name)."""

    sample_id: str
    text: str
    language: str
    country: str
    document_type: str
    tokens: int
    gold: Annotation
    suggestions: dict[str, Annotation]


@dataclass(frozen=True, slots=True)
class Truth:
    """The three sets of one seed."""

    seed: int
    pool: tuple[SimulatedText, ...]
    door: tuple[SimulatedText, ...]
    test: tuple[SimulatedText, ...]


def compose_truth(seed: int, settings: TruthSettings, labels: LabelSchema) -> Truth:
    """Documents of the offline author; all randomness follows from the seed."""
    kinds = tuple(DOCUMENT_TYPES)
    seen = tuple(name for name in kinds if name not in HELD_OUT)
    held = tuple(name for name in kinds if name in HELD_OUT) or kinds
    build = _Composer(seed, settings, labels)
    return Truth(
        seed,
        tuple(build.compose(0, settings.pool, seen, skewed=settings.skewed)),
        tuple(build.compose(1, settings.door, seen, skewed=settings.skewed)),
        tuple(build.compose(2, settings.test, held, skewed=False)),
    )


def add_suggestions(truth: Truth, names: Sequence[str], predictors: Sequence[LocalPredictor]) -> Truth:
    """The truth with what these predictors say of each text, by name."""
    sets = []
    for part in (truth.pool, truth.door, truth.test):
        texts = [TextInput(one.text, one.language, one.country) for one in part]
        said = [_predict(predictor, texts) for predictor in predictors]
        sets.append(
            tuple(
                replace(
                    one, suggestions=one.suggestions | {n: found[place] for n, found in zip(names, said, strict=True)}
                )
                for place, one in enumerate(part)
            )
        )
    return Truth(truth.seed, *sets)


def _predict(predictor: LocalPredictor, texts: Sequence[TextInput]) -> list[Annotation]:
    found: list[Annotation] = []
    for begin in range(0, len(texts), predictor.max_batch):
        found += predictor.predict_batch(texts[begin : begin + predictor.max_batch])
    return found


class _Composer:
    def __init__(self, seed: int, settings: TruthSettings, labels: LabelSchema) -> None:
        self._seed, self._settings, self._labels = seed, settings, labels

    def compose(self, part: int, count: int, kinds: Sequence[str], *, skewed: bool) -> list[SimulatedText]:
        found: dict[str, SimulatedText] = {}
        number = 0
        while len(found) < count:
            one = self._compose_one(part * 1_000_000 + number, kinds, skewed=skewed)
            found.setdefault(one.text, one)
            number += 1
        return list(found.values())

    def _compose_one(self, index: int, kinds: Sequence[str], *, skewed: bool) -> SimulatedText:
        rng = make_random(self._seed, index, "simulation")
        constraints = None
        if skewed and rng.random() < 0.8:
            kinds = [kind for kind in kinds if kind in _SKEWED] or kinds
        if skewed:
            constraints = SpecConstraints(hard_negative=rng.random() < 0.5)
        spec = draw_spec(
            self._seed, index, self._settings.languages, self._labels, wanted=constraints, document_types=tuple(kinds)
        )
        document = compose_document(spec, self._labels)
        gold = Annotation(Author.person("gold"), document.entities, document.mentions)
        sample = Sample(document.text, spec.language, spec.country, spec.document_type, (gold,), {}, f"{index:07}")
        return make_text(sample, self._seed, self._settings.mistake_rate, self._labels)


def make_text(sample: Sample, seed: int, mistake_rate: float, labels: LabelSchema) -> SimulatedText:
    """A reviewed sample with the suggestions of a simulated language model.

    It errs on `mistake_rate` of the entities, and adds half as many that are none.
    """
    gold, sample_id = sample.reviews[0], identify_sample(sample)
    number = int(draw_order(sample_id, "simulated model", seed) * 2**40)
    spec = draw_spec(seed, number, ("en",), labels)
    spoiled = make_mistakes(Tagged(sample.text, gold.entities, ()), spec, labels, mistake_rate).entities
    rng = make_random(seed, number, "spurious")
    entities = _add_spurious(rng, sample.text, spoiled, SPURIOUS_SHARE * mistake_rate * len(gold.entities))
    suggestions = {
        NOTHING: Annotation(Author.model(NOTHING)),
        LLM_LIKE: Annotation(Author.model(LLM_LIKE), entities),
    }
    return SimulatedText(
        sample_id,
        sample.text,
        sample.language,
        sample.country,
        sample.document_type,
        count_tokens(sample.text),
        gold,
        suggestions,
    )


def _add_spurious(rng: Random, text: str, entities: Sequence[Entity], expected: float) -> tuple[Entity, ...]:
    """The entities with about `expected` more, on words and numbers that are none."""
    labels = sorted({entity.label for entity in entities})
    kept = list(entities)
    free = [m.span() for m in _CAPITALISED.finditer(text) if m[0][0].isupper() or m[0][0].isdigit()]
    free = [(s, e) for s, e in free if not any(s < one.end and one.start < e for one in kept)]
    rng.shuffle(free)
    count = int(expected) + (rng.random() < expected % 1)
    kept += [Entity(start, end, labels[rng.randrange(len(labels))]) for start, end in free[:count] if labels]
    return sort_spans(kept)
