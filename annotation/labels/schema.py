"""The label schema: all labels and their metadata.

It is read from one TOML file: the one named by `--labels` or `GOLDSPAN_LABELS`, else the project's, else the one
included in Goldspan, which is read-only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import SchemaError, UnknownNameError
from goldspan.annotation.files import suggest_path
from goldspan.annotation.project import ENTITIES, Purpose, find_project

MENTION_KINDS = ("MENTION", "PRONOUN", "REFERENCE")
DEFAULT_MENTION = "MENTION"
_LATER_FIELDS = frozenset(
    {"pattern", "terms", "terms_file", "ignore_case", "guideline", "boundary", "examples", "right", "wrong"}
)
"""Fields that came after the first schemas; they count in the fingerprint only where they are used."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}\Z")
_PALETTE = ("#8a5a00", "#00695c", "#6a1b9a", "#ad1457", "#1565c0", "#2e7d32", "#4e342e", "#37474f")


@dataclass(frozen=True, slots=True)
class Label:
    """One label. `chance` is the probability that a generated sample asks for it, `target` the entities wanted.

    `values` says where generated values come from: `pattern`, `list` (the terms), `faker`, `model` (a language model
    invents them) or `function`; empty: a built-in source of this label's code, if there is one. `pattern` (a regular
    expression of a whole value) and `terms` (a list, or the file `terms_file`) are predictor and check as well.
    """

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
    values: str = ""
    pattern: str = ""
    terms: tuple[str, ...] = ()
    terms_file: str = ""
    ignore_case: bool = False
    faker: str = ""
    function: str = ""
    guideline: str = ""
    boundary: str = ""
    examples: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def guidance(self) -> tuple[str, ...]:
        """What prompts and the annotators' guideline say of it, beside its name."""
        parts = [*self.hints, *filter(None, (self.guideline, self.boundary))]
        for title, texts in (("For example", self.examples), ("Right", self.right), ("Wrong", self.wrong)):
            if texts:
                parts.append(f"{title}: {'; '.join(texts)}")
        return tuple(parts)


@dataclass(frozen=True)
class LabelSchema:
    """All labels of both layers, in the order of the file.

    `relation` links the mentions of a cluster; `other_relations` are further kinds that annotators may draw. `nested`
    allows entities in each other. `purpose` comes from the project.
    """

    labels: tuple[Label, ...]
    relation: str = "refers-to"
    version: int = 1
    other_relations: tuple[str, ...] = ()
    nested: bool = False
    purpose: Purpose = field(default=Purpose(), compare=False)
    _by_code: Mapping[str, Label] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", {label.code: label for label in self.labels})

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Schemas are keys of caches, and a hash over all labels takes longer than most of what they hold."""
        return hash((self.labels, self.relation, self.version))

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> Label:
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownNameError("label", code, self._by_code) from None

    @cached_property
    def entities(self) -> tuple[Label, ...]:
        """Labels of the entity layer."""
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
    def described(self) -> frozenset[str]:
        """Codes of entity labels whose values can be checked by a pattern or a closed list of terms."""
        return frozenset(label.code for label in self.entities if label.pattern or label.values == "list")

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

        Colour, hotkey, chance, target and the source of generated values are left out: they change its appearance, or
        what and how much is generated. A field that is not used leaves the fingerprint as it was before the field came.
        """
        left_out = {"color", "hotkey", "chance", "target", "values", "faker", "function"}
        defaults = asdict(Label("", ""))
        content = [
            {
                name: Path(value).name if name == "terms_file" else value
                for name, value in asdict(label).items()
                if name not in left_out and (name not in _LATER_FIELDS or value != defaults[name])
            }
            for label in self.labels
        ]
        document: list[Any] = [self.relation, content]
        if self.other_relations or self.nested:
            document.append({"relations": self.other_relations, "nested": self.nested})
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def default_mention(self) -> str:
        """The mention kind of a name: MENTION, else the first kind of the schema; empty if it has none."""
        if DEFAULT_MENTION in self.mention_codes or not self.mentions:
            return DEFAULT_MENTION if self.mentions else ""
        return self.mentions[0].code


