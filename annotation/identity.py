"""Identity of samples: ids, text hashes, skeletons, digests."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.types import Entity, Sample, sort_spans

_NAMESPACE = uuid.UUID("8c1f6f0e-6a2c-5d0b-9b57-0d6f3c2a9e41").bytes


def make_sample_id(text: str, language: str) -> str:
    """A UUID (version 5, RFC 9562) of the verbatim text and its language."""
    name = f"{language}\n{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def identify_sample(sample: Sample) -> str:
    """The id of a sample, or the one that follows from its text and language."""
    return sample.sample_id or make_sample_id(sample.text, sample.language)


def hash_text(text: str) -> str:
    """SHA-256 of the verbatim text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_briefly(text: str) -> str:
    """64 bits of BLAKE2b of a text, as 16 hex digits: a key under which equal texts are counted."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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


class IdentityCheck:
    """Finds samples that claim one identity: an id with two texts, or a text (of one language) with two ids.

    It holds two numbers per sample. The same id with the same text may come again: annotations of one sample.
    """

    def __init__(self) -> None:
        self._texts: dict[int, int] = {}
        self._ids: dict[int, int] = {}

    def __contains__(self, sample_id: str) -> bool:
        """True for the id of a sample that was added."""
        return _shorten(sample_id) in self._texts

    def add(self, sample: Sample) -> str:
        """What is wrong with the identity of the sample, given those before; empty if nothing is."""
        name = identify_sample(sample)
        identifier, text = _shorten(name), _shorten(f"{sample.language}\n{sample.text}")
        if self._texts.get(identifier, text) != text:
            return f"the sample_id {name[:60]!r} stood before with another text; give each text its own id"
        if self._ids.get(text, identifier) != identifier:
            return "the same text stood before with another sample_id; remove one with: goldspan samples dedupe"
        self._texts[identifier], self._ids[text] = text, identifier
        return ""


def _shorten(value: str) -> int:
    return int.from_bytes(hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest())
