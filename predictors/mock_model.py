"""A mock language model: the offline author writes, the patterns annotate. No key and no network are needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import render_tagged
from goldspan.generators.offline.invention import invent_examples
from goldspan.generators.offline.model import write_content
from goldspan.generators.simulator.answers import Writer
from goldspan.predictors.patterns.predictor import RegexPredictor
from goldspan.predictors.prompting.prompt import STAGE


def write_annotation(body: Mapping[str, Any], labels: LabelSchema) -> str | None:
    """The answer to a request of the `llm` predictor; None when the request is not one."""
    try:
        document = json.loads(body["messages"][-1]["content"])
        text = document["text"] if document["stage"] == STAGE else None
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    if not isinstance(text, str):
        return None
    entities = RegexPredictor(labels).predict_sync(text).entities
    return json.dumps({"tagged_text": render_tagged(text, entities)}, ensure_ascii=False)


def build_mock_model(labels: LabelSchema) -> Writer:
    """The offline author with this label schema.

    It answers requests of Goldspan, including those of the `llm` predictor, and gives None for any other.
    The run must use the same label schema. Where the model is asked to invent values, it coins words.
    """
    inventive = invent_examples(labels)

    def answer(body: Mapping[str, Any]) -> str | None:
        try:
            return write_content(body, inventive)
        except (InputError, LookupError, TypeError, ValueError, AttributeError):
            return write_annotation(body, labels)

    return answer
