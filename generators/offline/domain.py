"""Documents for label schemas that the grammars know nothing of.

Sentences combine the phrases of the language (`phrases.py`) by what a value looks like: a term, a number, a person or
an address. A `right` example of a label is a template besides: every tagged value in it is replaced by one that the
spec gives, or by an example of that label. Where the project brings sentences for its labels (`sentences.py`), most
values stand in these.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from random import Random

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labels.values import list_known_values, search_pattern
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.annotation.types import Entity, Mention, sort_spans
from goldspan.generators.offline.page import has_unlabelled_repeat
from goldspan.generators.offline.phrases import Phrases, capitalize, draw_phrase, fill_phrase, load_phrases
from goldspan.generators.offline.sentences import count_values, fill_sentence, find_labels
from goldspan.generators.specs.spec import Spec, SpecValue
from goldspan.generators.surrogates.chance import make_random, pick

_ATTEMPTS = 12
_RIGHT_SHARE, _LIST_SHARE, _PAIR_SHARE, _FIELD_SHARE = 0.15, 0.08, 0.35, 0.05
_INTRO_SHARE, _TAIL_SHARE, _FILLER_SHARE = 0.25, 0.45, 0.4
_OWN_SHARE = 0.8
"""How often a value stands in one of the project's own sentences, where one fits."""
_MIN_SENTENCES, _MIN_LENGTH = 3, 60
_BREAKS = (" ", " ", " ", " ", "\n", "\n\n")
_ADDRESS = re.compile(r"\S+@\S+|\w+://\S+|www\.\S+|[+(]?\d[\d\s()/.-]{6,}")
_FEWEST_DIGITS = 3
"""Digits that a code has at least: `TP53` and `B12` are names."""
_SENTENCE_ENDS = (".", "!", "?", "…", ":", ";")
_SLOT = re.compile(r"\{([vw]|name)\}")
Waiting = dict[str, deque[str]]


def fill_values(spec: Spec, labels: LabelSchema) -> Spec:
    """The spec with an example as value of each label that a language model would invent values for."""
    given = {entry.label for entry in spec.values}
    rng = make_random(spec.seed, spec.index, "examples")
    invented = [
        SpecValue(code, pick(rng, known), 1)
        for code in spec.labels
        if code not in given and (known := list_known_values(labels[code]))
    ]
    return replace(spec, values=(*spec.values, *invented))


def compose_domain_document(spec: Spec, labels: LabelSchema) -> Tagged:
    """The document as text and entities: every value of the spec stands in it. Same spec and labels, same document."""
    for attempt in range(_ATTEMPTS):
        writer = _Writer(make_random(spec.seed, spec.index, "domain", attempt), spec, labels)
        document = writer.write(spec.values)
        if not has_unlabelled_repeat(document.text, document.entities) and not _has_unlabelled_match(document, labels):
            break
    return document


def draw_statement(rng: Random, language: str, label: Label, value: str) -> tuple[str, str]:
    """What stands before and after the value in a sentence about it."""
    phrases = load_phrases(language)
    frame = draw_phrase(rng, find_shape(label, value), phrases)
    before, _, after = _complete_frame(rng, frame, phrases, value).partition("{v}")
    return before, after


def find_shape(label: Label, value: str) -> str:
    """What a value looks like: `person`, `contact`, `code` or `term`; a list of phrases has this name."""
    if label.group == "PERSON" or label.faker.startswith(("name", "first_name", "last_name")):
        return "person"
    if _ADDRESS.fullmatch(value):
        return "contact"
    digits = sum(character.isdigit() for character in value)
    return "code" if digits >= _FEWEST_DIGITS and digits * 3 >= len(value) else "term"


def _has_unlabelled_match(document: Tagged, labels: LabelSchema) -> bool:
    """True if a pattern of the schema matches where no entity stands."""
    return any(
        not any(start < entity.end and entity.start < end for entity in document.entities)
        for label in labels.entities
        if label.pattern
        for start, end in search_pattern(label, document.text)
    )


def _complete_frame(rng: Random, frame: str, phrases: Phrases, first: str) -> str:
    """A sentence from a frame, with what may stand before and after it; `first` is the value of `{v}`."""
    needs_intro = frame.startswith("{v}") and first[:1].islower()
    is_open = not frame.endswith(_SENTENCE_ENDS)
    if needs_intro or (is_open and rng.random() < _INTRO_SHARE):
        frame = draw_phrase(rng, "intro", phrases) + frame
    if is_open:
        tail = draw_phrase(rng, "tail", phrases) if rng.random() < _TAIL_SHARE else ""
        frame += f"{tail}."
    return capitalize(frame)


