"""The predictor that needs no training: it finds what the label schema itself describes, by patterns and terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldspan.annotation.corpus.uncertainty import score_entities
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labels.values import compile_pattern, load_terms, probe_pattern, search_pattern
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.text.words import splits_word
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.schema.terms import TermIndex

PATTERN_SCORE = 0.95
TERM_SCORE = 0.9


class SchemaPredictor(LocalPredictor):
    """Finds the values of labels that have a `pattern` or `terms`.

    A match that begins or ends inside a word is left out. Where entities overlap, the longer one stays, then the one by
    pattern, then the one whose label stands first in the schema; a schema with `nested` keeps both.
    """

    name = "schema"

    def __init__(self, labels: LabelSchema) -> None:
        """Compile patterns and load terms.

        Raises:
            SchemaError: a pattern is no regular expression, or a file of terms cannot be read.
            InputError: a pattern backtracks without end.
        """
        self._nested = labels.nested
        self._order = {label.code: number for number, label in enumerate(labels.entities)}
        self._patterns = [label for label in labels.entities if label.pattern]
        for label in self._patterns:
            compile_pattern(label)
            if problem := probe_pattern(label):
                raise InputError(f"The label {label.code} cannot be predicted: {problem}.")
        self._terms = [
            (label, TermIndex(load_terms(label), ignore_case=label.ignore_case))
            for label in labels.entities
            if label.terms or label.terms_file
        ]
        self.labels = frozenset(label.code for label in (*self._patterns, *(label for label, _ in self._terms)))
        self.version = labels.fingerprint

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """One annotation for each text, in their order.

        Raises:
            InputError: a pattern took too long.
        """
        author = Author.model(self.model_version)
        found = [self._choose(self._find(text.text)) for text in texts]
        return [
            Annotation(author, entities, score=score_entities(text.text, entities))
            for text, entities in zip(texts, found, strict=True)
        ]

    def _find(self, text: str) -> Iterator[Entity]:
        for label in self._patterns:
            yield from self._make(text, label, search_pattern(label, text), PATTERN_SCORE)
        for label, index in self._terms:
            yield from self._make(text, label, index.find(text), TERM_SCORE)

    @staticmethod
    def _make(text: str, label: Label, places: Iterator[tuple[int, int]], score: float) -> Iterator[Entity]:
        for start, end in places:
            while start < end and text[start].isspace():
                start += 1
            while end > start and text[end - 1].isspace():
                end -= 1
            if start < end and not splits_word(text, start, end):
                yield Entity(start, end, label.code, score=score)

    def _choose(self, found: Iterator[Entity]) -> tuple[Entity, ...]:
        ranked = sorted(found, key=lambda e: (e.start - e.end, -(e.score or 0.0), self._order[e.label], e.start))
        chosen: list[Entity] = []
        taken: set[tuple[int, int]] = set()
        covered = bytearray(max((entity.end for entity in ranked), default=0))
        for entity in ranked:
            if (entity.start, entity.end) in taken:
                continue
            if self._nested or not is_taken(covered, entity.start, entity.end):
                chosen.append(entity)
                taken.add((entity.start, entity.end))
                take_range(covered, entity.start, entity.end)
        return sort_spans(chosen)
