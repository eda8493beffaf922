"""Masking policies: what is done with each label, read from TOML.

A rule is looked up by label, then by the label's group in the label schema, then `[default]`. A label that the policy
and the label schema do not know gets the default: nothing passes because it was forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import regex

import goldspan.schemas as schemas
from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import VALIDATORS

OPERATORS = ("redact", "replace", "number", "mask", "hash", "encrypt", "fake", "shift_date", "generalise", "keep")
REVERSIBLE = frozenset({"number", "encrypt", "fake", "keep"})
"""Operators whose originals `restore` brings back, from the mapping or with the key."""

KEYED = frozenset({"hash", "encrypt", "shift_date"})
"""Operators that cannot work without a key."""

_OPTIONS: Mapping[str, frozenset[str]] = {
    "redact": frozenset({"mark"}),
    "mask": frozenset({"character", "keep_first", "keep_last", "length", "separators"}),
    "encrypt": frozenset({"linkable"}),
    "shift_date": frozenset({"days"}),
    "generalise": frozenset({"kind", "band", "top", "digits", "suppress", "precision", "oldest"}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with one label.

    `threshold` is the lowest score of an entity that is masked; entities without a score always are. The other fields
    are options of one operator each:

    redact      `mark`: what stands in the value's place
    mask        `character` in place of each visible character but the first `keep_first` and last `keep_last`; with
                `length`, always that many; with `separators`, spaces and punctuation stay
    encrypt     `linkable`: equal values give equal tokens (AES-SIV); otherwise AES-GCM with a random nonce
    shift_date  `days`: the shift lies between 1 and this many days, in either direction
    generalise  `kind`: `age` (bands of `band` years, all of `top` and above in one), `postcode` (the first `digits`
                stay; prefixes in `suppress` become zeros), `date` (`precision` year or month; years that mean an age
                above `oldest` are dropped); empty: as the label's validator says
    """

    operator: str
    threshold: float = 0.0
    mark: str = ""
    character: str = "*"
    keep_first: int = 0
    keep_last: int = 0
    length: int = 0
    separators: bool = False
    linkable: bool = True
    days: int = 180
    kind: str = ""
    band: int = 10
    top: int = 90
    digits: int = 3
    suppress: tuple[str, ...] = ()
    precision: str = "year"
    oldest: int = 0


@dataclass(frozen=True, slots=True)
class DeniedTerm:
    """A term that is always masked, as an entity of the label."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A custom recogniser: a pattern, a validator of the label schema, and words of which one must stand near.

    The first group of the pattern is the entity, or the whole match where there is no group. `window` is how many
    characters before and after the match are searched for a word of `context`.
    """

    label: str
    pattern: str
    validator: str = ""
    context: tuple[str, ...] = ()
    window: int = 40
    score: float = 0.9