class _Writer:
    """Writes one document in a language, with the phrases of a family."""

    def __init__(self, rng: Random, spec: Spec, labels: LabelSchema) -> None:
        self.rng, self.labels = rng, labels
        phrases = load_phrases(spec.language, labels.purpose.phrases, spec.document_type)
        self.phrases = {name: tuple(spec.family.choose(listed)) for name, listed in phrases.items()}
        self.told: set[str] = set()
        self._has_own = "sentences" in self.phrases

    def write(self, values: Iterable[SpecValue]) -> Tagged:
        waiting: Waiting = {}
        for entry in values:
            waiting.setdefault(entry.label, deque()).append(entry.value)
        first, last = (self._write_own(name, waiting, given_only=True) for name in ("opening", "closing"))
        sentences = list(self._write_sentences(waiting))
        while len(sentences) < _MIN_SENTENCES or sum(len(sentence.text) for sentence in sentences) < _MIN_LENGTH:
            sentences.insert(self.rng.randint(0, len(sentences)), self._write_filler())
        return _join([*filter(None, (first, *sentences, last))], self.rng)

    def _write_sentences(self, waiting: Waiting) -> Iterator[Tagged]:
        if self.rng.random() < _FILLER_SHARE:
            yield self._write_filler()
        while left := [code for code, values in waiting.items() if values]:
            code = pick(self.rng, left)
            if sum(map(len, waiting.values())) > 1 and self.rng.random() < _LIST_SHARE:
                yield self._write_list(waiting)
            elif (
                self._has_own
                and self.rng.random() < _OWN_SHARE
                and (sentence := self._write_own("sentences", waiting, code))
            ):
                yield sentence
            elif self.rng.random() < _RIGHT_SHARE and (template := self._draw_template(code)):
                yield self._fill_template(template, waiting)
            else:
                yield self._write_statement(code, waiting)
            if self.rng.random() < _FILLER_SHARE:
                yield self._write_filler()

    def _write_own(self, name: str, waiting: Waiting, code: str = "", *, given_only: bool = False) -> Tagged | None:
        """A sentence of the project's list that holds a value of the label; None if none fits.

        Its other values are those that wait, or with `given_only` False values that the label schema names.
        """
        fitting = [
            sentence
            for sentence in self.phrases.get(name, ())
            if sentence not in self.told
            and find_labels(sentence) <= self.labels.entity_codes
            and (not code or f"{{{code}}}" in sentence)
            and self._can_fill(sentence, waiting, given_only)
        ]
        if not fitting:
            return None
        sentence = pick(self.rng, fitting)
        self.told.add(sentence)
        values = {code: self._take_values(code, waiting) for code in count_values(sentence)}
        drawn = fill_phrase(self.rng, sentence, self.phrases)
        if code:
            is_whole = drawn.endswith(_SENTENCE_ENDS)
            drawn = capitalize(drawn) if is_whole else _complete_frame(self.rng, drawn, self.phrases, "")
        filled = fill_sentence(drawn, values, self.labels)
        if filled.text[:1].islower() and filled.entities and filled.entities[0].start == 0:
            filled = _glue([Tagged(capitalize(draw_phrase(self.rng, "intro", self.phrases))), filled])
        return filled

    def _can_fill(self, sentence: str, waiting: Waiting, given_only: bool) -> bool:
        return all(
            len(waiting.get(code, ())) >= count or (not given_only and list_known_values(self.labels[code]))
            for code, count in count_values(sentence).items()
        )

    def _take_values(self, code: str, waiting: Waiting) -> Iterator[str]:
        while True:
            yield self._take(code, waiting)

    def _write_statement(self, code: str, waiting: Waiting) -> Tagged:
        value = waiting[code].popleft()
        shape = find_shape(self.labels[code], value)
        if self.rng.random() < _FIELD_SHARE:
            return _glue([self._write_field(code, value), Tagged(".")])
        if shape == "term" and (other := self._find_other_term(waiting)) and self.rng.random() < _PAIR_SHARE:
            return self._write_frame("pair", v=(code, value), w=(other, waiting[other].popleft()))
        return self._write_frame(shape, v=(code, value))

    def _find_other_term(self, waiting: Waiting) -> str:
        terms = (c for c, values in waiting.items() if values and find_shape(self.labels[c], values[0]) == "term")
        return next(terms, "")

    def _write_field(self, code: str, value: str) -> Tagged:
        return _place(draw_phrase(self.rng, "field", self.phrases), {"v": (code, value)}, self.labels[code].name)

    def _write_list(self, waiting: Waiting) -> Tagged:
        header = capitalize(draw_phrase(self.rng, "list", self.phrases))
        mark = pick(self.rng, ("- ", "* ", "• ", "– "))
        is_named = self.rng.random() < 0.3
        parts = [Tagged(header)]
        for code, values in waiting.items():
            while values:
                value = values.popleft()
                line = self._write_field(code, value) if is_named else _place("{v}", {"v": (code, value)}, "")
                parts.append(_glue([Tagged(f"\n{mark}"), line]))
        return _glue([*parts, Tagged("\n")])

    def _write_frame(self, name: str, **values: tuple[str, str]) -> Tagged:
        first = values["v"][1] if values else ""
        frame = draw_phrase(self.rng, name, self.phrases)
        return _place(_complete_frame(self.rng, frame, self.phrases, first), values, "")

    def _write_filler(self) -> Tagged:
        """A sentence without a value that the document does not have yet."""
        fillers = self.phrases["filler"]
        phrase = pick(self.rng, [phrase for phrase in fillers if phrase not in self.told] or fillers)
        self.told.add(phrase)
        return Tagged(_complete_frame(self.rng, fill_phrase(self.rng, phrase, self.phrases), self.phrases, ""))

    def _draw_template(self, code: str) -> Tagged | None:
        templates = (_read_template(text, self.labels, code) for text in self.labels[code].right)
        found = [template for template in templates if template]
        return pick(self.rng, found) if found else None

    def _fill_template(self, template: Tagged, waiting: Waiting) -> Tagged:
        """The template as a sentence, with other values."""
        parts, cursor = [], 0
        for entity in template.entities:
            value = self._take(entity.label, waiting) or template.text[entity.start : entity.end]
            before = template.text[cursor : entity.start]
            parts.append(Tagged(before if cursor else capitalize(before)))
            parts.append(Tagged(value, (Entity(0, len(value), entity.label),)))
            cursor = entity.end
        end = "" if template.text.endswith(_SENTENCE_ENDS) else "."
        return _glue([*parts, Tagged(template.text[cursor:] + end)])

    def _take(self, code: str, waiting: Waiting) -> str:
        if waiting.get(code):
            return waiting[code].popleft()
        known = list_known_values(self.labels[code])
        return pick(self.rng, known) if known else ""


