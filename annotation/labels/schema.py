"""The label schema: all labels and their metadata.

It is read from one TOML file (`schemas/labels.toml`, or the one named by `--labels` or `GOLDSPAN_LABELS`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.errors import SchemaError, UnknownNameError

GROUPS = [
    "PERSON",
    "CONTACT",
    "LOCATION",
    "DATE_TIME",
    "GOVERNMENT_ID",
    "FINANCIAL",
    "ORGANIZATION",
    "NETWORK_IDENTIFIER",
    "DEVICE_IDENTIFIER",
    "AUTHENTICATION",
    "VEHICLE",
    "DEMOGRAPHIC",
    "EMPLOYMENT",
    "HEALTH",
    "BIOMETRIC",
    "EDUCATION",
    "NOT_PII",
    "OTHER",
]
"""Coarse groups that every label belongs to (depth-2 branches of presidio-evaluator's hierarchy, plus OTHER)."""

KINDS = ("direct", "quasi", "none")
"""Identifier kinds: names a person alone; narrows it down with others; neither (Pilán et al. 2022, TAB)."""

LAYERS = ("entity", "mention")
MENTION_KINDS = ("MENTION", "PRONOUN", "REFERENCE")
_CODE = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_PALETTE = ("#8a5a00", "#00695c", "#6a1b9a", "#ad1457", "#1565c0", "#2e7d32", "#4e342e", "#37474f")


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `chance` is the probability that a generated sample asks for it, `target` the entities wanted."""

    code: str
    name: str
    layer: str = "entity"
    category: str = "Other"
    group: str = "OTHER"
    kind: str = "direct"
    color: str = "#37474f"
    chance: float = 0.1
    hints: tuple[str, ...] = ()
    validator: str = ""
    target: int = 100
    hotkey: str = ""


@dataclass(frozen=True)
class LabelSchema:
    """All labels of both layers, in the order of the file."""

    labels: tuple[Label, ...]
    relation: str = "refers-to"
    version: int = 1
    _by_code: Mapping[str, Label] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {label.code: label for label in self.labels})

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> Label:
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownNameError("label", code, self._by_code) from None

    @cached_property
    def entities(self) -> tuple[Label, ...]:
        """Labels of personal data."""
        return tuple(label for label in self.labels if label.layer == "entity")

    @cached_property
    def mentions(self) -> tuple[Label, ...]:
        """Kinds of mention."""
        return tuple(label for label in self.labels if label.layer == "mention")

    @cached_property
    def entity_codes(self) -> frozenset[str]:
        """Codes of the entity layer."""
        return frozenset(label.code for label in self.entities)

    @cached_property
    def mention_codes(self) -> frozenset[str]:
        """Codes of the mention layer."""
        return frozenset(label.code for label in self.mentions)

    @cached_property
    def validators(self) -> dict[str, str]:
        """The validator of each label that has one, by code."""
        return {label.code: label.validator for label in self.labels if label.validator}

    @cached_property
    def categories(self) -> dict[str, tuple[Label, ...]]:
        """Entity labels by category, in the order of the file."""
        grouped: dict[str, list[Label]] = {}
        for label in self.entities:
            grouped.setdefault(label.category, []).append(label)
        return {name: tuple(labels) for name, labels in grouped.items()}

    @cached_property
    def bio_table(self) -> tuple[str, ...]:
        """`O`, then `B-` and `I-` of every entity label: index = class id of a token classifier."""
        return ("O", *(f"{prefix}-{label.code}" for label in self.entities for prefix in "BI"))

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits over everything that decides what an annotation means.

        Colour, hotkey, chance and target are left out: they change its appearance or how much is generated.
        """
        left_out = {"color", "hotkey", "chance", "target"}
        content = [{k: v for k, v in asdict(label).items() if k not in left_out} for label in self.labels]
        return hashlib.sha256(json.dumps([self.relation, content], sort_keys=True).encode()).hexdigest()[:12]


def find_label_file(path: str | Path | None = None) -> Path:
    """The file given, else `GOLDSPAN_LABELS`, else the one that ships with Goldspan."""
    return Path(path or os.environ.get("GOLDSPAN_LABELS") or schemas.path("labels.toml"))


def load_labels(path: str | Path | None = None) -> LabelSchema:
    """Read and check a label schema.

    Raises:
        SchemaError: the file is missing or broken; the message names the place and what would be right.

    """
    path = find_label_file(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SchemaError(f"There is no label schema at {path}. Give one with --labels or GOLDSPAN_LABELS.") from None
    except OSError as error:
        raise SchemaError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"{path} is not readable TOML: {error}. Correct the line it names.") from None
    try:
        return build_labels(document)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}") from None


def build_labels(document: Mapping[str, Any]) -> LabelSchema:
    """A label schema from its parsed TOML.

    Raises:
        SchemaError: a table or a value is not what the JSON Schema `labels` allows, or two labels clash.

    """
    problems = schemas.validator("labels").problems(document)
    if problems:
        raise SchemaError("; ".join(f"{problem.pointer or '/'} {problem.message}" for problem in problems[:5]))
    labels: list[Label] = []
    for layer, table in (("entity", document["labels"]), ("mention", document.get("mentions", {}))):
        for number, (code, fields) in enumerate(table.items()):
            defaults = {"color": _PALETTE[number % len(_PALETTE)], "target": document.get("default_target", 100)}
            if layer == "mention":
                defaults |= {"category": "Coreference", "group": "NOT_PII", "kind": "none", "target": 0, "chance": 0.0}
            values = defaults | dict(fields) | {"hints": tuple(fields.get("hints", ()))}
            labels.append(Label(code=code, layer=layer, **values))
    codes = [label.code for label in labels]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise SchemaError(f"{', '.join(twice)} is in both layers; a label belongs to [labels] or to [mentions]")
    missing = [kind for kind in MENTION_KINDS if document.get("mentions") and kind not in document["mentions"]]
    if missing:
        raise SchemaError(f"[mentions] lacks {', '.join(missing)}; all of {', '.join(MENTION_KINDS)} are needed")
    return LabelSchema(tuple(labels), document.get("relation", "refers-to"), document.get("version", 1))
