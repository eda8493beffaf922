"""Answers whose custom_id the provider altered hold the person too, and are erased with the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.privacy.erase import erase_person, find_person
from tests.generators.small_run import run_items, write_small


def count_files(folder: Path, word: bytes) -> int:
    return sum(word in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["altered_custom_id", "upper_case_id", "blanks_around_id", "no_custom_id"])
def test_an_answer_under_another_id_is_erased(tmp_path: Path, kind: str) -> None:
    workspace = Workspace(tmp_path / "data")
    folder = workspace.runs / "r"
    folder.parent.mkdir(parents=True)
    plan = build_plan({"seed": 1, "faults": [{"kind": kind, "count": 1}]})
    with serving(
        SimulatorSettings(find_profile("openai"), tmp_path / "s.db", plan, validation_seconds=0.0), writer=write_small
    ) as url:
        counts = asyncio.run(run_items(folder, url, "openai", 2))
    assert counts["done"] == 2
    assert count_files(folder / "raw", b"Maria") > 0
    report = erase_person("Maria", data=workspace.root)
    assert {hit.store for hit in report.remains} == {"uploads"}
    assert count_files(folder, b"Maria") == 0
    assert {hit.store for hit in find_person("Maria", data=workspace.root).hits} <= {"uploads"}
