"""A stand-in for a language model that annotates: the patterns answer, so that the way can be tried without a key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import render_tagged
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
