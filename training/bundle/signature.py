"""Sign a bundle with the key of the workspace's models, and verify it: the manifest says what is in it, the signature
who made it.

`<bundle>.sig` and `<bundle>.pub` lie beside the folder, as those of a model directory do (`predictors.model.signing`).
"""

from __future__ import annotations

import os
from pathlib import Path

from goldspan.predictors.model.signing import (
    SignaturePolicy,
    Verification,
    find_public_key,
    find_signature,
    make_key,
    sign_folder,
    verify_folder,
)

KEY_VARIABLE = "GOLDSPAN_BUNDLE_KEY"
"""A PEM file or a fingerprint: training then takes only bundles that were signed with this key."""


def find_signing_key(root: Path) -> Path:
    """The private key of the workspace at `root`."""
    return root / "keys" / "signing.pem"


def sign_bundle(folder: Path, root: Path) -> str:
    """Sign a bundle with the key of the workspace at `root`, which is made on first use; its fingerprint.

    Raises:
        ConfigurationError: the key cannot be used.
        StateError: the signature cannot be written.
    """
    return sign_folder(folder, make_key(find_signing_key(root)))


def verify_signature(folder: Path) -> Verification:
    """Verify a bundle that is signed; where `GOLDSPAN_BUNDLE_KEY` is set, an unsigned one is refused too.

    Raises:
        StateError: the signature is bad, of another key, or missing.
        ConfigurationError: the key cannot be read.
    """
    if pinned := os.environ.get(KEY_VARIABLE, ""):
        return verify_folder(folder, SignaturePolicy.REQUIRE, pinned)
    if not find_signature(folder).is_file():
        return Verification(signed=False)
    return verify_folder(folder, SignaturePolicy.WARN, str(find_public_key(folder)))


def drop_signature(folder: Path) -> bool:
    """Delete the signature of a bundle; True if it had one."""
    signed = find_signature(folder).is_file()
    for path in (find_signature(folder), find_public_key(folder)):
        path.unlink(missing_ok=True)
    return signed
