from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from goldspan.annotation.errors import ConfigurationError, InputError  # noqa: E402
from goldspan.training.models.causal.fit import FittedClassifier, fit_classifier  # noqa: E402
from goldspan.training.models.causal.head import fold_columns, measure_columns  # noqa: E402
from goldspan.training.models.causal.settings import LlmClassifierSettings  # noqa: E402
from tests.training.models.causal.tiny_base import make_splits, write_base  # noqa: E402
from tests.training.tiny_model import make_labels  # noqa: E402

LABELS = make_labels()
TRAIN, HELD_OUT = make_splits()
SETTINGS = LlmClassifierSettings(device="cpu", bf16="false", threads=1, window_tokens=64, window_overlap=16)
LORA = replace(SETTINGS, adapter="lora", tokens=6_000, learning_rate=2e-3)


def fit(
    base: Path, folder: Path, settings: LlmClassifierSettings = SETTINGS, report=lambda _: None
) -> FittedClassifier:
    return fit_classifier(TRAIN, HELD_OUT, LABELS, replace(settings, base=str(base)), folder, report=report)


def test_a_frozen_model_that_has_learnt_words_finds_values_no_label_was_seen_for(
    causal_base: Path, tmp_path: Path
) -> None:
    trained = fit(causal_base, tmp_path / "trained")
    untrained = fit(write_base(tmp_path / "base", 0), tmp_path / "untrained")
    assert trained.validation.f1 > 0.7
    assert untrained.validation.f1 < trained.validation.f1 - 0.15
    assert fit(causal_base, tmp_path / "trained").weight.equal(trained.weight)


def test_adapters_improve_on_the_frozen_model_and_resume_bit_for_bit(causal_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    settings = replace(LORA, checkpoint_seconds=0.0)
    whole = fit(causal_base, tmp_path / "whole", settings)
    assert whole.validation.f1 > 0.9
    assert whole.validation.f1 > whole.record["head"]["f1"]

    def stop(line: str) -> None:
        if line.startswith("2,"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(causal_base, tmp_path / "broken", settings, stop)
    resumed = fit(causal_base, tmp_path / "broken", settings)
    assert resumed.weight.equal(whole.weight)
    assert resumed.record["adapter"] == whole.record["adapter"]


def test_adapters_learn_without_the_causal_mask(causal_base: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    fitted = fit(causal_base, tmp_path, replace(LORA, attention="bidirectional"))
    assert fitted.validation.f1 > 0.9


def test_the_last_head_is_taken_where_no_score_says_which_is_best(causal_base: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    empty = [sample for sample in HELD_OUT if sample.best and not sample.best.entities]
    settings = replace(SETTINGS, base=str(causal_base), head_epochs=8)
    fitted = fit_classifier(TRAIN, empty, LABELS, settings, tmp_path, report=lines.append)
    assert fitted.record["head"]["epochs"] == 8
    assert "no entity: the last weights are taken" in lines[0]


def test_folding_the_columns_gives_the_same_logits() -> None:
    torch.manual_seed(0)
    rows = torch.randn(50, 6) * torch.tensor([1.0, 100.0, 0.01, 5.0, 0.0, 2.0]) + 3
    mean, deviation = measure_columns(rows.numpy().astype("float16"))
    assert deviation[4] == 1.0
    weight, bias = torch.randn(3, 6), torch.randn(3)
    folded, shifted = fold_columns(weight, bias, mean, deviation)
    wanted = ((rows - mean) / deviation) @ weight.T + bias
    assert torch.allclose(rows @ folded.T + shifted, wanted, atol=1e-2, rtol=1e-3)


def test_wrong_settings_and_splits_are_refused(causal_base: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="attention is causal or bidirectional; rank is at least 1"):
        fit(causal_base, tmp_path, replace(SETTINGS, attention="both", rank=0))
    with pytest.raises(ConfigurationError, match="window_overlap is less than half"):
        fit(causal_base, tmp_path, replace(SETTINGS, window_overlap=40))
    rates = replace(SETTINGS, learning_rate=float("nan"), head_learning_rate=float("inf"), seed=-1)
    with pytest.raises(ConfigurationError, match="head_learning_rate is positive; learning_rate is positive; seed is"):
        fit(causal_base, tmp_path, rates)
    with pytest.raises(ConfigurationError, match=r"diverged: its loss at step \d+ is .*a lower head_learning_rate"):
        fit(causal_base, tmp_path, replace(SETTINGS, head_learning_rate=1e30))
    with pytest.raises(InputError, match="validation split is empty"):
        fit_classifier(TRAIN, [], LABELS, replace(SETTINGS, base=str(causal_base)), tmp_path)
    with pytest.raises(InputError, match="holds no entity"):
        fit_classifier([s for s in TRAIN if not s.best.entities], HELD_OUT, LABELS, SETTINGS, tmp_path)
