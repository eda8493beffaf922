"""Taxonomies: external label sets and their mapping onto the label schema.

`schemas/taxonomies/<name>.toml` lists every external label once, with one of our labels (or none) and always a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import SchemaError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema

OWN = "own"
"""Name of the taxonomy that is the label schema in use."""


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """The mapping of one external label: `label` is one of ours or empty, `group` is always given.

    `lossy` says that boundary or meaning differ: a strict comparison across the two is not fair.
    """

    external: str
    label: str
    group: str
    lossy: bool = False


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """An external label set. `repositories` are the Hub data sets that use it."""

    name: str
    title: str
    targets: Mapping[str, LabelMapping]
    repositories: tuple[str, ...] = ()
    boundaries: str = ""
    notes: tuple[str, ...] = ()

    def resolve(self, external: str) -> LabelMapping:
        """The mapping of an external label.

        Raises:
            UnknownNameError: the taxonomy does not know the label; the message lists the nearest.
        """
        try:
            return self.targets[external]
        except KeyError:
            kind = "label" if self.name == OWN else f"label of taxonomy {self.name}"
            raise UnknownNameError(kind, external, self.targets) from None

    def list_covered(self, labels: LabelSchema) -> tuple[str, ...]:
        """The labels of the schema that an import from this source can cover, in the schema's order."""
        filled = {target.label for target in self.targets.values()}
        return tuple(label.code for label in labels.entities if label.code in filled)


def list_taxonomies() -> tuple[str, ...]:
    """Names of all taxonomies that ship with Goldspan."""
    return tuple(sorted(path.stem for path in schemas.path("taxonomies").glob("*.toml")))


@cache
def load_taxonomy(name: str) -> Taxonomy:
    """Read and check a taxonomy by name.

    Raises:
        UnknownNameError: there is no taxonomy of this name.
        SchemaError: the file is broken.
    """
    if name not in list_taxonomies():
        raise UnknownNameError("taxonomy", name, list_taxonomies())
    return read_taxonomy(schemas.path(f"taxonomies/{name}.toml"))


def open_taxonomy(name: str, labels: LabelSchema) -> Taxonomy:
    """A taxonomy by name; `own` is the label schema itself, with kiji's older names beside it.

    Raises:
        UnknownNameError: there is no taxonomy of this name.
        SchemaError: the file is broken.
    """
    if name != OWN:
        return load_taxonomy(name)
    kiji = load_taxonomy("kiji")
    aliases = {code: target for code, target in kiji.targets.items() if target.label in labels.entity_codes}
    own = {label.code: LabelMapping(label.code, label.code, label.group) for label in labels.entities}
    return Taxonomy(OWN, "The label schema in use", aliases | own, boundaries=kiji.boundaries)


def read_taxonomy(path: Path) -> Taxonomy:
    """Read and check a taxonomy file.

    Raises:
        SchemaError: the file is not TOML, names a label twice, or breaks the JSON Schema `taxonomy`.
    """
    document = read_toml(path, SchemaError)
    if wrong := schemas.validator("taxonomy").explain(document, 5):
        raise SchemaError(f"{path}: {wrong}")
    return _build(path.stem, document)


def _build(name: str, document: Mapping[str, Any]) -> Taxonomy:
    targets = {
        external: LabelMapping(external, fields["label"], fields["group"], fields.get("lossy", False))
        for external, fields in document["labels"].items()
    }
    return Taxonomy(
        name,
        document["title"],
        targets,
        tuple(document["repositories"]),
        document["boundaries"],
        tuple(document.get("notes", ())),
    )


def check_taxonomy(taxonomy: Taxonomy, labels: LabelSchema) -> list[str]:
    """Every disagreement between a taxonomy and the label schema, as a sentence."""
    found = []
    for target in taxonomy.targets.values():
        if not target.label:
            continue
        if target.label not in labels.entity_codes:
            found.append(f"{taxonomy.name}: {target.external} maps to {target.label}, which the label schema lacks.")
        elif labels[target.label].group != target.group:
            found.append(
                f"{taxonomy.name}: {target.external} has group {target.group}, "
                f"but {target.label} belongs to {labels[target.label].group}."
            )
    return found


def find_taxonomy(repository: str, external: Iterable[str] = ()) -> Taxonomy:
    """The taxonomy of a Hub data set: by its name, else the smallest one that knows all `external` labels.

    Raises:
        UnknownNameError: neither way finds one.
    """
    taxonomies = [load_taxonomy(name) for name in list_taxonomies()]
    for taxonomy in taxonomies:
        if repository.lower() in (known.lower() for known in taxonomy.repositories):
            return taxonomy
    wanted = set(external)
    fitting = [taxonomy for taxonomy in taxonomies if wanted and wanted <= taxonomy.targets.keys()]
    if fitting:
        return min(fitting, key=lambda taxonomy: (len(taxonomy.targets), taxonomy.name))
    known = [name for taxonomy in taxonomies for name in taxonomy.repositories]
    raise UnknownNameError("data set", repository, known, "Name its taxonomy with --taxonomy.")
