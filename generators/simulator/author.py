"""The offline author behind the simulated model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from annotation.errors import InputError
from annotation.labels import LabelSchema, load_labels
from generators.responder import write_content
from generators.stand_in import write_annotation


def write_as_author(body: Mapping[str, Any]) -> str | None:
    """The offline author's answer to a request of our own, also of the `llm` predictor.

    None for any other request, however much it looks like one of ours.
    """
    try:
        return write_content(body, _load_labels())
    except (InputError, LookupError, TypeError, ValueError, AttributeError):
        return write_annotation(body, _load_labels())


@cache
def _load_labels() -> LabelSchema:
    return load_labels()
