"""Split one `result` of Label Studio into spans and coreference of ours, and everything else verbatim."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.project.mapping import KEPT_VERBATIM, ProjectMapping
from goldspan.annotation.labelstudio.project.tags import SPAN_TAGS
from goldspan.annotation.labelstudio.project.textview import TextView
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, TEXT_NAME

SPAN_TYPES = frozenset(tag.lower() for tag in SPAN_TAGS)

PROBLEMS = {
    "broken_region": "the region is not readable",
    "unplaced_region": "the region does not lie in the text",
    "unlabelled_region": "the region has no label",
    "unknown_control": "the region was made by a control that the labelling config does not have",
}
"""Reasons why a span cannot be read."""


class Place(NamedTuple):
    """What was noticed where; offsets are -1 where there are none."""

    code: str
    start: int = -1
    end: int = -1


@dataclass(slots=True)
class SplitResult:
    """`result` holds our regions and relations, `other` everything that is not a span or our coreference, verbatim.

    `lost` are spans that cannot be read; `notes` are things to check.
    """

    result: list[dict[str, Any]] = field(default_factory=list)
    other: list[Any] = field(default_factory=list)
    lost: list[Place] = field(default_factory=list)
    notes: list[Place] = field(default_factory=list)

    def lose(self, item: Any, code: str, start: int = -1, end: int = -1) -> None:
        """Keep a span that cannot be read verbatim, with the reason."""
        self.other.append(item)
        self.lost.append(Place(code, start, end))


def split_result(view: TextView, items: Iterable[Any], mapping: ProjectMapping, labels: LabelSchema) -> SplitResult:
    """Read the items of a `result`.

    Regions get an id where they have none, whole-number offsets, and the text that stands there: Label Studio keeps
    regions without ids, offsets as text or fractions, and a stale `value.text`.
    """
    split = SplitResult()
    ids: set[str] = set()
    relations: list[Mapping[str, Any]] = []
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            split.lose(item, "broken_region")
        elif item.get("type") == "relation":
            relations.append(item)
        elif item.get("type") in SPAN_TYPES or item.get("from_name") in mapping.controls:
            _read_region(split, view, item, mapping, labels, number=number, ids=ids)
        else:
            split.other.append(item)
    for relation in relations:
        _read_relation(split, relation, mapping, labels.relation, ids)
    return split


def _read_region(
    split: SplitResult,
    view: TextView,
    item: Mapping[str, Any],
    mapping: ProjectMapping,
    labels: LabelSchema,
    *,
    number: int,
    ids: set[str],
) -> None:
    value = item.get("value")
    if not isinstance(value, Mapping):
        return split.lose(item, "broken_region")
    if item.get("from_name") not in mapping.controls:
        if item.get("to_name", mapping.text.name) == mapping.text.name:
            return split.lose(item, "unknown_control")
        return split.other.append(item)
    span = view.read_span(value)
    names = value.get(str(item.get("type"))) or value.get("labels")
    if not isinstance(names, list) or not names:
        return split.lose(item, "unlabelled_region", *(span or ()))
    if span is None:
        return split.lose(item, "unplaced_region")
    codes = dict.fromkeys(mapping.codes.get(str(name), str(name)) for name in names)
    chosen = [code for code in codes if code != KEPT_VERBATIM]
    if len(chosen) != 1:
        split.other.append(item)
    if chosen:
        _add_region(split, view.text, item, span, chosen[0], labels, number=number, ids=ids)
    if len(chosen) > 1:
        split.notes.append(Place("second_label", *span))
    return None


def _add_region(
    split: SplitResult,
    text: str,
    item: Mapping[str, Any],
    span: tuple[int, int],
    code: str,
    labels: LabelSchema,
    *,
    number: int,
    ids: set[str],
) -> None:
    region_id = str(item["id"]) if item.get("id") else f"region-{number}"
    while region_id in ids:
        region_id += "x"
        if item.get("id"):
            split.notes.append(Place("duplicate_id", *span))
    ids.add(region_id)
    value = {"start": span[0], "end": span[1], "text": text[slice(*span)], "labels": [code]}
    control = MENTION_CONTROL if code in labels.mention_codes else ENTITY_CONTROL
    own = {"id": region_id, "from_name": control, "to_name": TEXT_NAME, "type": "labels", "value": value}
    split.result.append({**item, **own})


def _read_relation(
    split: SplitResult, item: Mapping[str, Any], mapping: ProjectMapping, relation: str, ids: set[str]
) -> None:
    names = item.get("labels") or []
    is_ours = names == [mapping.coreference] if names else mapping.implicit
    if not is_ours or not mapping.coreference:
        split.other.append(item)
        split.notes.append(Place("foreign_relation"))
    elif not {str(item.get("from_id")), str(item.get("to_id"))} <= ids:
        split.other.append(item)
        split.notes.append(Place("dangling_relation"))
    else:
        split.result.append({**item, "direction": item.get("direction") or "right", "labels": [relation]})
