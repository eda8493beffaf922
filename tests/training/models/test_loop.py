"""Training goes on after a crash as if there had been none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from goldspan.annotation.errors import ConfigurationError, InputError, StateError  # noqa: E402
from goldspan.training.config import TrainingConfig  # noqa: E402
from goldspan.training.models.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from goldspan.training.models.fit import TrainingData, fit, load_trained  # noqa: E402
from goldspan.training.models.loop import Trainer, TrainingProgress  # noqa: E402
from tests.training.tiny_model import make_config, make_labels, make_sample  # noqa: E402

DATA = TrainingData([make_sample(n) for n in range(60)], [make_sample(n) for n in range(60, 75)])
SHORT = {"token_budget": 2_000, "evaluations": 4, "checkpoint_seconds": 0.0}


class Killed(BaseException):
    pass


def train(folder: Path, config: TrainingConfig, kill_at: int = 0) -> dict[str, torch.Tensor]:
    seen: list[TrainingProgress] = []

    def report(progress: TrainingProgress) -> None:
        seen.append(progress)
        if len(seen) == kill_at:
            raise Killed

    folder.mkdir(exist_ok=True)
    fit(DATA, make_labels(), config, folder, report=report)
    return dict(load_trained(folder / "trained").state_dict())


@pytest.mark.parametrize(
    "settings",
    [{}, {"early_stopping_enabled": True}, {"num_epochs": 3, "class_weights": True}],
    ids=["budget", "early stop", "epochs"],
)
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path, settings: dict[str, object]) -> None:
    config = make_config(**SHORT, **settings)
    whole = train(tmp_path / "a", config)
    for kill_at in (1, 2):
        with pytest.raises(Killed):
            train(tmp_path / "b", config, kill_at=kill_at)
    resumed = train(tmp_path / "b", config)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_run_killed_after_its_last_step_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise Killed

    config = make_config(**SHORT)
    whole = train(tmp_path / "a", config)
    with monkeypatch.context() as patch:
        patch.setattr("goldspan.training.models.fit.save_trained", kill)
        with pytest.raises(Killed):
            train(tmp_path / "b", config)
    resumed = train(tmp_path / "b", config)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("settings", [{}, {"num_epochs": 2}], ids=["budget", "epochs"])
def test_augmented_runs_go_on_alike_too(tmp_path: Path, settings: dict[str, object]) -> None:
    from dataclasses import replace

    from goldspan.training.config import AugmentationSettings

    augmentation = AugmentationSettings(casing=0.5, ocr=0.3, sentences=0.2, hard_negatives=0.5)
    config = replace(make_config(**SHORT, **settings), augmentation=augmentation)
    whole = train(tmp_path / "a", config)
    with pytest.raises(Killed):
        train(tmp_path / "b", config, kill_at=3)
    resumed = train(tmp_path / "b", config)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_another_seed_gives_another_model(tmp_path: Path) -> None:
    one, other = (train(tmp_path / str(seed), make_config(**SHORT, seed=seed)) for seed in (1, 2))
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_broken_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, {"step": 1})
    save_checkpoint(tmp_path, {"step": 2})
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-5])
    assert load_checkpoint(tmp_path) == {"step": 1}
    (tmp_path / "checkpoint.previous.pt").write_bytes(b"nothing")
    with pytest.raises(StateError, match="does not match its digest"):
        load_checkpoint(tmp_path)


def test_a_finished_fit_is_written_again_without_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run may be killed before the next step begins, after hours of training."""
    first = train(tmp_path / "a", make_config(**SHORT))
    shutil.rmtree(tmp_path / "a" / "trained")
    monkeypatch.setattr(Trainer, "_step", lambda *_: pytest.fail("everything is trained"))
    again = train(tmp_path / "a", make_config(**SHORT))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_training_split_without_entities_is_refused(tmp_path: Path) -> None:
    empty = [sample for sample in DATA.train if sample.best and not sample.best.entities]
    with pytest.raises(InputError, match="no entity"):
        fit(TrainingData(empty, DATA.validation), make_labels(), make_config(**SHORT), tmp_path)
    with pytest.raises(InputError, match="validation split is empty"):
        fit(TrainingData(DATA.train, []), make_labels(), make_config(**SHORT), tmp_path)


def test_the_last_weights_are_taken_where_no_score_says_which_are_best(tmp_path: Path) -> None:
    empty = [sample for sample in DATA.validation if sample.best and not sample.best.entities]
    found = []
    for evaluations in (1, 4):
        folder = tmp_path / str(evaluations)
        folder.mkdir()
        config = make_config(**SHORT | {"evaluations": evaluations}, average_checkpoints=1)
        fit(TrainingData(DATA.train, empty), make_labels(), config, folder)
        found.append(dict(load_trained(folder / "trained").state_dict()))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_a_run_that_diverges_is_stopped_and_leaves_no_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"is nan\. Start again with a lower learning_rate"):
        train(tmp_path / "a", make_config(**SHORT, learning_rate=1e30))
    assert not (tmp_path / "a" / "trained").exists()


def test_running_out_of_memory_gives_advice_in_numbers() -> None:
    from goldspan.training.models.device import advise_smaller, explain_memory

    with (
        pytest.raises(StateError, match=r"batch_size \(4\).*window_tokens \(128\)"),
        explain_memory(advise_smaller(8, 256)),
    ):
        raise MemoryError
    with pytest.raises(RuntimeError, match="another"), explain_memory(""):
        raise RuntimeError("another")
