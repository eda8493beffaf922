from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from goldspan.annotation.errors import StateError  # noqa: E402
from goldspan.predictors.model.encoding import EncodedText, WindowSize, encode_texts, load_tokenizer  # noqa: E402
from goldspan.training.models.causal import hidden_states  # noqa: E402
from goldspan.training.models.causal.backbone import Backbone, BackboneSettings, load_backbone  # noqa: E402
from goldspan.training.models.causal.base import find_base  # noqa: E402
from goldspan.training.models.causal.hidden_states import HiddenStates, compute_hidden_states  # noqa: E402
from goldspan.training.models.device import Device  # noqa: E402
from tests.training.models.causal.tiny_base import write_note  # noqa: E402
from tests.training.tiny_model import CITIES, NAMES  # noqa: E402

CPU = Device("cpu", bf16=False)
SIZE = WindowSize(16, 4)
TEXTS = [write_note(number, NAMES, CITIES) for number in range(12)] + ["", "né à 東京 😀"]


class Counted:
    """Opens the backbone; it breaks at the call `fail_at`, and `calls` counts runs."""

    def __init__(self, backbone: Backbone, fail_at: int = 0) -> None:
        self.backbone, self.fail_at, self.calls = backbone, fail_at, 0

    def open(self) -> Backbone:
        return self  # type: ignore[return-value]

    def __call__(self, ids, mask):
        self.calls += 1
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        return self.backbone(ids, mask)


@pytest.fixture(scope="module")
def backbone(causal_base: Path) -> Backbone:
    return load_backbone(find_base(str(causal_base)), BackboneSettings(), CPU, 64)


@pytest.fixture(scope="module")
def encoded(causal_base: Path) -> list[EncodedText]:
    return encode_texts(load_tokenizer((causal_base / "tokenizer.json").read_bytes()), TEXTS)


def compute(backbone: Counted, encoded: list[EncodedText], folder: Path, identity: str = "one") -> HiddenStates:
    return compute_hidden_states(backbone.open, identity, 64, encoded, SIZE, CPU, folder)


def test_states_are_those_of_each_window_and_are_computed_once(backbone, encoded, tmp_path: Path) -> None:
    counted = Counted(backbone)
    states = compute(counted, encoded, tmp_path / "hidden")
    assert states.rows.dtype == np.float16
    assert {one.text for one in states.windows} == set(range(len(TEXTS))) - {12}
    assert any(one.window.start for one in states.windows)
    for one in states.windows:
        ids = torch.from_numpy(encoded[one.text].wrap(one.window))[None]
        with torch.no_grad():
            wanted = backbone(ids, torch.ones_like(ids))[0].numpy()
        assert np.allclose(states.rows[one.rows].astype(np.float32), wanted, atol=5e-3)
    again = Counted(backbone)
    assert np.array_equal(compute(again, encoded, tmp_path / "hidden").rows, states.rows)
    assert again.calls == 0
    for path in (tmp_path / "hidden").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_interrupted_computation_goes_on_where_it_stopped(
    backbone, encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_states, "_BATCH_TOKENS", 48)
    monkeypatch.setattr(hidden_states, "_FLUSH_BATCHES", 2)
    whole = Counted(backbone)
    wanted = compute(whole, encoded, tmp_path / "whole").rows
    broken = Counted(backbone, fail_at=6)
    with pytest.raises(KeyboardInterrupt):
        compute(broken, encoded, tmp_path / "broken")
    rest = Counted(backbone)
    assert np.array_equal(compute(rest, encoded, tmp_path / "broken").rows, wanted)
    assert rest.calls == whole.calls - 4


def test_what_changes_the_states_changes_the_key_and_a_cut_off_file_is_computed_again(
    backbone, encoded, tmp_path: Path
) -> None:
    wanted = compute(Counted(backbone), encoded[:3], tmp_path / "whole").rows
    for texts, identity in ((encoded[:3], "one"), (encoded[:4], "one"), (encoded[:3], "two")):
        compute(Counted(backbone), texts, tmp_path, identity)
    files = sorted(tmp_path.glob("*.states"))
    assert len(files) == 3
    for file in files:
        file.write_bytes(file.read_bytes()[:-2])
    assert np.array_equal(compute(Counted(backbone), encoded[:3], tmp_path).rows, wanted)


def test_states_that_were_lost_are_never_taken_for_computed_ones(
    backbone, encoded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the file was made anew: it is full of zeros, and the count of the old one is still there."""
    wanted = compute(Counted(backbone), encoded, tmp_path).rows.copy()
    next(tmp_path.glob("*.states")).unlink()
    reserve = hidden_states._reserve

    def die(path: Path, size: int) -> None:
        reserve(path, size)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hidden_states, "_reserve", die)
        with pytest.raises(KeyboardInterrupt):
            compute(Counted(backbone), encoded, tmp_path)
    assert np.array_equal(compute(Counted(backbone), encoded, tmp_path).rows, wanted)


def test_nan_is_never_stored(backbone, encoded, tmp_path: Path) -> None:
    broken = Counted(lambda ids, mask: backbone(ids, mask) * float("nan"))
    with pytest.raises(StateError, match="gives NaN"):
        compute(broken, encoded, tmp_path)
    wanted = compute(Counted(backbone), encoded, tmp_path / "other").rows
    assert np.array_equal(compute(Counted(backbone), encoded, tmp_path).rows, wanted)


def test_texts_without_tokens_need_no_backbone(encoded, tmp_path: Path) -> None:
    states = compute_hidden_states(pytest.fail, "one", 64, [encoded[12]], SIZE, CPU, tmp_path / "none")
    assert states.rows.shape == (0, 64)
    assert not states.windows
