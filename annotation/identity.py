"""Identity of samples: ids, text hashes, skeletons, digests."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from typing import Any

import orjson

from goldspan.annotation.types import Entity, sort_spans

_NAMESPACE = uuid.UUID("8c1f6f0e-6a2c-5d0b-9b57-0d6f3c2a9e41").bytes


def make_sample_id(text: str, language: str) -> str:
    """A UUID (version 5, RFC 9562) of the verbatim text and its language."""
    name = f"{language}\n{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def hash_text(text: str) -> str:
    """SHA-256 of the verbatim text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def make_skeleton(text: str, entities: Iterable[Entity]) -> str:
    """The text with each entity replaced by `<LABEL>`; of overlapping entities the outermost counts."""
    pieces: list[str] = []
    cursor = 0
    for entity in sort_spans(entities):
        if entity.start >= cursor:
            pieces += (text[cursor : entity.start], f"<{entity.label}>")
            cursor = entity.end
    pieces.append(text[cursor:])
    return "".join(pieces)


def digest(value: Any, length: int = 12) -> str:
    """The first hex digits of SHA-256 over a value's canonical JSON."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:length]
