from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import GoldspanError, InputError, StateError, TerminalServiceError
from goldspan.predictors.model.directory import open_directory
from goldspan.predictors.model.hub import download_model, stage_model, upload_model
from tests.annotation.hub.conftest import hub

__all__ = ["hub"]
NAME = "owner/pii"


def test_a_model_directory_comes_back_as_it_was(hub: Any, model: Path, tmp_path: Path) -> None:
    address = upload_model(model, NAME, dataset="owner/data")
    assert "/commit/" in address
    assert hub.repositories[NAME].private
    assert "datasets:\n- owner/data\n" in hub.files(NAME)["README.md"].decode()
    commit = download_model(NAME, tmp_path / "fetched", key=open_directory(model).verification.fingerprint)
    assert commit == hub.repositories[NAME].commits[-1][0]
    before, after = open_directory(model), open_directory(tmp_path / "fetched")
    assert (after.model, after.manifest) == (before.model, before.manifest)
    assert sorted(path.name for path in (tmp_path / "fetched").iterdir()) == [
        "quantized",
        "quantized.pub",
        "quantized.sig",
    ]


def test_the_trained_variant_lies_at_the_top_of_the_repository(hub: Any, model: Path) -> None:
    upload_model(model, NAME, "trained", public=True)
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(hub.files(NAME))
    assert not hub.repositories[NAME].private


def test_a_tampered_or_unsigned_model_is_neither_published_nor_kept(hub: Any, model: Path, tmp_path: Path) -> None:
    upload_model(model, NAME)
    files = hub.files(NAME)
    for change in ({"quantized/calibration.json": b"{}"}, {"quantized/extra.json": b"{}"}):
        hub.add(NAME, {**files, **change})
        with pytest.raises(StateError):
            download_model(NAME, tmp_path / "fetched")
    hub.add(NAME, {name: data for name, data in files.items() if name != "quantized.sig"})
    with pytest.raises(StateError, match="not signed"):
        download_model(NAME, tmp_path / "fetched")
    hub.add(NAME, files)
    with pytest.raises(StateError):
        download_model(NAME, tmp_path / "fetched", key="0" * 64)
    assert not (tmp_path / "fetched").exists()
    assert not list(tmp_path.glob(".download-*"))
    (model / "quantized.sig").unlink()
    with pytest.raises(StateError, match="not signed"):
        upload_model(model, "owner/other")
    assert "owner/other" not in hub.repositories


def test_what_cannot_be_published_or_fetched_is_named(hub: Any, model: Path, tmp_path: Path) -> None:
    for variant, text in (("int4", "--variant"), ("trained", "no folder trained")):
        with pytest.raises(InputError, match=text):
            stage_model(tmp_path if variant == "trained" else model, tmp_path / "stage", variant)
    with pytest.raises(InputError, match="exists"):
        download_model(NAME, tmp_path)
    with pytest.raises(TerminalServiceError, match="knows no repository"):
        download_model("owner/none", tmp_path / "fetched")
    hub.add(NAME, {"README.md": b"x"})
    with pytest.raises(GoldspanError, match="no folder quantized"):
        download_model(NAME, tmp_path / "fetched")
