"""Gold as tokens with labels, and how likely a model that has not seen it finds each of them.

    a given span        1 - the lowest probability of a given tag over its tokens and the token after it
    a sample            1 - the lowest probability of a given tag over all of its tokens

The lowest token instead of the mean one: a single wrong token is an error (Wang and Mueller 2022). The token after the
span belongs to it, because a border that is too early leaves its mark there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from goldspan.annotation.corpus.uncertainty import find_tokens
from goldspan.annotation.types import Entity, Sample
from goldspan.predictors.crf.features import OUTSIDE, Token, tag_tokens
from goldspan.predictors.crf.tagger import CrfTagger

Edges = tuple[bool, bool]
"""Whether a span begins where a token begins, and ends where one ends."""


@dataclass(frozen=True, slots=True)
class GoldTokens:
    """The tokens of a text with their words in lower case, the label that gold gives each, and its probability.

    A label is `O` outside of entities. `entities` are the gold itself. `probabilities` are those of the given tags;
    empty if no model judged them.
    """

    tokens: tuple[Token, ...]
    words: tuple[str, ...]
    labels: tuple[str, ...]
    entities: tuple[Entity, ...] = ()
    probabilities: tuple[float, ...] = ()

    @property
    def worst(self) -> float:
        """Chance that the least likely token is labelled wrongly; 0 without tokens."""
        return 1 - min(self.probabilities, default=1.0)

    def doubt(self, entity: Entity) -> float:
        """Chance that a given span is wrong; 0 if it touches no token."""
        places = self.find(entity)
        return 1 - min(self.probabilities[places[0] : places[-1] + 2]) if places else 0.0

    def meet(self, entity: Entity) -> Edges:
        """Whether the span begins where a token begins, and ends where one ends."""
        places = self.find(entity)
        if not places:
            return False, False
        return self.tokens[places[0]][0] == entity.start, self.tokens[places[-1]][1] == entity.end

    def find(self, entity: Entity | None) -> range:
        """Places of the tokens that a span touches."""
        if entity is None:
            return range(0)
        places = [n for n, (start, end) in enumerate(self.tokens) if start < entity.end and entity.start < end]
        return range(places[0], places[-1] + 1) if places else range(0)


def read_gold_tokens(sample: Sample) -> GoldTokens:
    """The tokens of a sample with the labels of its gold."""
    tokens = find_tokens(sample.text)
    entities = sample.best.entities if sample.best else ()
    labels = (tag.partition("-")[2] or OUTSIDE for tag in tag_tokens(tokens, entities))
    words = (sample.text[start:end].lower() for start, end in tokens)
    return GoldTokens(tuple(tokens), tuple(words), tuple(labels), entities)


def judge_tokens(tagger: CrfTagger, sample: Sample, beneath: Sequence[Entity] = ()) -> GoldTokens:
    """The tokens of a sample with the labels of its gold and their probabilities.

    Args:
        tagger: a model that has not seen the sample.
        sample: the sample.
        beneath: the entities of the predictor beneath the model; empty without one.
    """
    given = read_gold_tokens(sample)
    tags = tag_tokens(given.tokens, given.entities)
    return replace(given, probabilities=tuple(tagger.judge(sample.text, sample.language, beneath, tags)))
