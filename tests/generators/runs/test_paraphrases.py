"""Runs that paraphrase: which sample an item tells, and what a file without any says."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import write_samples
from goldspan.generators.mixing.mix import write_offline
from goldspan.generators.runs.paraphrases import draw_paraphrase
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.paraphrase import can_paraphrase

LABELS = load_labels()


def make_settings(folder: Path, seed: int = 0, languages: tuple[str, ...] = ("en",)) -> RunSettings:
    path = folder / "samples.jsonl"
    if not path.exists():
        write_samples(path, list(write_offline(6, 2, ("en", "de"), LABELS)), LABELS)
    return RunSettings("offline", 5, seed, languages, paraphrase_file=str(path))


def test_items_take_the_samples_in_turn_and_other_seeds_begin_elsewhere(tmp_path: Path) -> None:
    known = [sample for sample in write_offline(6, 2, ("en", "de"), LABELS) if can_paraphrase(sample)]
    both = ("en", "de")
    first = [draw_paraphrase(make_settings(tmp_path, 0, both), LABELS, item, ("note",))[1] for item in range(8)]
    ids = [sample.sample_id for sample in known]
    assert first == [ids[item % len(ids)] for item in range(8)]
    assert draw_paraphrase(make_settings(tmp_path, 1, both), LABELS, 0, ("note",))[1] == ids[1]


def test_a_brief_names_its_sample_and_a_variant_keeps_the_values(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    one, other = (draw_brief(settings, LABELS, 0, variant) for variant in (0, 1))
    assert one["source_document"] == other["source_document"]
    assert one["values"] == other["values"]
    assert one["seed"] != other["seed"]


def test_a_file_without_a_sample_in_the_languages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="in one of the languages fr"):
        draw_paraphrase(make_settings(tmp_path, 0, ("fr",)), LABELS, 0, ("note",))
