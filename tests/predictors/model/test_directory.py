"""A model directory is verified before anything in it is parsed: every way of tampering is refused."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, GoldspanError, InputError, StateError
from goldspan.predictors.model import directory as layout
from goldspan.predictors.model.directory import is_model_directory, open_directory
from goldspan.predictors.model.signing import SignaturePolicy, fingerprint_key, make_key, sign_folder, verify_folder
from goldspan.training.bundle.manifest import dump, hash_bytes, seal_manifest

pytest.importorskip("model_signing")


def flip_bit(served: Path) -> None:
    data = bytearray((served / layout.MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (served / layout.MODEL).write_bytes(data)


def truncate(served: Path) -> None:
    data = (served / layout.MODEL).read_bytes()
    (served / layout.MODEL).write_bytes(data[:-100])


def edit_json(served: Path) -> None:
    path = served / layout.MAPPINGS
    path.write_bytes(path.read_bytes().replace(b"CITY", b"CITI", 1))


def edit_manifest(served: Path) -> None:
    path = served / layout.MANIFEST
    path.write_bytes(path.read_bytes().replace(b"tiny-model", b"tidy-model"))


def reseal(served: Path) -> None:
    """Change a file and the manifest alike: only the signature can tell."""
    edit_json(served)
    manifest = orjson.loads((served / layout.MANIFEST).read_bytes())
    manifest["files"][layout.MAPPINGS] = hash_bytes((served / layout.MAPPINGS).read_bytes())
    (served / layout.MANIFEST).write_bytes(dump(seal_manifest(manifest)))


def add_file(served: Path) -> None:
    (served / "extra.json").write_text("{}")


def add_hidden(served: Path) -> None:
    (served / ".gitignore").write_text("x")


def add_folder(served: Path) -> None:
    (served / "sub").mkdir()
    (served / "sub" / "x.py").write_text("x")


def delete_file(served: Path) -> None:
    (served / layout.PROBES).unlink()


def rename_file(served: Path) -> None:
    (served / layout.CARD).rename(served / "CARD.md")


def swap_files(served: Path) -> None:
    one, other = served / layout.CALIBRATION, served / layout.COREFERENCE
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def link_file(served: Path) -> None:
    target = served.parent / "elsewhere.onnx"
    (served / layout.MODEL).rename(target)
    (served / layout.MODEL).symlink_to(target)


def edit_signature(served: Path) -> None:
    path = served.parent / "quantized.sig"
    bundle = json.loads(path.read_text())
    payload = bundle["dsseEnvelope"]["payload"]
    bundle["dsseEnvelope"]["payload"] = ("B" if payload[0] == "A" else "A") + payload[1:]
    path.write_text(json.dumps(bundle))


def replace_key(served: Path) -> None:
    """Sign anew with another key, and ship that one."""
    sign_folder(served, make_key(served.parent.parent / "other.pem"))


TAMPERING = [flip_bit, truncate, edit_json, edit_manifest, reseal, add_file, add_hidden, add_folder, delete_file,
             rename_file, swap_files, link_file, edit_signature, replace_key]  # fmt: skip


@pytest.fixture
def pinned(trained: Path) -> str:
    return fingerprint_key(trained / "quantized.pub")


def test_an_untouched_directory_opens_with_a_pinned_key(model: Path, pinned: str) -> None:
    for key in (pinned, str(shutil.copy(model / "quantized.pub", model.parent / "trusted.pem"))):
        opened = open_directory(model, SignaturePolicy.REQUIRE, key)
        assert opened.verification.pinned
        assert opened.verification.fingerprint == pinned
    assert opened.tags[:3] == ("O", "B-FIRSTNAME", "I-FIRSTNAME")
    assert len(opened.probes) == 8


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda f: f.__name__)
def test_tampering_is_refused(model: Path, pinned: str, tamper: Callable[[Path], None]) -> None:
    tamper(model / "quantized")
    with pytest.raises(GoldspanError):
        open_directory(model, SignaturePolicy.REQUIRE, pinned)
    if tamper is not replace_key:
        with pytest.raises(GoldspanError):
            open_directory(model, SignaturePolicy.WARN)


@pytest.mark.parametrize(
    "tamper", [flip_bit, edit_json, add_file, add_folder, delete_file, link_file], ids=lambda f: f.__name__
)
def test_without_a_signature_the_manifest_still_tells(model: Path, tamper: Callable[[Path], None]) -> None:
    tamper(model / "quantized")
    with pytest.raises(StateError):
        open_directory(model, SignaturePolicy.OFF)


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (flip_bit, r"signature: changed: [\w.]+\. It"),
        (add_file, r"signature: added: [\w.]+\. It"),
        (delete_file, r"signature: missing: [\w.]+\. It"),
        (lambda served: (served.parent / "quantized.sig").write_text("{}"), r"quantized\.sig is not a signature"),
        (lambda served: os.mkfifo(served / "pipe"), r"special files \(pipe\)"),
        (link_file, "symbolic links"),
    ],
    ids=["changed", "added", "missing", "no signature", "pipe", "link"],
)
def test_a_refusal_names_what_differs(model: Path, tamper: Callable[[Path], None], said: str) -> None:
    tamper(model / "quantized")
    with pytest.raises(StateError, match=said):
        open_directory(model, SignaturePolicy.WARN)


def test_a_changed_file_is_named_whatever_its_digest(tmp_path: Path) -> None:
    """The verifier prints digests as `repr` of bytes: those with quotes and brackets change how it quotes the rest."""
    folder = tmp_path / "model"
    folder.mkdir()
    contents = (b"%d" % number for number in range(100_000))
    changed, *others = [
        next(text for text in contents if set(b"'\"]") <= set(hashlib.sha256(text).digest())) for _ in range(3)
    ]
    names = ["a.json", "it's.json", 'the "b".json']
    for name, text in zip(names, [changed, *others], strict=True):
        (folder / name).write_bytes(text)
    sign_folder(folder, make_key(tmp_path / "key.pem"))
    for name in names[:2]:
        (folder / name).write_bytes(others[1])
    (folder / names[2]).unlink()
    (folder / "new's.json").write_bytes(changed)
    with pytest.raises(StateError) as refused:
        verify_folder(folder)
    assert (
        "signature: changed: a.json, it's.json; added: new's.json; missing: the \"b\".json. It was not loaded."
        in str(refused.value)
    )


def test_a_huge_file_is_not_read_without_a_signature(model: Path) -> None:
    with (model / "quantized" / layout.CARD).open("r+b") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(StateError, match="over 256 MiB"):
        open_directory(model, SignaturePolicy.OFF)


def test_the_weights_beside_the_served_folder_are_held_against_the_signed_manifest(model: Path) -> None:
    opened = open_directory(model, SignaturePolicy.WARN)
    assert layout.list_trained_faults(opened) == []
    weights = next(iter(opened.manifest["trained"]))
    (model / "trained").mkdir(exist_ok=True)
    (model / "trained" / weights).write_bytes(b"other")
    (model / "trained" / "modeling_mine.py").write_text("x = 1")
    faults = layout.list_trained_faults(opened)
    assert "trained/modeling_mine.py is a file that the manifest does not list" in faults
    assert f"trained/{weights} is not what the manifest records" in faults


def test_an_artifact_of_another_method_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "predictor.toml").write_text("")
    with pytest.raises(InputError, match="goldspan method status"):
        open_directory(tmp_path)


def test_nothing_is_parsed_before_the_signature_holds(model: Path, pinned: str) -> None:
    (model / "quantized" / layout.MANIFEST).write_text("not JSON at all")
    with pytest.raises(StateError, match="signature"):
        open_directory(model, SignaturePolicy.REQUIRE, pinned)


def test_a_missing_signature_is_a_matter_of_policy(
    model: Path, log_records: list[logging.LogRecord], pinned: str
) -> None:
    (model / "quantized.sig").unlink()
    with pytest.raises(StateError, match="no signature"):
        open_directory(model, SignaturePolicy.REQUIRE, pinned)
    assert not open_directory(model, SignaturePolicy.WARN).verification.signed
    assert any("not signed" in record.getMessage() for record in log_records)


def test_a_signature_with_the_shipped_key_only_is_not_pinned(model: Path, log_records: list[logging.LogRecord]) -> None:
    found = verify_folder(model / "quantized")
    assert found.signed
    assert not found.pinned
    assert any("not pinned" in record.getMessage() for record in log_records)
    with pytest.raises(ConfigurationError, match="pinned key"):
        verify_folder(model / "quantized", SignaturePolicy.REQUIRE)


def test_the_key_may_be_pinned_by_environment(model: Path, pinned: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDSPAN_MODEL_KEY", pinned)
    assert verify_folder(model / "quantized", SignaturePolicy.REQUIRE).pinned
    monkeypatch.setenv("GOLDSPAN_MODEL_KEY", "0" * 64)
    with pytest.raises(StateError, match="expected 0000"):
        verify_folder(model / "quantized", SignaturePolicy.REQUIRE)


def test_a_wrong_key_is_refused(model: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path / "wrong.pem")
    with pytest.raises(StateError, match="does not match its signature"):
        open_directory(model, SignaturePolicy.WARN, str(other))
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="not a key"):
        open_directory(model, SignaturePolicy.WARN, str(tmp_path / "no.pem"))


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = make_key(tmp_path / "keys" / "signing.pem")
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_key(path).read_bytes() == first


def rewrite(served: Path, **changes: object) -> None:
    manifest = orjson.loads((served / layout.MANIFEST).read_bytes()) | changes
    (served / layout.MANIFEST).write_bytes(dump(seal_manifest(manifest)))


def test_an_unknown_format_is_named(model: Path) -> None:
    rewrite(model / "quantized", format=99)
    with pytest.raises(StateError, match=r"format 99.*Upgrade"):
        open_directory(model, SignaturePolicy.OFF)


def test_a_tokenizer_that_truncates_is_refused(model: Path) -> None:
    served = model / "quantized"
    document = json.loads((served / layout.TOKENIZER).read_text())
    document["truncation"] = {"direction": "Right", "max_length": 128, "strategy": "LongestFirst", "stride": 0}
    (served / layout.TOKENIZER).write_text(json.dumps(document))
    files = orjson.loads((served / layout.MANIFEST).read_bytes())["files"]
    rewrite(served, files=files | {layout.TOKENIZER: hash_bytes((served / layout.TOKENIZER).read_bytes())})
    with pytest.raises(StateError, match="truncates"):
        open_directory(model, SignaturePolicy.OFF)


def test_what_is_no_model_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="no model directory"):
        open_directory(tmp_path / "nowhere")
    with pytest.raises(InputError, match="not a model directory"):
        open_directory(tmp_path)
    assert not is_model_directory(tmp_path)
    assert is_model_directory(model)
    assert is_model_directory(model / "quantized")
