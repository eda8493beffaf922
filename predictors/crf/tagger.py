"""A trained CRF: the best tags of a text, and the probability of any tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.types import Entity
from goldspan.predictors.crf.features import OUTSIDE, Token, describe_text, read_tags


@dataclass(frozen=True, slots=True)
class TaggedText:
    """Tokens with their best tags, the marginal probability of each tag, and that of being no entity."""

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]
    probabilities: tuple[float, ...]
    outside: tuple[float, ...]

    def list_entities(self) -> tuple[Entity, ...]:
        """Entities in text order; the score is the mean probability of their tags."""
        entities = []
        for first, last, label in read_tags(self.tokens, self.tags):
            score = sum(self.probabilities[first:last]) / (last - first)
            entities.append(Entity(self.tokens[first][0], self.tokens[last - 1][1], label, score=round(score, 4)))
        return tuple(entities)


class CrfTagger:
    """Tags texts with a CRFsuite model. It is not safe to use in two threads at a time."""

    def __init__(self, model: bytes) -> None:
        """Open a model.

        Raises:
            ConfigurationError: python-crfsuite is not installed.
            StateError: the model cannot be read.
        """
        self._model = model  # CRFsuite reads it where it lies
        self._tagger = _open(model)
        self._known = frozenset(self._tagger.labels())

    @property
    def labels(self) -> frozenset[str]:
        """The entity labels that it has seen."""
        return frozenset(tag[2:] for tag in self._known if tag != OUTSIDE)

    def tag(self, text: str, language: str, beneath: Sequence[Entity]) -> TaggedText:
        """The best tags of a text (see `describe_text` for the arguments)."""
        tokens, rows = describe_text(text, language, beneath)
        if not tokens:
            return TaggedText((), (), (), ())
        tags = self._tagger.tag(rows)
        probabilities = tuple(self._tagger.marginal(tag, place) for place, tag in enumerate(tags))
        known = OUTSIDE in self._known
        outside = tuple(self._tagger.marginal(OUTSIDE, place) if known else 0.0 for place in range(len(tokens)))
        return TaggedText(tuple(tokens), tuple(tags), probabilities, outside)

    def judge(self, text: str, language: str, beneath: Sequence[Entity], tags: Sequence[str]) -> list[float]:
        """The marginal probability of a given tag for each token; 0 for a tag that it has never seen."""
        tokens, rows = describe_text(text, language, beneath)
        if not tokens:
            return []
        self._tagger.set(rows)
        return [self._tagger.marginal(tag, place) if tag in self._known else 0.0 for place, tag in enumerate(tags)]


def _open(model: bytes) -> Any:
    require_packages("models", "pycrfsuite")
    import pycrfsuite

    tagger = pycrfsuite.Tagger()
    try:
        tagger.open_inmemory(model)
    except (ValueError, RuntimeError, OSError):
        raise StateError("The CRF model cannot be read. Train it again.") from None
    return tagger
