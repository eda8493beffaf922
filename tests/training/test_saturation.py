"""Saturation: nested sets of documents, trained for the same tokens, tested on the same held-out documents."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import InputError
from goldspan.annotation.tasks.store import write_samples
from goldspan.cli.samples.commands import app
from goldspan.training.saturation import HELD_OUT, Saturation, SaturationPoint, SaturationSettings, measure_saturation
from tests.training.tiny_model import TOML, make_labels, make_sample

pytest.importorskip("torch")


LABELS = make_labels()
SAMPLES = [make_sample(number) for number in range(160)]
SETTINGS = SaturationSettings((20, 5000), "tiny", 1_000)


def test_sizes_that_teach_alike_are_seen_to():
    points = tuple(
        SaturationPoint(n, {"en": {"CITY": c}}, {HELD_OUT: f}) for n, c, f in ((60, 40, 0.6), (900, 10, 0.8))
    )
    found = Saturation(SETTINGS, {HELD_OUT: 9}, points)
    assert found.share(points[0], HELD_OUT) == pytest.approx(0.75)
    assert [point.median_contexts for point in points] == [40, 10]


def test_too_few_samples_are_refused():
    with pytest.raises(InputError, match="too few to hold some out"):
        measure_saturation(SAMPLES[:20], LABELS, SETTINGS)
    alike = [replace(SAMPLES[0], sample_id=f"s{number}") for number in range(60)]
    with pytest.raises(InputError, match="one group"):
        measure_saturation(alike, LABELS, SETTINGS)


def test_nested_sets_are_measured_on_the_same_documents_and_printed(tmp_path):
    labels, file, elsewhere = tmp_path / "labels.toml", tmp_path / "samples.jsonl", tmp_path / "elsewhere.jsonl"
    labels.write_text(TOML, encoding="utf-8")
    write_samples(file, SAMPLES, LABELS)
    write_samples(elsewhere, [make_sample(number) for number in range(900, 910)], LABELS)
    command = ["saturation", str(file), "--labels", str(labels), "--encoder", "tiny", "--token-budget", "1000"]
    done = CliRunner().invoke(app, [*command, "--sizes", "20,5000", "--test", str(elsewhere), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found["tests"]) == {HELD_OUT, "elsewhere"}
    assert found["tests"]["elsewhere"] == 10
    assert found["points"][0]["documents"] == 20
    assert 90 < found["points"][1]["documents"] < 150
    for point in found["points"]:
        assert set(point["f1"]) == set(found["tests"])
        assert all(0 <= f1 <= 1 for f1 in point["f1"].values())
        assert set(point["contexts"]["en"]) == {"FIRSTNAME", "CITY", "PHONENUMBER"}
    assert not any(sample.text[:30] in done.stdout for sample in SAMPLES)
    wrong = CliRunner().invoke(app, [*command, "--sizes", "many"])
    assert isinstance(wrong.exception, InputError)
