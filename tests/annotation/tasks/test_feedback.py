from __future__ import annotations

from typing import Any

import orjson
import pytest

from goldspan.annotation.tasks.feedback import DocumentChoice, Feedback, RegionDoubt, read_feedback
from goldspan.annotation.types import Annotation, Author


def read(other: Any) -> Feedback:
    text = other if isinstance(other, str) else orjson.dumps(other).decode()
    return read_feedback(Annotation(Author.person("a@x"), other=text))


def test_choices_and_notes_of_the_screen_are_read() -> None:
    found = read(
        [
            {"from_name": "document", "type": "choices", "value": {"choices": ["unusable", "unsure", "later"]}},
            {"from_name": "note", "type": "textarea", "value": {"text": ["is LLC a name?", " "]}},
            {"from_name": "rating", "type": "rating", "value": {"rating": 3}},
        ]
    )
    assert found == Feedback(frozenset({DocumentChoice.UNUSABLE, DocumentChoice.UNSURE}), ("is LLC a name?",))
    assert found.is_unusable
    assert found


def test_doubts_are_read_by_region() -> None:
    def doubt(region: object, *choices: object) -> dict[str, Any]:
        value = {"start": 0, "end": 3, "choices": list(choices)}
        return {"id": region, "from_name": "doubt", "to_name": "text", "type": "choices", "value": value}

    found = read([doubt("r1", "label", "boundary"), doubt("r2", "later", 3), doubt("r1", "entity")])
    assert found == Feedback(doubts={"r1": frozenset(RegionDoubt)})
    assert found
    assert not found.is_unusable


@pytest.mark.parametrize(
    "other",
    ["", "{", [], {}, [1], [{"from_name": "note"}], [{"from_name": "document", "value": {"choices": 3}}]],
)
def test_anything_else_is_no_feedback(other: Any) -> None:
    assert not read(other)
