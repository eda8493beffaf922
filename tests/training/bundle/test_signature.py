from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.predictors.model.signing import fingerprint_key
from goldspan.privacy.erase import erase_person
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.signature import find_signing_key, sign_bundle, verify_signature
from goldspan.training.bundle.write import write_bundle
from tests.privacy.canary import NAME, list_samples

pytest.importorskip("model_signing")


@pytest.fixture
def bundle(tmp_path: Path, labels: LabelSchema) -> Path:
    folder = tmp_path / "data" / "bundles" / "v1"
    write_bundle(folder, list_samples(), labels, BundleSettings("v1"))
    return folder


@pytest.fixture
def signed(bundle: Path, tmp_path: Path) -> Path:
    sign_bundle(bundle, tmp_path / "data")
    return bundle


def test_a_signature_tells_who_made_a_bundle(signed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = fingerprint_key(find_signing_key(tmp_path / "data"))
    assert verify_signature(signed).fingerprint == fingerprint
    monkeypatch.setenv("GOLDSPAN_BUNDLE_KEY", fingerprint)
    assert verify_signature(signed).pinned
    monkeypatch.setenv("GOLDSPAN_BUNDLE_KEY", "0" * 64)
    with pytest.raises(StateError, match="is signed with the key"):
        verify_signature(signed)


def test_an_unsigned_bundle_is_refused_only_where_a_key_is_pinned(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not verify_signature(bundle).signed
    monkeypatch.setenv("GOLDSPAN_BUNDLE_KEY", "0" * 64)
    with pytest.raises(StateError, match="has no signature"):
        verify_signature(bundle)


def test_any_change_breaks_the_signature(signed: Path) -> None:
    train = signed / "train.jsonl"
    train.write_bytes(train.read_bytes() + b"\n")
    with pytest.raises(StateError, match="does not match its signature"):
        verify_signature(signed)


def test_the_successor_of_a_signed_bundle_is_signed(signed: Path, tmp_path: Path) -> None:
    erase_person(NAME, data=Workspace(tmp_path / "data").root)
    successor = signed.with_name("v1-r1")
    assert verify_signature(successor).signed
    assert not signed.with_name("v1.sig").exists()
