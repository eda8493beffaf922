"""Keys for masking: one secret from the environment, a subkey for each purpose (HKDF-SHA-256, RFC 5869)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError

VARIABLE = "GOLDSPAN_MASKING_KEY"
SIZE = 32
"""Bytes of a key."""


@dataclass(frozen=True, slots=True)
class MaskingKey:
    """A secret of 32 bytes. It never appears in a repr, a log or an error."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Eight hex digits that name the key without revealing it."""
        return self.derive("key-id", 4).hex()

    def derive(self, purpose: str, size: int = SIZE) -> bytes:
        """A subkey of at most 64 bytes for one purpose."""
        extracted = hmac.digest(b"goldspan-masking-1", self.secret, hashlib.sha256)
        first = hmac.digest(extracted, purpose.encode() + b"\x01", hashlib.sha256)
        second = hmac.digest(extracted, first + purpose.encode() + b"\x02", hashlib.sha256)
        return (first + second)[:size]

    def sign(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA-256 over parts that are kept apart, with the subkey of the purpose; 32 bytes."""
        message = b"".join(len(data).to_bytes(8, "big") + data for data in map(_encode, parts))
        return hmac.digest(self.derive(purpose), message, hashlib.sha256)


def make_key() -> str:
    """A fresh key as text for the environment."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SIZE)).decode()


def draw_key() -> MaskingKey:
    """A fresh key that lives only in this process."""
    return MaskingKey(secrets.token_bytes(SIZE))


def parse_key(text: str) -> MaskingKey:
    """A key written in base64 or as hex digits.

    Raises:
        ConfigurationError: it is not 32 bytes.
    """
    text = text.strip()
    for decode in (bytes.fromhex, _decode_base64):
        try:
            secret = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(secret) == SIZE:
            return MaskingKey(secret)
    raise ConfigurationError(f"{VARIABLE} must hold 32 bytes in base64 or hex. Make one with: goldspan mask key")


def find_key(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> MaskingKey | None:
    """The key in the environment, else in `.env`; None if there is none.

    Raises:
        ConfigurationError: what is there is not a key.
    """
    values = os.environ if environment is None else environment
    text = values.get(VARIABLE) or read_env_file((folder or Path()) / ".env").get(VARIABLE)
    return parse_key(text) if text else None


def require_key(key: MaskingKey | None, purpose: str) -> MaskingKey:
    """The key.

    Raises:
        ConfigurationError: there is none.
    """
    if key is None:
        raise ConfigurationError(f"{purpose} needs a key in {VARIABLE}. Make one with: goldspan mask key")
    return key


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decode_base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
