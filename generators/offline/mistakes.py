"""Small mistakes, as language models make them: a value overlooked, a border off by a word, a label confused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Entity, sort_spans
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import make_random, pick

_CONFUSED = {
    "FIRSTNAME": "SURNAME",
    "SURNAME": "FIRSTNAME",
    "CITY": "STATE",
    "STATE": "CITY",
    "SSN": "NATIONALID",
    "NATIONALID": "SSN",
    "TAXNUM": "NATIONALID",
    "IDCARDNUM": "PASSPORTID",
    "PASSPORTID": "IDCARDNUM",
    "DRIVERLICENSENUM": "IDCARDNUM",
    "PASSWORD": "SECURITYTOKEN",
    "SECURITYTOKEN": "PASSWORD",
    "ZIP": "BUILDINGNUM",
}
_NEXT_WORD = re.compile(r" [^\W_]+(?=[ .,;:\n]|\Z)")


def make_mistakes(document: Tagged, spec: Spec, labels: LabelSchema, rate: float) -> Tagged:
    """The document with about `rate` of its entities wrong (0 to 1); the same spec gives the same mistakes."""
    rng = make_random(spec.seed, spec.index, "mistakes")
    entities: list[Entity] = []
    for position, entity in enumerate(document.entities):
        if rng.random() >= rate:
            entities.append(entity)
        elif spoiled := _spoil(rng, entity, document.text, document.entities[position + 1 :], labels):
            entities.append(spoiled)
    return replace(document, entities=sort_spans(entities))


def _spoil(rng: Random, entity: Entity, text: str, later: Sequence[Entity], labels: LabelSchema) -> Entity | None:
    kind = rng.random()
    confused = _CONFUSED.get(entity.label, "")
    if kind < 0.35 and confused in labels.entity_codes:
        return replace(entity, label=confused)
    if kind < 0.7:
        return _move_border(rng, entity, text, later)
    return None


def _move_border(rng: Random, entity: Entity, text: str, later: Sequence[Entity]) -> Entity | None:
    words = [match.span() for match in re.finditer(r"\S+", text[entity.start : entity.end])]
    if len(words) > 1:
        if pick(rng, (True, False)):
            return replace(entity, start=entity.start + words[1][0])
        return replace(entity, end=entity.start + words[-2][1])
    following = _NEXT_WORD.match(text, entity.end)
    if following is None or (later and later[0].start < following.end()):
        return None
    return replace(entity, end=following.end())


def drop_crossing_mentions(document: Tagged, entities: Sequence[Entity]) -> Tagged:
    """The document with other entities, less the mentions that would cross one of them."""
    mentions = tuple(
        mention
        for mention in document.mentions
        if not any(
            entity.start < mention.start < entity.end < mention.end
            or mention.start < entity.start < mention.end < entity.end
            or (entity.start <= mention.start and mention.end <= entity.end and mention.span[:2] != entity.span[:2])
            for entity in entities
        )
    )
    return Tagged(document.text, sort_spans(entities), mentions)
