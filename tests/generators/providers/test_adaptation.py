from __future__ import annotations

import pytest

from goldspan.generators.providers.adaptation import Adaptation

FORM = {"type": "json_schema", "json_schema": {"name": "x"}}
BODY = {"model": "m", "max_tokens": 4096, "seed": 1, "response_format": FORM}


@pytest.mark.parametrize(
    ("message", "limit"),
    [
        ("max_tokens is too large: 4096. This model supports at most 2048 completion tokens.", 2048),
        ("Invalid value for max_tokens: must be <= 1024", 1024),
        ("max_tokens must be less than or equal to 2,000", 2000),
        ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (904 in the messages, "
         "4096 in the completion).", 4096 - 904 - 64),
        ("The maximum output tokens for this model is 512", 512),
    ],
)  # fmt: skip
def test_a_stated_limit_is_taken(message, limit):
    adaptation = Adaptation()
    assert adaptation.learn(400, message, adaptation.adapt(BODY))
    assert adaptation.adapt(BODY) == {**BODY, "max_tokens": limit}
    assert adaptation.adapt({**BODY, "max_tokens": 100})["max_tokens"] == 100


def test_a_refusal_without_a_smaller_number_renames_the_field():
    adaptation = Adaptation()
    assert adaptation.learn(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", BODY)
    assert "max_tokens" not in adaptation.adapt(BODY)


def test_a_404_about_the_format_weakens_it_and_another_404_does_not():
    said = "No endpoints found that support the requested parameters: response_format"
    assert Adaptation().learn(404, said, BODY)
    assert not Adaptation().learn(404, "No such model", BODY)


def test_what_was_learnt_survives_the_journal():
    adaptation = Adaptation()
    for status, message in ((400, "json_schema"), (400, "seed is unknown"), (400, "max_tokens: at most 1000")):
        assert adaptation.learn(status, message, adaptation.adapt(BODY))
    assert Adaptation.from_dict(adaptation.to_dict()).adapt(BODY) == adaptation.adapt(BODY)
    assert Adaptation.from_dict({}).adapt(BODY) == BODY
