"""Directions: many, in the document's language, the same for the same seed."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.directions import draw_direction, load_pools, read_scenarios
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints, spec_from_dict, spec_to_dict
from goldspan.generators.stages.prose import write_message
from goldspan.generators.surrogates.world import COUNTRIES

LABELS = load_labels()


@pytest.mark.parametrize("language", COUNTRIES)
def test_thousands_of_directions_in_every_language(language: str) -> None:
    assert math.prod(map(len, load_pools(language).parts.values())) >= 5000
    specs = [draw_spec(1, index, [language], LABELS) for index in range(1000)]
    assert len({draw_direction(spec) for spec in specs}) > 990
    pools = load_pools(language)
    for parts in (*pools.parts.values(), pools.distractors):
        assert len(set(parts)) == len(parts)


def test_a_direction_follows_seed_and_index_and_names_distractors_in_negatives() -> None:
    spec = draw_spec(3, 7, ["de"], LABELS, wanted=SpecConstraints(language="de", hard_negative=True))
    assert draw_direction(spec) == draw_direction(spec)
    assert sum(distractor in draw_direction(spec) for distractor in load_pools("de").distractors) == 2


def test_own_scenarios_are_drawn_beside_the_pools(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.jsonl"
    path.write_text(json.dumps({"language": "en", "scenario": "a beekeeper  lost a hive"}) + "\n\n", encoding="utf-8")
    own = read_scenarios(path)
    assert own == {"en": ("a beekeeper lost a hive",)}
    drawn = [draw_direction(draw_spec(1, index, ["en"], LABELS), own["en"]) for index in range(200)]
    assert 80 < sum("beekeeper" in direction for direction in drawn) < 160
    path.write_text('{"language": "en"}\n', encoding="utf-8")
    with pytest.raises(RecordError, match=r"scenarios\.jsonl:1"):
        read_scenarios(path)
    assert read_scenarios(tmp_path / "none.jsonl") == {}


def test_a_models_brief_has_a_direction_and_a_right_example_and_the_spec_reads_back() -> None:
    settings = RunSettings("compatible", 20, seed=4, languages=("en", "da"), model="m")
    examples = set()
    for item in range(20):
        brief = draw_brief(settings, LABELS, item)
        spec = spec_from_dict(brief)
        assert spec_to_dict(spec) == {name: brief[name] for name in spec_to_dict(spec)}
        assert brief["direction"]
        if "example" in brief:
            examples.add(brief["example"])
            parsed = parse_tagged(brief["example"], LABELS)
            values = {entry.value for entry in spec.values if len(entry.value) > 4}
            assert parsed.entities
            assert not values & {parsed.text[e.start : e.end] for e in parsed.entities}
        assert brief == draw_brief(settings, LABELS, item)
        assert brief["direction"] in write_message("draft", brief)
        assert brief["direction"] not in write_message("review", brief, "x")
    assert len(examples) > 10
    assert not {"direction", "example"} & set(draw_brief(RunSettings("offline", 1), LABELS, 0))
