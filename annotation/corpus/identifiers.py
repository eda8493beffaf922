"""Identifiers that tie documents to one person: direct identifiers and full names, normalised for comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import fold
from goldspan.annotation.types import Entity, sort_spans

_PERSON = "PERSON"
_MIN_LENGTH = 6
"""Letters and digits of an identifier; shorter ones occur by chance."""
_SEPARATORS = re.compile(r"[\W_]+")


def find_identifiers(text: str, entities: Iterable[Entity], labels: LabelSchema) -> tuple[str, ...]:
    """Keys of the direct identifiers and full names in a text, sorted, without repetition.

    A full name is a run of person labels with only white space between, or one person label, of two words or more.
    """
    keys: set[str] = set()
    run: list[Entity] = []
    for entity in sort_spans(entities):
        if entity.label not in labels or labels[entity.label].kind != "direct":
            continue
        if labels[entity.label].group != _PERSON:
            keys.add(_normalise("id", text[entity.start : entity.end]))
        elif run and run[-1].end <= entity.start and not text[run[-1].end : entity.start].strip():
            run.append(entity)
        else:
            keys.add(_name(text, run))
            run = [entity]
    keys.add(_name(text, run))
    return tuple(sorted(keys - {""}))


def _name(text: str, run: list[Entity]) -> str:
    surface = text[run[0].start : run[-1].end] if run else ""
    return _normalise("name", surface) if len(surface.split()) > 1 else ""


def _normalise(kind: str, surface: str) -> str:
    compact = _SEPARATORS.sub("", fold(surface))
    return f"{kind}:{compact}" if len(compact) >= _MIN_LENGTH else ""
