"""A predictor plug-in: words in capitals are company names.

Install it beside Goldspan, and every command takes it by name:

    pip install examples/predictor_plugin
    goldspan annotate mail.txt --predictor capitals --option shortest=4 --language en
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from goldspan import Annotation, Author, Entity, LabelSchema, LocalPredictor
from goldspan.predictors.base import TextInput

LABEL = "COMPANYNAME"


class CapitalsPredictor(LocalPredictor):
    """Takes words in capitals for company names; its keyword arguments are its options."""

    name = "capitals"

    def __init__(self, labels: LabelSchema, *, shortest: int = 3) -> None:
        self.labels = labels.entity_codes & {LABEL}
        self._pattern = re.compile(rf"\b[A-Z]{{{shortest},}}\b")

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """One annotation for each text, in their order."""
        author = Author.model(self.model_version)
        return [Annotation(author, tuple(self._find(text.text))) for text in texts]

    def _find(self, text: str) -> Iterator[Entity]:
        if self.labels:
            for match in self._pattern.finditer(text):
                yield Entity(*match.span(), LABEL, score=0.5)
