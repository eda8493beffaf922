"""The offline author behind the simulated model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.model import write_content
from goldspan.generators.simulator.answers import Writer
from goldspan.predictors.prompting.mock_model import write_annotation


def build_author(labels: LabelSchema) -> Writer:
    """The offline author with this label schema.

    It answers requests of our own, also of the `llm` predictor, and gives None for any other, however much it looks
    like one of ours. The run that asks has to use the same label schema.
    """

    def write_as_author(body: Mapping[str, Any]) -> str | None:
        try:
            return write_content(body, labels)
        except (InputError, LookupError, TypeError, ValueError, AttributeError):
            return write_annotation(body, labels)

    return write_as_author
