"""Documents for label schemas that the grammars know nothing of: sentences from the schema's own examples.

A `right` example of a label is a template: every tagged value in it is replaced by one that the spec gives, or by an
example of that label. A label without one gets a plain sentence with its name.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from random import Random

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.annotation.types import Entity, sort_spans
from goldspan.generators.specs.draw import Spec, SpecValue
from goldspan.generators.surrogates.chance import make_random, pick

_PLAIN = {
    "en": ("{name}: {value}.", "The {name} is {value}.", "We noted {value} ({name})."),
    "de": ("{name}: {value}.", "Angabe zu {name}: {value}.", "Vermerkt wurde {value} ({name})."),
    "fr": ("{name} : {value}.", "Nous avons noté {value} ({name})."),
    "es": ("{name}: {value}.", "Hemos anotado {value} ({name})."),
    "nl": ("{name}: {value}.", "Genoteerd is {value} ({name})."),
    "da": ("{name}: {value}.", "Vi har noteret {value} ({name})."),
}
_FILLERS = {
    "en": (
        (
            "Nothing else was reported {day}.",
            "The details follow {day}.",
            "This was checked twice {day}.",
            "We look again {day}.",
        ),
        ("on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "next week", "last week", "in spring"),
    ),
    "de": (
        ("Weiteres wurde {day} nicht gemeldet.", "Einzelheiten folgen {day}.", "Das wurde {day} zweimal geprüft."),
        ("am Montag", "am Dienstag", "am Mittwoch", "am Donnerstag", "am Freitag", "nächste Woche", "im Frühjahr"),
    ),
    "fr": (
        ("Rien d'autre n'a été signalé {day}.", "Les détails suivent {day}.", "Cela a été vérifié {day}."),
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "la semaine prochaine", "au printemps"),
    ),
    "es": (
        ("No se ha comunicado nada más {day}.", "Los detalles siguen {day}.", "Se ha comprobado {day}."),
        ("el lunes", "el martes", "el miércoles", "el jueves", "el viernes", "la próxima semana", "en primavera"),
    ),
    "nl": (
        ("Verder is {day} niets gemeld.", "De details volgen {day}.", "Dit is {day} nagekeken."),
        ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "volgende week", "in het voorjaar"),
    ),
    "da": (
        ("Der er ikke meldt andet {day}.", "Detaljerne følger {day}.", "Det blev kontrolleret {day}."),
        ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "i næste uge", "til foråret"),
    ),
}


def fill_values(spec: Spec, labels: LabelSchema) -> Spec:
    """The spec with an example as value of each label that a language model would invent values for."""
    given = {entry.label for entry in spec.values}
    rng = make_random(spec.seed, spec.index, "examples")
    invented = [
        SpecValue(code, pick(rng, labels[code].examples), 1)
        for code in spec.labels
        if code not in given and labels[code].examples
    ]
    return replace(spec, values=(*spec.values, *invented))


def compose_domain_document(spec: Spec, labels: LabelSchema) -> Tagged:
    """The document as text and entities: every value of the spec stands in it. Same spec and labels, same document."""
    rng = make_random(spec.seed, spec.index, "domain")
    waiting: dict[str, deque[str]] = {}
    for entry in spec.values:
        waiting.setdefault(entry.label, deque()).append(entry.value)
    sentences: list[Tagged] = [_make_filler(rng, spec.language)]
    while any(waiting.values()):
        code = next(code for code, values in waiting.items() if values)
        sentences.append(_write_sentence(rng, code, waiting, spec.language, labels))
        if rng.random() < 0.4:
            sentences.append(_make_filler(rng, spec.language))
    while len(sentences) < 3:
        sentences.append(_make_filler(rng, spec.language))
    return _join(sentences)


def _make_filler(rng: Random, language: str) -> Tagged:
    sentences, days = _FILLERS.get(language, _FILLERS["en"])
    return Tagged(pick(rng, sentences).replace("{day}", pick(rng, days)))


def _write_sentence(
    rng: Random, code: str, waiting: dict[str, deque[str]], language: str, labels: LabelSchema
) -> Tagged:
    templates = [template for text in labels[code].right if (template := _read_template(text, labels, code))]
    if not templates:
        value = waiting[code].popleft()
        frame = pick(rng, _PLAIN.get(language, _PLAIN["en"])).replace("{name}", labels[code].name)
        before, _, after = frame.partition("{value}")
        return Tagged(before + value + after, (Entity(len(before), len(before) + len(value), code),))
    template = pick(rng, templates)
    pieces: list[str] = []
    entities: list[Entity] = []
    length = cursor = 0
    for entity in template.entities:
        value = _take(rng, entity.label, waiting, labels) or template.text[entity.start : entity.end]
        before = template.text[cursor : entity.start]
        length += len(before)
        entities.append(Entity(length, length + len(value), entity.label))
        pieces += (before, value)
        length += len(value)
        cursor = entity.end
    return Tagged("".join(pieces) + template.text[cursor:], tuple(entities))


def _take(rng: Random, code: str, waiting: dict[str, deque[str]], labels: LabelSchema) -> str:
    if waiting.get(code):
        return waiting[code].popleft()
    return pick(rng, labels[code].examples) if labels[code].examples else ""


def _read_template(text: str, labels: LabelSchema, code: str) -> Tagged | None:
    """A `right` example as a template; None if it cannot be read or does not hold the label."""
    try:
        parsed = parse_tagged(text, labels)
    except TaggedTextError:
        return None
    flat = all(one.end <= other.start for one, other in zip(parsed.entities, parsed.entities[1:], strict=False))
    return parsed if flat and any(entity.label == code for entity in parsed.entities) else None


def _join(sentences: list[Tagged]) -> Tagged:
    text = ""
    entities: list[Entity] = []
    for sentence in sentences:
        start = len(text) + bool(text)
        text = f"{text} {sentence.text}" if text else sentence.text
        entities += [replace(e, start=e.start + start, end=e.end + start) for e in sentence.entities]
    return Tagged(text, sort_spans(entities))
