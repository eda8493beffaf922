"""Samples paraphrased by a model and by the offline author, mixed and split, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Sample
from tests.walk.test_domains import Team, run_simulator

pytestmark = pytest.mark.walk

LABELS = load_labels()


def find_facts(sample: Sample) -> set[tuple[str, str]]:
    assert sample.best
    return {(e.label, sample.text[e.start : e.end].casefold()) for e in sample.best.entities}


def test_samples_are_paraphrased_by_a_model_and_mixed(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.run("init", ".", "--name", "Again")
    first = team.run_json("generate", "start", "-n", "24", "--languages", "en,de", "--seed", "4")
    source = tmp_path / first["samples_file"]
    with run_simulator(team) as url:
        options = ("--provider", "compatible", "--api-url", url, "--model", "m", "--mode", "live", "--seed", "5")
        told: Any = team.run_json(
            "generate", "start", "-n", "20", "--languages", "en,de", "--paraphrase", str(source), *options
        )
    assert told["outcome"] == "done"
    origins = {sample.sample_id: sample for sample in read_samples([source], LABELS)}
    again = list(read_samples([tmp_path / told["samples_file"]], LABELS))
    assert len(again) == 20
    for sample in again:
        origin = origins[sample.provenance["source_document"]]
        assert sample.provenance["paraphrase"] == "compatible/m"
        assert sample.text != origin.text
        shared = find_facts(sample) & find_facts(origin)
        assert len(shared) >= 0.7 * len(find_facts(origin))
    (tmp_path / "mix.toml").write_text(
        f'[sources.first]\nshare = 0.4\nfiles = ["{source.relative_to(tmp_path)}"]\n'
        f'[sources.model]\nshare = 0.3\nfiles = ["{told["samples_file"]}"]\n'
        f'[sources.offline]\nshare = 0.3\nfiles = ["{source.relative_to(tmp_path)}"]\nparaphrase = true\n'
    )
    mixed = team.run_json("samples", "mix", "mix.toml", "-o", "train.jsonl")
    assert mixed["taken"]["offline"] == mixed["taken"]["model"] > 0
    assert team.run_json("samples", "check", "train.jsonl")["errors"] == 0
    team.run("samples", "split", "train.jsonl", "-o", "splits")
    homes: dict[str, set[str]] = {}
    for part in sorted((tmp_path / "splits").glob("*.jsonl")):
        for sample in read_samples([part], LABELS):
            homes.setdefault(str(sample.provenance.get("source_document") or sample.sample_id), set()).add(part.stem)
    assert {len(parts) for parts in homes.values()} == {1}
