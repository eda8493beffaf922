"""Read what a judge says of a text: three scores from 1 to 5, and a remark. The annotation stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goldspan.generators.stages.context import AnswerContext, WrongAnswerError, check_tagged, read_tagged

SCORES = ("naturalness", "brief", "consistency")
"""What is scored: reads like a real document; says what the brief asks for; its facts agree with one another."""
LOWEST, HIGHEST = 1, 5
_NUMBER = re.compile(r"\s*(\d)(?:[.,]0+)?(?:\s*/\s*5)?\s*")
_LONGEST_REMARK = 300


def name_scores(document: Mapping[str, Any], repairs: list[str]) -> dict[str, Any]:
    """The document with whole numbers where it has `"4"`, `4.0` or `4/5`, and without fields of its own."""
    inner = document.get("scores")
    given = {**inner, **document} if isinstance(inner, Mapping) else document
    named: dict[str, Any] = {"remark": given.get("remark", "")}
    for name in SCORES:
        value = given.get(name)
        if isinstance(value, str | float) and (match := _NUMBER.fullmatch(str(value))):
            value = int(match[1])
            repairs.append("score_number")
        if value is not None:
            named[name] = value
    return named


def read_judgement(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    """The result of the judge stage: the text as it came in, with the scores.

    Raises:
        WrongAnswerError: a score is not from 1 to 5.
    """
    outside = [name for name in SCORES if not LOWEST <= document[name] <= HIGHEST]
    if outside:
        raise WrongAnswerError(f"Scores are whole numbers from {LOWEST} to {HIGHEST}; {', '.join(outside)} is not.")
    remark = " ".join(str(document["remark"]).split())[:_LONGEST_REMARK]
    scores: dict[str, Any] = {name: document[name] for name in SCORES}
    return {
        "tagged_text": context.tagged_text,
        "judge": scores | ({"remark": remark} if remark else {}),
        "warnings": check_tagged(read_tagged(context.tagged_text, context.labels), context),
    }
