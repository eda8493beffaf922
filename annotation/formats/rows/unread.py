"""Rows of tools whose exports are not read, and what their users can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ADVICE = (
    ({"cells", "labelSets"}, "a project of Datasaur; export it as CoNLL, or write text and spans as JSONL"),
    ({"annotatable", "entities"}, "annotations of tagtog without their text; convert both to brat (.txt and .ann)"),
    *(
        ({name}, "a chat for fine-tuning; write its texts and their annotations as JSONL: text, entities")
        for name in ("messages", "conversations", "contents")
    ),
    ({"File", "Entities"}, "output of Amazon Comprehend without its texts; write text and Entities of each as JSONL"),
    ({"trainingPhrases", "parameters"}, "an intent of Dialogflow; give its trainingPhrases, one a line, as JSONL"),
)
"""Keys that a row has, and the advice."""


def advise_row(row: Mapping[str, Any]) -> str:
    """What a row is and what to do with it, if it is of such a tool; else empty."""
    return next((advice for keys, advice in _ADVICE if keys <= row.keys()), "")
