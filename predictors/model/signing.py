"""Sign a folder, and verify it before any of its files is parsed (OpenSSF model signing, EC P-256).

    <name>/       the folder
    <name>.sig    the signature: a Sigstore bundle over the SHA-256 of every file
    <name>.pub    the public key, for convenience; who trusts the folder pins the key

Policies: `off` looks at no signature. `warn` refuses a bad signature, and logs a warning where there is none or where
no key is pinned. `require` refuses these too. A key is pinned by its PEM file or by its fingerprint (SHA-256 of the
DER form).
"""

from __future__ import annotations

import ast
import hashlib
import logging
import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import write_atomic

KEY_VARIABLE = "GOLDSPAN_MODEL_KEY"
_FINGERPRINT = re.compile(r"[0-9a-f]{64}\Z")
_MISMATCHES = {
    "changed:": re.compile(r"Hash mismatch for '(.+?)': Expected '"),
    "added:": re.compile(r"Extra files found in model '.+?': (.+)"),
    "missing:": re.compile(r"Missing files in model '.+?': (.+)"),
}
"""Differences as model-signing words them, with the names of the files."""

_LOG = logging.getLogger("goldspan.predictors.model")


class SignaturePolicy(StrEnum):
    """What is asked of a signature before a model is loaded."""

    OFF = "off"
    WARN = "warn"
    REQUIRE = "require"

    @classmethod
    def _missing_(cls, value: object) -> SignaturePolicy:
        raise ConfigurationError(f"The option verify is off, warn or require, not {str(value)[:20]!r}.")


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `fingerprint` is that of the key; `pinned`: it is the one that was expected."""

    signed: bool
    pinned: bool = False
    fingerprint: str = ""


def find_signature(folder: Path) -> Path:
    """Where the signature of a folder lies: beside it."""
    return folder.with_name(folder.name + ".sig")


def find_public_key(folder: Path) -> Path:
    """Where the public key of a folder lies: beside it."""
    return folder.with_name(folder.name + ".pub")


def verify_folder(folder: Path, policy: SignaturePolicy = SignaturePolicy.WARN, key: str = "") -> Verification:
    """Verify a folder's signature as the policy asks.

    Args:
        folder: the signed folder.
        policy: what is asked.
        key: a PEM file or a fingerprint; default: `GOLDSPAN_MODEL_KEY`.

    Raises:
        StateError: the signature is bad, of another key, or missing where it is required.
        ConfigurationError: the key cannot be read, or none is pinned where that is required.
    """
    pinned = key or os.environ.get(KEY_VARIABLE, "")
    if policy is SignaturePolicy.OFF:
        return Verification(signed=False)
    signature = find_signature(folder)
    if policy is SignaturePolicy.REQUIRE and not pinned:
        raise ConfigurationError(
            f"The policy require needs a pinned key: a PEM file or a fingerprint, as option key or in {KEY_VARIABLE}."
        )
    if not signature.is_file():
        if policy is SignaturePolicy.REQUIRE:
            raise StateError(f"{folder} has no signature ({signature.name} beside it). It was not loaded.")
        _LOG.warning("%s is not signed: nothing says who made it.", folder)
        return Verification(signed=False)
    public = _choose_key(folder, pinned)
    fingerprint = fingerprint_key(public)
    if _FINGERPRINT.match(pinned) and fingerprint != pinned:
        raise StateError(
            f"{folder} is signed with the key {fingerprint[:16]}…, expected {pinned[:16]}…. It was not loaded."
        )
    _verify(folder, signature, public)
    if not pinned:
        _LOG.warning("%s is signed with the key %s, which is not pinned (option key).", folder, fingerprint[:16])
    return Verification(signed=True, pinned=bool(pinned), fingerprint=fingerprint)


def sign_folder(folder: Path, private_key: Path) -> str:
    """Sign a folder: writes `<name>.sig` and `<name>.pub` beside it; returns the key's fingerprint.

    Raises:
        ConfigurationError: the key is not an EC P-256 key in PEM.
        StateError: the files cannot be written.
    """
    from model_signing import hashing, signing

    public = _read_public(private_key)
    signature, target = find_signature(folder), find_public_key(folder)
    temporary = signature.with_name(f".{signature.name}.tmp")
    try:
        signing.Config().use_elliptic_key_signer(private_key=private_key).set_hashing_config(
            hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)
        ).sign(folder, temporary)
        data = temporary.read_bytes()
    except Exception as error:  # noqa: BLE001
        raise StateError(f"{folder} could not be signed: {str(error)[:200]}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    write_atomic(signature, data)
    write_atomic(target, public)
    return fingerprint_key(target)


def make_key(path: Path) -> Path:
    """The private key at `path`, made (0600) if there is none.

    Raises:
        StateError: it cannot be written.
    """
    if path.is_file():
        return path
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    data = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomic(path, data, mode=0o600)
    return path


def fingerprint_key(path: Path) -> str:
    """SHA-256 of the public key's DER form, as 64 hex digits; of a private key that of its public half.

    Raises:
        ConfigurationError: the file is not an EC key in PEM.
    """
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_public_key(_read_public(path))
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _choose_key(folder: Path, pinned: str) -> Path:
    if pinned and not _FINGERPRINT.match(pinned):
        return Path(pinned)
    shipped = find_public_key(folder)
    if not shipped.is_file():
        raise StateError(f"{folder} is signed, but its public key ({shipped.name}) is missing. Give it as option key.")
    return shipped


def _read_public(path: Path) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        data = path.read_bytes()
        key = (
            serialization.load_pem_private_key(data, None).public_key()
            if b"PRIVATE" in data
            else serialization.load_pem_public_key(data)
        )
    except OSError as error:
        raise ConfigurationError(f"The key {path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise ConfigurationError(f"{path} is not a key in PEM without a password.") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ConfigurationError(f"{path} is not an EC key on the curve P-256; signing needs one.")
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _verify(folder: Path, signature: Path, public: Path) -> None:
    from model_signing import hashing, verifying

    _refuse_special_files(folder)
    try:
        verifying.Config().use_elliptic_key_verifier(public_key=public).set_hashing_config(
            hashing.Config().set_ignored_paths(paths=[], ignore_git_paths=False)
        ).verify(folder, signature)
    except Exception as error:  # noqa: BLE001
        raise StateError(
            f"{folder} does not match its signature: {_explain_mismatch(str(error), signature)}. It was not loaded. "
            "Get it again from whoever signed it."
        ) from None


def _refuse_special_files(folder: Path) -> None:
    strange = [entry for entry in folder.rglob("*") if entry.is_symlink() or not (entry.is_file() or entry.is_dir())]
    if folder.is_symlink() or strange:
        named = ", ".join(sorted(str(entry.relative_to(folder)) for entry in strange)[:3]) or folder.name
        raise StateError(f"{folder} holds symbolic links or special files ({named}). It was not loaded.")


def _explain_mismatch(said: str, signature: Path) -> str:
    """What differs, from the words of the verifier: "Signature mismatch: " and the `repr` of a list of differences."""
    _, mismatch, listed = said.partition("Signature mismatch: ")
    if not mismatch:
        return f"{signature.name} is not a signature with this key"
    differences: list[str] = ast.literal_eval(listed)
    found = {what: sorted(_match_names(pattern, differences)) for what, pattern in _MISMATCHES.items()}
    return "; ".join(f"{what} {', '.join(names[:5])}" for what, names in found.items() if names) or said[:200]


def _match_names(pattern: re.Pattern[str], differences: list[str]) -> set[str]:
    matches = filter(None, map(pattern.match, differences))
    return {name for match in matches for name in match[1].split(", ")}