@dataclass(frozen=True)
class Policy:
    """What masking does with each label.

    `sweep` masks every other stand-alone occurrence of a masked value. `references` replaces the pronouns and
    references of a cluster that holds a masked entity. `selected` restricts masking to these labels; None: all.
    """

    name: str
    default: Rule
    labels: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    allow: tuple[str, ...] = ()
    deny: tuple[DeniedTerm, ...] = ()
    recognisers: tuple[Recogniser, ...] = ()
    sweep: bool = True
    references: bool = False
    description: str = ""
    selected: frozenset[str] | None = None

    def find_rule(self, label: str, schema: LabelSchema) -> Rule:
        """The rule of a label; `keep` for labels that are not selected."""
        if self.selected is not None and label not in self.selected:
            return Rule("keep")
        if label in self.labels:
            return self.labels[label]
        group = schema[label].group if label in schema else ""
        return self.groups.get(group, self.default)

    def select(self, labels: Collection[str] | None, schema: LabelSchema) -> Policy:
        """The policy restricted to these labels; None: all.

        Raises:
            UnknownNameError: there is no such label.
        """
        if labels is None:
            return self
        self._check_names(labels, schema)
        return replace(self, selected=frozenset(labels))

    def check(self, schema: LabelSchema) -> None:
        """Refuse a policy with a rule for a label or group that neither the schema nor the policy itself has.

        Raises:
            UnknownNameError: there is no such label or group.
        """
        self._check_names(self.labels, schema)
        groups = {label.group for label in schema.entities}
        for group in self.groups:
            if group not in groups:
                raise UnknownNameError("group", group, groups)

    def _check_names(self, labels: Iterable[str], schema: LabelSchema) -> None:
        known = schema.entity_codes | {one.label for one in self.recognisers} | {one.label for one in self.deny}
        for label in labels:
            if label not in known:
                raise UnknownNameError("label", label, known)

    def override(self, schema: LabelSchema, operators: Mapping[str, str], threshold: float | None = None) -> Policy:
        """The policy with other operators for some labels, and another threshold for all.

        A label keeps the options of its rule where the operator is the same.

        Raises:
            UnknownNameError: there is no such label or operator.
        """
        self._check_names(operators, schema)
        changed: dict[str, Rule] = {}
        for label, operator in operators.items():
            if operator not in OPERATORS:
                raise UnknownNameError("operator", operator, OPERATORS)
            before = replace(self, selected=None).find_rule(label, schema)
            changed[label] = before if before.operator == operator else Rule(operator, before.threshold)
        policy = replace(self, labels={**self.labels, **changed})
        return policy if threshold is None else policy._set_threshold(threshold)

    def _set_threshold(self, threshold: float) -> Policy:
        return replace(
            self,
            default=replace(self.default, threshold=threshold),
            labels={name: replace(rule, threshold=threshold) for name, rule in self.labels.items()},
            groups={name: replace(rule, threshold=threshold) for name, rule in self.groups.items()},
        )

    def list_rules(self) -> tuple[Rule, ...]:
        """Every rule, the default first."""
        return (self.default, *self.groups.values(), *self.labels.values())

    @cached_property
    def reversible(self) -> bool:
        """True if `restore` can bring back every value."""
        return all(rule.operator in REVERSIBLE for rule in self.list_rules())

    @cached_property
    def needs_key(self) -> bool:
        """True if an operator of the policy cannot work without a key."""
        return any(rule.operator in KEYED for rule in self.list_rules())

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits over everything that decides what is masked and how."""
        selected = None if self.selected is None else sorted(self.selected)
        content = {key: value for key, value in self.__dict__.items() if key in _CONTENT}
        return digest({"selected": selected, **{key: _make_plain(value) for key, value in content.items()}})


_CONTENT = ("default", "labels", "groups", "allow", "deny", "recognisers", "sweep", "references")


def _make_plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _make_plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_make_plain(one) for one in value]
    return asdict(value) if isinstance(value, Rule | DeniedTerm | Recogniser) else value


def list_presets() -> tuple[str, ...]:
    """Names of the policies that ship with Goldspan, sorted."""
    return tuple(sorted(path.stem for path in schemas.path("policies").glob("*.toml")))


def load_policy(source: str | Path, schema: LabelSchema | None = None) -> Policy:
    """A policy: the name of a preset, or a TOML file, whose labels and groups are held against the schema.

    Raises:
        UnknownNameError: there is no preset of that name.
        ConfigurationError: the file is missing or broken, or names a label or group that there is not; the message
            names the place and what would be right.
    """
    if isinstance(source, str) and not source.endswith(".toml"):
        if source not in list_presets():
            raise UnknownNameError("policy", source, list_presets(), "Or give a .toml file.")
        source, schema = schemas.path("policies") / f"{source}.toml", None
    path = Path(source)
    document = read_toml(path)
    try:
        policy = build_policy(document)
        if schema is not None:
            policy.check(schema)
        return policy
    except (ConfigurationError, UnknownNameError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def build_policy(document: Mapping[str, Any]) -> Policy:
    """A policy from its parsed TOML.

    Raises:
        ConfigurationError: a table or value is not what the JSON Schema `policy` allows, an option belongs to another
            operator, or a pattern is not a regular expression.
    """
    if wrong := schemas.validator("policy").explain(dict(document), 5):
        raise ConfigurationError(wrong)
    return Policy(
        name=document["name"],
        default=_read_rule("default", document["default"]),
        labels=_read_rules("labels", document),
        groups=_read_rules("groups", document),
        allow=tuple(document.get("allow", ())),
        deny=tuple(DeniedTerm(**term) for term in document.get("deny", ())),
        recognisers=tuple(_read_recognisers(document.get("recognisers", ()))),
        sweep=document.get("sweep", True),
        references=document.get("references", False),
        description=document.get("description", ""),
    )


def _read_rules(table: str, document: Mapping[str, Any]) -> Mapping[str, Rule]:
    return {name: _read_rule(f"{table}.{name}", fields) for name, fields in document.get(table, {}).items()}


def _read_rule(place: str, fields: Mapping[str, Any]) -> Rule:
    operator = fields["operator"]
    allowed = _OPTIONS.get(operator, frozenset()) | {"operator", "threshold"}
    if foreign := sorted(set(fields) - allowed):
        takes = ", ".join(sorted(allowed - {"operator"}))
        raise ConfigurationError(f"[{place}] {', '.join(foreign)} does not belong to {operator}; it takes {takes}.")
    return Rule(**{**fields, "suppress": tuple(fields.get("suppress", ()))})


def _read_recognisers(tables: Iterable[Mapping[str, Any]]) -> Iterable[Recogniser]:
    for number, fields in enumerate(tables, start=1):
        place = f"recogniser {number} ({fields['label']})"
        try:
            compiled = regex.compile(fields["pattern"])
        except regex.error as error:
            raise ConfigurationError(f"{place}: the pattern is not a regular expression: {error}.") from None
        if compiled.match(""):
            raise ConfigurationError(f"{place}: the pattern matches the empty text.")
        validator = fields.get("validator", "")
        if validator not in ("", *VALIDATORS):
            raise ConfigurationError(f"{place}: {UnknownNameError('validator', validator, VALIDATORS)}")
        yield Recogniser(**{**fields, "context": tuple(fields.get("context", ()))})