def _read_template(text: str, labels: LabelSchema, code: str) -> Tagged | None:
    """A `right` example as a template; None if it cannot be read or does not hold the label."""
    try:
        parsed = parse_tagged(text, labels)
    except TaggedTextError:
        return None
    flat = all(one.end <= other.start for one, other in zip(parsed.entities, parsed.entities[1:], strict=False))
    return parsed if flat and any(entity.label == code for entity in parsed.entities) else None


def _place(frame: str, values: Mapping[str, tuple[str, str]], name: str) -> Tagged:
    """The frame with values, (label, value) each, and the label's name in its slots."""
    parts, cursor = [], 0
    for slot in _SLOT.finditer(frame):
        code, value = values.get(slot[1], ("", name))
        parts.append(Tagged(frame[cursor : slot.start()]))
        parts.append(Tagged(value, (Entity(0, len(value), code),) if code else ()))
        cursor = slot.end()
    return _glue([*parts, Tagged(frame[cursor:])])


def _glue(parts: Iterable[Tagged]) -> Tagged:
    text = ""
    entities: list[Entity] = []
    mentions: list[Mention] = []
    for part in parts:
        entities += [replace(e, start=e.start + len(text), end=e.end + len(text)) for e in part.entities]
        mentions += [replace(m, start=m.start + len(text), end=m.end + len(text)) for m in part.mentions]
        text += part.text
    return Tagged(text, sort_spans(entities), sort_spans(mentions))


def _join(sentences: list[Tagged], rng: Random) -> Tagged:
    parts = [sentences[0]]
    for number, sentence in enumerate(sentences[1:], start=1):
        is_line = parts[-1].text.endswith("\n") or sentence.text.startswith("\n")
        parts += [Tagged("" if is_line else pick(rng, _BREAKS)), _number_clusters(sentence, number)]
    whole = _glue(parts)
    return replace(whole, text=whole.text.rstrip())


def _number_clusters(sentence: Tagged, number: int) -> Tagged:
    """The sentence with clusters that no other one has."""
    mentions = (replace(m, cluster=m.cluster and f"{number}.{m.cluster}") for m in sentence.mentions)
    return replace(sentence, mentions=tuple(mentions))
