from __future__ import annotations

import json

import pytest

from goldspan.annotation.labels.schema import build_labels
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.stages.answers import AnswerVerdict, judge_answer
from goldspan.generators.stages.context import AnswerContext

SIGNS = build_labels({"version": 1, "labels": {"SIGN": {"name": "Sign", "kind": "none", "terms": ["🙂", "->", "&&"]}}})


def judge(tagged: str, *values: str) -> AnswerVerdict:
    brief = {"language": "en", "values": [{"label": "SIGN", "value": value} for value in values]}
    return judge_answer(Answer("a", content=json.dumps({"tagged_text": tagged})), "draft", AnswerContext(SIGNS, brief))


@pytest.mark.parametrize("value", ["🙂", "->", "&&", "⚠️"])
def test_values_of_signs_alone_are_values(value: str) -> None:
    assert judge(f"The answer of the shop was <SIGN>{value}</SIGN> on Monday.", value).state == "ok"


def test_what_is_left_of_a_tag_is_no_value() -> None:
    verdict = judge("The answer was <SIGN>🙂</SIGN> on Monday<SIGN>.</SIGN>", "🙂")
    assert verdict.state == "invalid"
    assert "name of a label" in verdict.reason
