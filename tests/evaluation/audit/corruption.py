"""Reviewed samples with errors put into their gold, in five ways, to measure audits against."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from goldspan.annotation.text.words import splits_word_at, trim_span
from goldspan.annotation.types import Annotation, Author, Entity, Sample, sort_spans

WAYS = ("missing", "extra", "wrong label", "too short", "too long")
_WORD = re.compile(r"[^\W\d_]{4,}")


def corrupt(
    samples: Sequence[Sample], share: float = 0.05, seed: int = 0, *, whole_words: bool = False
) -> tuple[list[Sample], dict[str, set[int]]]:
    """The samples as reviews with this share of their entities corrupted, and the places of errors by sample id.

    A place is the start of an entity in the true or in the corrupted gold. Wrong borders fall anywhere; with
    `whole_words`, only between words.
    """
    rng = random.Random(seed)
    labels = sorted({entity.label for sample in samples if sample.best for entity in sample.best.entities})
    corrupted: list[Sample] = []
    places: dict[str, set[int]] = {}
    for sample in samples:
        entities = list(sample.best.entities) if sample.best else []
        made: list[Entity] = []
        for entity in entities:
            way = rng.choice(WAYS) if rng.random() < share else ""
            new = _change(sample.text, entity, entities, way, labels, rng)
            if whole_words and way in ("too short", "too long"):
                new = [_snap(sample.text, entity, new[0])]
            made += new
            if way and new != [entity]:
                touched = {one.start for one in {entity, *new} - ({entity} & set(new))}
                places.setdefault(sample.sample_id, set()).update(touched)
        review = Annotation(Author.person("reviewer"), sort_spans(made))
        corrupted.append(replace(sample, annotations=(review,)))
    return corrupted, places


def _change(
    text: str, entity: Entity, entities: Sequence[Entity], way: str, labels: Sequence[str], rng: random.Random
) -> list[Entity]:
    if way == "missing":
        return []
    if way == "wrong label":
        return [replace(entity, label=rng.choice([label for label in labels if label != entity.label]))]
    if way == "too short" and entity.end - entity.start > 2:
        return [replace(entity, end=entity.end - rng.randint(1, (entity.end - entity.start) // 2))]
    if way == "too long":
        following = min((other.start for other in entities if other.start >= entity.end), default=len(text))
        if (end := min(entity.end + rng.randint(1, 6), following)) > entity.end:
            return [replace(entity, end=end)]
    if way == "extra":
        free = [
            word
            for word in _WORD.finditer(text)
            if not any(word.start() < other.end and other.start < word.end() for other in entities)
        ]
        if free:
            word = rng.choice(free)
            return [entity, Entity(word.start(), word.end(), entity.label)]
    return [entity]


def _snap(text: str, entity: Entity, changed: Entity) -> Entity:
    """The changed span up to the word border at or after its end, if that is another span; else the entity."""
    end = changed.end
    while splits_word_at(text, end):
        end += 1
    start, end = trim_span(text, entity.start, end)
    return replace(entity, start=start, end=end)
