"""The spec of a sample: what its text must contain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.generators.specs.families import EVERY, Family


@dataclass(frozen=True, slots=True)
class SpecValue:
    """A value that must occur in the text; `person` counts from 1."""

    label: str
    value: str
    person: int = 1


@dataclass(frozen=True, slots=True)
class SpecConstraints:
    """Constraints on a spec; empty fields are drawn at random."""

    language: str = ""
    country: str = ""
    document_type: str = ""
    labels: tuple[str, ...] = ()
    hard_negative: bool | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """One sample to be written.

    `labels` must all occur in the text, each value of `values` verbatim. `genders` holds `f` or `m` for each person.
    `length` is a band of `LENGTHS`, `register` is formal or informal. A hard negative has no labels, persons or values.
    The offline author writes with the phrases of `family`.
    """

    seed: int
    index: int
    language: str
    country: str
    document_type: str
    register: str
    length: str
    labels: tuple[str, ...]
    persons: int
    genders: tuple[str, ...]
    hard_negative: bool
    values: tuple[SpecValue, ...]
    family: Family = EVERY

    def of_person(self, person: int) -> dict[str, str]:
        """Values of one person by label."""
        return {entry.label: entry.value for entry in self.values if entry.person == person}


def spec_to_dict(spec: Spec) -> dict[str, Any]:
    """The spec as JSON can hold it, without its family."""
    return {name: getattr(spec, name) for name in Spec.__slots__ if name != "family"} | {
        "labels": list(spec.labels),
        "genders": list(spec.genders),
        "values": [{name: getattr(entry, name) for name in SpecValue.__slots__} for entry in spec.values],
    }


def spec_from_dict(document: Mapping[str, Any]) -> Spec:
    """The spec that `spec_to_dict` wrote; other fields of a brief are left out."""
    fields = {name: document[name] for name in Spec.__slots__ if name in document and name != "family"}
    values = tuple(SpecValue(**entry) for entry in fields.pop("values"))
    labels, genders = tuple(fields.pop("labels")), tuple(fields.pop("genders"))
    return Spec(**fields, labels=labels, genders=genders, values=values)
