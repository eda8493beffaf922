from __future__ import annotations

import json

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import spec_to_dict
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from goldspan.generators.stages.stage import ModelSettings, StageInput, build_stages
from goldspan.predictors.mock_model import build_mock_model


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_offline_author_answers_every_stage(language):
    labels = load_labels()
    stages = build_stages(("draft", "coreference", "review"), ModelSettings("any"), labels, seed=1)
    for item in range(3):
        brief = spec_to_dict(draw_spec(1, item, (language,), labels))
        tagged_text = ""
        for stage in stages.values():
            request = stage.build_request(StageInput(stage.name, item, 1, brief, tagged_text))
            content = build_mock_model(labels)(json.loads(json.dumps(request.body)))
            verdict = judge_answer(Answer("id", content=content), stage.name, AnswerContext(labels, brief, tagged_text))
            assert verdict.state == "ok", verdict.reason
            tagged_text = verdict.result["tagged_text"]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Say something."}],
        [{"role": "user", "content": '{"stage": "draft", "brief": {}}'}],
        [{"role": "user", "content": [{"type": "text", "text": "Say something."}]}],
        ["nonsense"],
    ],
)
def test_foreign_requests_are_not_his(messages):
    assert build_mock_model(load_labels())({"model": "any", "messages": messages}) is None
