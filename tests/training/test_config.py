from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.training.config import TrainingConfig, parse_config, read_config

SEED = """
[model]
name = "distilbert-base-cased"

[training]
num_epochs = 15
batch_size = 16
learning_rate = 3e-5
early_stopping_enabled = true
early_stopping_patience = 3
early_stopping_threshold = 0.01

[paths]
training_samples_dir = "model/dataset/data_samples/training_samples"
output_dir = "model/trained"

[pipeline]
skip_export = true
skip_quantization = false
skip_signing = false

[labelstudio]
project_id = 3
"""


def test_the_keys_of_the_known_configuration_are_valid_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "training.toml"
    path.write_text(SEED)
    config = read_config(path)
    assert config.training.num_epochs == 15
    assert config.training.learning_rate == pytest.approx(3e-5)
    assert config.pipeline.skip_export
    assert config.labelstudio.project_id == 3


def test_it_survives_its_json() -> None:
    config = parse_config({"training": {"seed": 7}, "evaluation": {"external": ["a.jsonl"]}})
    assert parse_config(config.to_json()) == config
    assert parse_config({}) == TrainingConfig()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"trainig": {}}, r"no table \[trainig\]. Did you mean \[training\]"),
        ({"training": {"num_epoch": 1}}, "no key num_epoch. Did you mean num_epochs"),
        ({"training": {"qqq": 1}}, "Known: num_epochs"),
        ({"training": {"num_epochs": "many"}}, "num_epochs is a whole number, not 'many'"),
        ({"training": {"num_epochs": True}}, "num_epochs is a whole number"),
        ({"training": {"batch_size": 0}}, "batch_size is at least 1"),
        ({"training": {"device": "tpu"}}, "device is auto, cpu, cuda or mps"),
        ({"training": {"window_overlap": 200}}, "less than half"),
        ({"training": {"class_weights": True, "label_smoothing": 0.1}}, "exclude each other"),
        ({"training": {"learning_rate": float("nan")}}, "learning_rate is positive"),
        ({"training": {"weight_decay": float("inf")}}, "weight_decay is a number of at least 0"),
        ({"training": {"layerwise_lr_decay": 0}}, "layerwise_lr_decay is above 0"),
        ({"augmentation": {"casing": 2}}, "casing is between 0 and 1"),
        ({"evaluation": {"external": "a"}}, "list of texts"),
        ({"model": 3}, r"\[model\] is a table"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_config(document)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_text("a = ")
    with pytest.raises(ConfigurationError, match="not readable TOML"):
        read_config(tmp_path / "x.toml")


def test_on_and_off_may_be_written_without_quotes() -> None:
    assert parse_config({"training": {"bf16": False}}).training.bf16 == "false"
