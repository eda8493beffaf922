"""Rules to rename, split and remove labels, and their application to one result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import regex

from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL

OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class RelabelRules:
    """How to map each old label.

    `rename` maps old to new (several old ones to one new: a merge). `split` maps an old label to pairs of a new
    label and a pattern (searched in the marked text, the first that is found decides; an empty one always is).
    Regions of labels in `remove` are deleted together with their relations.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, tuple[tuple[str, regex.Pattern[str]], ...]] = field(default_factory=dict)
    remove: frozenset[str] = frozenset()

    @property
    def sources(self) -> frozenset[str]:
        """The labels that a rule exists for."""
        return frozenset((*self.rename, *self.split, *self.remove))

    def choose(self, label: str, surface: str) -> str | None:
        """The new label of a region, or None if the region is to be deleted; a label without rule stays."""
        if label in self.remove:
            return None
        if label in self.split:
            return next((new for new, pattern in self.split[label] if pattern.search(surface)), label)
        return self.rename.get(label, label)


def load_rules(path: Path, labels: LabelSchema) -> RelabelRules:
    """Load rules from TOML.

        [rename]
        TOWN = "CITY"
        [split.NAME]
        SURNAME = "^(van|de) "
        otherwise = "FIRSTNAME"
        [remove]
        labels = ["SHOE_SIZE"]

    Raises:
        ConfigurationError: the file is missing or broken, or a new label is not in the label schema.
    """
    document = read_toml(path)
    if unknown := document.keys() - {"rename", "split", "remove"}:
        raise ConfigurationError(
            f"{path}: [{', '.join(sorted(unknown))}] is unknown; tables are rename, split, remove."
        )
    return build_rules(
        document.get("rename", {}), document.get("split", {}), document.get("remove", {}).get("labels", ()), labels
    )


def build_rules(
    rename: Mapping[str, str], split: Mapping[str, Mapping[str, str]], remove: Iterable[str], labels: LabelSchema
) -> RelabelRules:
    """Build and check rules.

    Raises:
        ConfigurationError: a new label is not in the label schema, a pattern is broken, or a label has two rules.
    """
    splits: dict[str, tuple[tuple[str, regex.Pattern[str]], ...]] = {}
    for old, patterns in split.items():
        try:
            named = [(new, regex.compile(text)) for new, text in patterns.items() if new != OTHERWISE]
        except regex.error as error:
            raise ConfigurationError(f"The pattern to split {old} cannot be read: {error}.") from None
        rest = [(patterns[OTHERWISE], regex.compile(""))] if OTHERWISE in patterns else []
        splits[old] = (*named, *rest)
    targets = {*rename.values(), *(new for pairs in splits.values() for new, _ in pairs)}
    if strange := sorted(target for target in targets if target not in labels):
        raise ConfigurationError(f"{', '.join(strange)} is the target of a rule and not in the label schema.")
    sources = [*rename, *splits, *remove]
    if twice := sorted({source for source in sources if sources.count(source) > 1}):
        raise ConfigurationError(f"{', '.join(twice)} has more than one rule.")
    return RelabelRules(dict(rename), splits, frozenset(remove))


def relabel_result(
    text: str, result: Sequence[Mapping[str, Any]], rules: RelabelRules, labels: LabelSchema
) -> list[dict[str, Any]] | None:
    """Apply the rules to a result; None if nothing changes.

    Regions that a merge makes equal become one; relations go to the one that stays.
    """
    kept: list[dict[str, Any]] = []
    replaced: dict[str, str | None] = {}
    places: dict[tuple[Any, ...], str] = {}
    changed = False
    for region in (item for item in result if item.get("type") != "relation"):
        value = region.get("value") or {}
        names = value.get("labels") or []
        old = str(names[0]) if names else ""
        new = rules.choose(old, text[int(value.get("start", 0)) : int(value.get("end", 0))]) if names else old
        changed |= new != old
        if new is None:
            replaced[region["id"]] = None
            continue
        place = (value.get("start"), value.get("end"), new)
        if new != old and place in places:
            replaced[region["id"]] = places[place]
            continue
        places.setdefault(place, region["id"])
        if new == old:
            kept.append(dict(region))
        else:
            control = MENTION_CONTROL if new in labels.mention_codes else ENTITY_CONTROL
            kept.append({**region, "from_name": control, "value": {**value, "labels": [new]}})
    if not changed:
        return None
    return kept + _redirect([item for item in result if item.get("type") == "relation"], replaced)


def _redirect(relations: Sequence[Mapping[str, Any]], replaced: Mapping[str, str | None]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    ends: set[tuple[str, str]] = set()
    for relation in relations:
        source = replaced.get(relation["from_id"], relation["from_id"])
        target = replaced.get(relation["to_id"], relation["to_id"])
        if source and target and source != target and (source, target) not in ends:
            ends.add((source, target))
            kept.append({**relation, "from_id": source, "to_id": target})
    return kept
