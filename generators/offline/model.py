"""Answers requests as a model would, from the offline author: for the offline provider and for the simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.stages.prose import read_conversation


def write_content(body: Mapping[str, Any], labels: LabelSchema, families: int = 0) -> str:
    """The content of the assistant's message for a `/v1/chat/completions` body that a stage built.

    With `families`, documents take turns in that many phrase families.

    Raises:
        InputError: the body is not one of ours.
    """
    from goldspan.generators.offline.stages import author_coreference, author_draft, author_judgement, author_review
    from goldspan.generators.specs.families import join_family
    from goldspan.generators.specs.spec import spec_from_dict

    message = read_conversation(body["messages"])
    asked = set(message.brief["labels"])
    brief = message.brief | {"labels": [label.code for label in labels.entities if label.code in asked]}
    spec = join_family(spec_from_dict(brief), families)
    if message.stage == "draft":
        answer: dict[str, Any] = {"tagged_text": author_draft(spec, labels)}
    elif message.stage == "coreference":
        answer = author_coreference(spec, message.tagged_text, labels)
    elif message.stage == "review":
        answer = author_review(spec, message.tagged_text, labels)
    else:
        answer = author_judgement(spec, message.tagged_text, labels)
    return json.dumps(answer, ensure_ascii=False)


def count_tokens(text: str) -> int:
    """Tokens as a rule of thumb: four bytes each."""
    return max(1, len(text.encode()) // 4)