def find_label_file(path: str | Path | None = None) -> Path:
    """The file given, else `GOLDSPAN_LABELS`, else the project's, else the one included in Goldspan.

    Raises:
        ConfigurationError: the project's file is broken.
    """
    if given := path or os.environ.get("GOLDSPAN_LABELS"):
        return Path(given)
    project = find_project()
    return project.labels if project else schemas.path("labels.toml")


def is_code(name: str) -> bool:
    """True if a label of a label schema may have this name."""
    return _CODE.match(name) is not None


def find_own_label_file(path: str | Path | None = None) -> Path:
    """`find_label_file`, for changing it.

    Raises:
        SchemaError: it is one of those included in Goldspan, which are read-only.
    """
    file = find_label_file(path)
    if file.resolve().is_relative_to(schemas.path("").resolve()):
        raise SchemaError(
            f"{file} belongs to Goldspan and is read-only. `goldspan init` makes a project with a label schema of its "
            "own; --labels names another file."
        )
    return file


def load_labels(path: str | Path | None = None) -> LabelSchema:
    """Read and check a label schema; its purpose is that of the project whose file it is.

    Raises:
        SchemaError: the file is missing or broken; the message names the place and what would be right.
        ConfigurationError: the project's file is broken.
    """
    file = find_label_file(path)
    if not file.exists():
        raise SchemaError(
            f"There is no label schema at {file}. Give one with --labels or GOLDSPAN_LABELS.{suggest_path(file)}"
        )
    document = read_configuration(file, "labels", SchemaError)
    try:
        labels = build_labels(document)
    except SchemaError as error:
        raise SchemaError(f"{file}: {error}") from None
    located = tuple(
        replace(label, terms_file=str(file.parent / label.terms_file)) if label.terms_file else label
        for label in labels.labels
    )
    return replace(labels, labels=located, purpose=_find_purpose(file, labels))


def _find_purpose(file: Path, labels: LabelSchema) -> Purpose:
    project = find_project(file.parent)
    if project and project.labels.resolve() == file.resolve():
        return project.purpose
    return labels.purpose


def build_labels(document: Mapping[str, Any]) -> LabelSchema:
    """A label schema from its parsed TOML.

    Raises:
        SchemaError: a table or a value is not what the JSON Schema `labels` allows, or two labels clash.
    """
    if problems := schemas.validator("labels").list_best_problems(document):
        raise SchemaError("; ".join(f"{one.pointer or '/'} {one.message}" for one in problems))
    labels: list[Label] = []
    for layer, table in (("entity", document["labels"]), ("mention", document.get("mentions", {}))):
        taken = document["labels"] if layer == "mention" else {}
        for number, (code, fields) in enumerate(table.items(), start=len(taken)):
            defaults = {"color": _PALETTE[number % len(_PALETTE)], "target": document.get("default_target", 100)}
            if layer == "mention":
                defaults |= {"category": "Coreference", "group": "NOT_PII", "kind": "none", "target": 0, "chance": 0.0}
            labels.append(Label(code=code, layer=layer, **defaults | _read_fields(fields)))
    codes = [label.code for label in labels]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise SchemaError(f"{', '.join(twice)} is in both layers; a label belongs to [labels] or to [mentions]")
    relations = document.get("relations") or [document.get("relation", "refers-to")]
    identifies = any(label.kind != "none" for label in labels if label.layer == "entity")
    return LabelSchema(
        tuple(labels),
        relations[0],
        document.get("version", 1),
        tuple(relations[1:]),
        document.get("nested", False),
        Purpose() if identifies else ENTITIES,
    )


def _read_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a label: lists as tuples, and a file of terms apart from terms in the schema itself."""
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    if isinstance(values.get("terms"), str):
        values["terms_file"] = values.pop("terms")
    return values
