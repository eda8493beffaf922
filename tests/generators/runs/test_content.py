from __future__ import annotations

import dataclasses

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.generators.runs.content import write_content_fields
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.draw import draw_spec


def test_an_example_has_the_notation_that_a_draft_is_asked_for_and_no_tags_of_mentions() -> None:
    labels = load_labels()
    without = dataclasses.replace(labels, labels=labels.entities)
    settings = RunSettings("compatible", 8, model="m")
    examples = [
        write_content_fields(draw_spec(4, index, ["en", "de"], without), settings, without).get("example", "")
        for index in range(8)
    ]
    read = [parse_tagged(example, without) for example in examples if example]
    assert any(tagged.entities for tagged in read)
    assert not any(tagged.mentions for tagged in read)
