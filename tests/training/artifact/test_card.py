from __future__ import annotations

import json
from pathlib import Path

import yaml

from goldspan.predictors.model.calibration import Calibration
from goldspan.training.artifact.card import write_card


def test_languages_are_text_and_rates_without_an_entity_are_not_shown(trained: Path) -> None:
    manifest = json.loads((trained / "quantized" / "manifest.json").read_bytes())
    manifest["training"]["languages"] = {"": 1, "en": 2, "no": 3}
    row = manifest["metrics"]["evaluations"][0] | {"f1": 0.0, "missed": 0.0, "entities": 0, "f1_interval": None}
    card = write_card(manifest, Calibration(), [row])
    assert yaml.safe_load(card.split("---")[1])["language"] == ["en", "no"]
    assert f"| {row['documents']} | – |  | – | – |" in card
