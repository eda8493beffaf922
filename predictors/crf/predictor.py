"""A CRF on top of another predictor: it corrects what that one says, as people's reviews have taught it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from goldspan.annotation.corpus.uncertainty import score_tokens
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.crf.tagger import CrfTagger


class CrfPredictor(LocalPredictor):
    """Tags tokens with a CRF that sees what the predictor beneath it says.

    Entities of the labels in `from_base`, which it has seen too seldom, are the ones of the predictor beneath, where
    they cross none of its own.
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
        taken = [entity for entity in opinion if entity.label in self._from_base and not _crosses(entity, found)]
        mentions = beneath.mentions if beneath else ()
        score = score_tokens(tagged.probabilities)
        return Annotation(Author.model(self.model_version), sort_spans([*found, *taken]), mentions, score=score)


def _crosses(entity: Entity, others: Sequence[Entity]) -> bool:
    return any(entity.start < other.end and other.start < entity.end for other in others)
