"""What a CRF learns from: texts with gold, and what the predictor beneath finds; copies with other values.

Replacing each value by another one of its label, drawn from the same samples, is mention replacement (Dai and Adel
2020, "An Analysis of Simple Data Augmentation for Named Entity Recognition"): with few reviews a model learns the
words around a value instead of the value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

from goldspan.annotation.types import Annotation, Entity, Sample
from goldspan.predictors.base import LocalPredictor, TextInput


@dataclass(frozen=True, slots=True)
class CrfExample:
    """A text with its gold entities, and the entities that the predictor beneath gives."""

    text: str
    language: str
    gold: tuple[Entity, ...]
    beneath: tuple[Entity, ...]


def make_examples(samples: Sequence[Sample], base: LocalPredictor | None, *, reviewed: bool = True) -> list[CrfExample]:
    """Examples of samples. The gold of a reviewed one is its best annotation, that of another what the base says."""
    texts = [TextInput(sample.text, sample.language, sample.country) for sample in samples]
    opinions: list[Annotation] = []
    if base:
        for begin in range(0, len(texts), base.max_batch):
            opinions += base.predict_batch(texts[begin : begin + base.max_batch])
    examples = []
    for place, sample in enumerate(samples):
        beneath = opinions[place].entities if base else ()
        gold = sample.best.entities if reviewed and sample.best else beneath
        examples.append(CrfExample(sample.text, sample.language, gold, beneath))
    return examples


def join_examples(samples: Sequence[Sample], opinions: Mapping[str, tuple[Entity, ...]]) -> list[CrfExample]:
    """Examples of reviewed samples with what another predictor finds in each, by sample id."""
    return [
        CrfExample(one.text, one.language, one.best.entities if one.best else (), opinions.get(one.sample_id, ()))
        for one in samples
    ]


def swap_values(examples: Sequence[CrfExample], copies: int) -> list[CrfExample]:
    """Copies of examples in which each value is another one of its label and language; always the same ones.

    A value that recurs in a text is replaced by the same one everywhere. What the predictor beneath finds moves along;
    what crosses the border of a value is left out. Examples whose gold entities overlap are not copied.
    """
    values: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in examples:
        for entity in one.gold:
            values[one.language, entity.label].append(one.text[entity.start : entity.end])
    swapped = []
    for copy in range(copies):
        for number, one in enumerate(examples):
            gold = sorted(one.gold, key=lambda entity: entity.start)
            if gold and all(first.end <= second.start for first, second in pairwise(gold)):
                swapped.append(_swap(one, gold, values, Random(f"swap {copy} {number}")))  # noqa: S311
    return swapped


def _swap(
    one: CrfExample, gold: Sequence[Entity], values: Mapping[tuple[str, str], Sequence[str]], draw: Random
) -> CrfExample:
    chosen: dict[tuple[str, str], str] = {}
    parts: list[str] = []
    entities: list[Entity] = []
    before = end = 0
    for entity in gold:
        value = one.text[entity.start : entity.end]
        new = chosen.setdefault((entity.label, value), draw.choice(values[one.language, entity.label]))
        parts += [one.text[before : entity.start], new]
        start = end + entity.start - before
        before, end = entity.end, start + len(new)
        entities.append(replace(entity, start=start, end=end))
    text = "".join((*parts, one.text[before:]))
    moved = (_move(opinion, gold, entities) for opinion in one.beneath)
    return CrfExample(text, one.language, tuple(entities), tuple(entity for entity in moved if entity))


def _move(opinion: Entity, old: Sequence[Entity], new: Sequence[Entity]) -> Entity | None:
    """An opinion in the new text; None where it begins or ends inside of a value."""
    start, end = _move_border(opinion.start, old, new, is_end=False), _move_border(opinion.end, old, new, is_end=True)
    return None if start is None or end is None else replace(opinion, start=start, end=end)


def _move_border(border: int, old: Sequence[Entity], new: Sequence[Entity], *, is_end: bool) -> int | None:
    """A border of a span: an end belongs to the value before it, a start to the one behind it."""
    ends = [entity.end for entity in old]
    place = bisect_right(ends, border - 1 if is_end else border)
    if place < len(old) and old[place].start < border:
        return new[place].end if is_end and border == old[place].end else None
    return border + (new[place - 1].end - old[place - 1].end if place else 0)
