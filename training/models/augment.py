"""Changed copies of training samples: new values, other casing, lost accents, OCR confusions, single sentences.

Everything follows from the seed, the epoch and the sample's number. Offsets stay exact: casing and confusions keep
the length of the text, the other changes move every span.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Entity, Mention, S, Sample, sort_spans
from goldspan.training.config import AugmentationSettings

_OCR = str.maketrans(
    {"0": "O", "O": "0", "1": "l", "l": "1", "5": "S", "S": "5", "8": "B", "B": "8", "e": "c", "m": "n"}
)
_OCR_SHARE = 0.04
_SENTENCE = re.compile(r"[^.!?\n]*[^\s.!?][^.!?\n]*(?:[.!?](?=\s|\Z)|[.!?](?=\S)[^.!?\n]*)*[.!?]?")


def augment_sample(
    sample: Sample, settings: AugmentationSettings, labels: LabelSchema, *, seed: int, epoch: int, number: int
) -> Sample:
    """The sample with the changes that the draw gives it; itself if it gives none."""
    best = sample.best
    if best is None:
        return sample
    draw = random.Random(f"{seed}:{epoch}:{number}")  # noqa: S311
    changed = sample
    if draw.random() < settings.sentences:
        changed = take_sentence(changed, draw)
    if draw.random() < settings.surrogates:
        changed = replace_values(changed, labels, draw)
    if draw.random() < settings.casing:
        changed = change_text(changed, _recase(changed.text, upper=draw.random() < 0.3))
    if draw.random() < settings.accents:
        changed = change_text(changed, "".join(_strip_accent(letter) for letter in changed.text))
    if draw.random() < settings.ocr:
        changed = change_text(changed, "".join(_confuse(letter, draw) for letter in changed.text))
    return changed


def change_text(sample: Sample, text: str) -> Sample:
    """The sample with another text of the same length."""
    return replace(sample, text=text) if len(text) == len(sample.text) else sample


def take_sentence(sample: Sample, draw: random.Random) -> Sample:
    """One sentence of the sample with what is annotated in it; a sentence whose border cuts an entity is not taken."""
    best = sample.best
    if best is None:
        return sample
    ranges = [match.span() for match in _SENTENCE.finditer(sample.text) if match.end() - match.start() > 10]
    whole = [r for r in ranges if not any(e.start < border < e.end for e in best.entities for border in r)]
    if not whole:
        return sample
    start, end = draw.choice(whole)
    entities = tuple(_move(e, -start) for e in best.entities if start <= e.start and e.end <= end)
    mentions = tuple(_move(m, -start) for m in best.mentions if start <= m.start and m.end <= end)
    return replace(sample, text=sample.text[start:end], annotations=(_rebuild(best, entities, mentions),))


def replace_values(sample: Sample, labels: LabelSchema, draw: random.Random) -> Sample:
    """The sample with surrogate values of the same labels; equal values get equal surrogates.

    Needs Faker; samples with nested entities stay as they are.
    """
    from goldspan.generators.surrogates.values import draw_persona, draw_value

    best = sample.best
    if best is None or any(a.end > b.start for a, b in zip(best.entities, best.entities[1:], strict=False)):
        return sample
    language, country = sample.language or "en", sample.country or "US"
    values: dict[tuple[str, str], str] = {}
    pieces: list[str] = []
    entities: list[Entity] = []
    shifts: list[tuple[int, int]] = []
    cursor = length = 0
    for entity in best.entities:
        surface = sample.text[entity.start : entity.end]
        key = (entity.label, surface)
        if key not in values:
            persona = draw_persona(draw, language, country, draw.choice(("f", "m")))
            values[key] = draw_value(draw, labels[entity.label], persona) if entity.label in labels else surface
        pieces += (sample.text[cursor : entity.start], values[key])
        length += entity.start - cursor
        entities.append(replace(entity, start=length, end=length + len(values[key])))
        length += len(values[key])
        cursor = entity.end
        shifts.append((entity.end, length - entity.end))
    pieces.append(sample.text[cursor:])
    mentions = tuple(_carry(m, best.entities, entities, shifts) for m in best.mentions)
    return replace(sample, text="".join(pieces), annotations=(_rebuild(best, entities, (m for m in mentions if m)),))


def _carry(
    mention: Mention, old: Iterable[Entity], new: Iterable[Entity], shifts: list[tuple[int, int]]
) -> Mention | None:
    """The mention in the changed text; None if its border lies inside a value that was replaced."""
    borders = []
    for border, edge in ((mention.start, "start"), (mention.end, "end")):
        moved = next(
            (getattr(after, edge) for before, after in zip(old, new, strict=True) if getattr(before, edge) == border),
            None,
        )
        if moved is None:
            if any(before.start < border < before.end for before in old):
                return None
            moved = border + next((shift for end, shift in reversed(shifts) if end <= border), 0)
        borders.append(moved)
    return replace(mention, start=borders[0], end=borders[1])


def _rebuild(best: Annotation, entities: Iterable[Entity], mentions: Iterable[Mention]) -> Annotation:
    return replace(best, entities=sort_spans(entities), mentions=sort_spans(mentions))


def _move(span: S, by: int) -> S:
    return replace(span, start=span.start + by, end=span.end + by)


def _recase(text: str, *, upper: bool) -> str:
    return "".join(
        changed if len(changed := letter.upper() if upper else letter.lower()) == 1 else letter for letter in text
    )


def _strip_accent(letter: str) -> str:
    if letter.isascii():
        return letter
    base = unicodedata.normalize("NFD", letter)[:1]
    return base if base.isascii() and base.isalpha() else letter


def _confuse(letter: str, draw: random.Random) -> str:
    return letter.translate(_OCR) if draw.random() < _OCR_SHARE else letter
