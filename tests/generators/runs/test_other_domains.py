"""Biomedical and support schemas through the engine for models, from spec to accepted sample (simulated provider)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.checks import check_annotation, has_errors
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.templates import create_project, find_template
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.public import generate
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.predictors.mock_model import build_mock_model

SAMPLES = 10
SITUATION = "a result that nobody expected"


@pytest.mark.parametrize(("template", "invented"), [("biomedical", {"DISEASE"}), ("support", set())])
def test_from_spec_to_accepted_sample(
    tmp_path: Path, template: str, invented: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOLDSPAN_API_KEY", "any")
    labels_file = create_project(tmp_path / "project", find_template(template)).labels
    labels = load_labels(labels_file)
    scenarios = tmp_path / "scenarios.jsonl"
    scenarios.write_text(json.dumps({"language": "en", "scenario": SITUATION}) + "\n", encoding="utf-8")
    prompts: list[str] = []
    model = build_mock_model(labels)

    def answer(body: Mapping[str, Any]) -> str | None:
        prompts.extend(message["content"] for message in body["messages"])
        return model(body)

    with serving(SimulatorSettings(find_profile("openai"), tmp_path / "provider.db"), writer=answer) as url:
        settings = RunSettings(
            "compatible", SAMPLES, seed=6, languages=("en", "de"), review=True, model="m", api_url=url, mode="live",
            labels_file=str(labels_file), scenarios_file=str(scenarios),
        )  # fmt: skip
        summary = generate(settings, data=tmp_path / "data")
    assert (summary.progress.done, summary.progress.dead, summary.progress.refused) == (SAMPLES, 0, 0)
    samples = list(read_samples([summary.samples], labels))
    found: dict[str, set[str]] = {}
    for sample in samples:
        annotation = sample.annotations[0]
        assert not has_errors(check_annotation(sample.text, annotation, labels, sample.language, sample.country))
        assert sample.document_type in labels.purpose.document_types
        assert {stage["stage"] for stage in sample.provenance["stages"]} >= {"draft", "review"}
        for entity in annotation.entities:
            found.setdefault(entity.label, set()).add(sample.text[entity.start : entity.end])
    assert len(found) >= len(labels.entities) - 1
    assert invented <= set(found)
    given = {match for prompt in prompts for match in re.findall(r"^- <([A-Z_]+)>", prompt, re.MULTILINE)}
    assert given
    assert not given & invented
    assert any(SITUATION in prompt for prompt in prompts)
    if not labels.purpose.is_pii:
        for prompt in prompts:
            assert not re.search(r"personal|personenbezog|sensitive|privacy|\bPII\b|FIRSTNAME", prompt), prompt
            assert not re.search(r"^Person \d", prompt, re.MULTILINE), prompt
