"""The offline author behind the simulated model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotation.errors import InputError
from annotation.labels import LabelSchema
from generators.responder import write_content
from generators.simulator.answers import Writer
from generators.stand_in import write_annotation


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
