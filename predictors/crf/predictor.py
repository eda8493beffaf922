"""A CRF on top of another predictor: it corrects what that one says, as people's reviews have taught it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from goldspan.annotation.corpus.uncertainty import score_tokens
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.crf.features import SHORTEST_REPEATED, find_places
from goldspan.predictors.crf.tagger import CrfTagger, TaggedText

SURE = 0.65
"""Least probability of `O` from which an entity of the predictor beneath is dropped: without it, recall falls first."""

CERTAIN = 0.99
"""Probability of `O` from which another place of a value that was found stays outside."""


class CrfPredictor(LocalPredictor):
    """Tags tokens with a CRF that sees what the predictor beneath it says.

    Where they cross none of its own, two more kinds of entities are added: those of the predictor beneath, unless the
    CRF is sure that they are none (never so for labels in `from_base`, which it has seen too seldom), and other places
    of a value that it found.
    """

    name = "crf"

    def __init__(
        self,
        labels: LabelSchema,
        tagger: CrfTagger,
        version: str,
        base: LocalPredictor | None = None,
        from_base: Collection[str] = (),
    ) -> None:
        self._tagger, self._base = tagger, base
        self.version = version
        self._from_base = frozenset(from_base) & labels.entity_codes
        self._known = labels.entity_codes & tagger.labels
        self.labels = self._known | self._from_base
        self.attribution = base.attribution if base else {}

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Entities without overlap, each with the mean probability of its tags as score."""
        beneath = self._base.predict_batch(texts) if self._base else [None] * len(texts)
        return [self.correct(text, one) for text, one in zip(texts, beneath, strict=True)]

    def correct(self, text: TextInput, beneath: Annotation | None) -> Annotation:
        """The annotation of one text, given what the predictor beneath says of it."""
        opinion = beneath.entities if beneath else ()
        tagged = self._tagger.tag(text.text, text.language, opinion)
        found = [entity for entity in tagged.list_entities() if entity.label in self._known]
        taken = bytearray(len(text.text))
        for one in found:
            take_range(taken, one.start, one.end)
        kept = [one for one in opinion if self._keeps(one, tagged) and not is_taken(taken, one.start, one.end)]
        for one in kept:
            take_range(taken, one.start, one.end)
        found += kept
        repeated = _find_repetitions(text.text, found, tagged)
        found += [one for one in repeated if not is_taken(taken, one.start, one.end)]
        mentions = beneath.mentions if beneath else ()
        score = score_tokens(tagged.probabilities)
        return Annotation(Author.model(self.model_version), sort_spans(found), mentions, score=score)

    def _keeps(self, entity: Entity, tagged: TaggedText) -> bool:
        """Whether an entity of the predictor beneath stays."""
        if entity.label in self._from_base:
            return True
        places = find_places(tagged.tokens, entity.start, entity.end)
        return entity.label in self._known and min((tagged.outside[place] for place in places), default=1.0) < SURE


def _find_repetitions(text: str, found: Sequence[Entity], tagged: TaggedText) -> Iterator[Entity]:
    """Tokens that are a value found elsewhere in the text, with the label that it has most often there."""
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entity in found:
        labels[text[entity.start : entity.end]][entity.label] += 1
    for (start, end), outside in zip(tagged.tokens, tagged.outside, strict=True):
        value = text[start:end]
        if value in labels and len(value) >= SHORTEST_REPEATED and value[0].isalpha() and outside < CERTAIN:
            yield Entity(start, end, labels[value].most_common(1)[0][0], score=round(1 - outside, 4))
