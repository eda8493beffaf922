"""Reviews: differences between two annotations of one text, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.text.tagged import Tagged, render_tagged
from goldspan.annotation.types import Entity, sort_spans


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what goes and what comes; entities that overlap belong to one change."""

    removed: tuple[Entity, ...]
    added: tuple[Entity, ...]

    @property
    def kind(self) -> str:
        """add, remove, relabel or resize."""
        if not self.removed:
            return "add"
        if not self.added:
            return "remove"
        same_place = {(e.start, e.end) for e in self.removed} == {(e.start, e.end) for e in self.added}
        return "relabel" if same_place else "resize"


def apply_proposals(
    before: Tagged, after: Tagged, proposals: Sequence[Mapping[str, str]], is_sound: Callable[[Tagged], bool]
) -> tuple[Tagged, list[dict[str, Any]]]:
    """Apply the changes that have a reason and leave a sound annotation.

    Returns the reviewed annotation and every proposal and change as a record: kind, label, reason, accepted, and
    `start`, `end` of its place (-1 when nothing in the answer corresponds to it). A change without a proposal is
    recorded as not accepted. Mentions and clusters change as a whole, when a coreference proposal stands for them.
    """
    current = before
    records: list[dict[str, Any]] = []
    left = list(proposals)
    for change in list_changes(before, after):
        proposal = _take_proposal(left, change, before.text)
        candidate = _replace_entities(current, change)
        accepted = proposal is not None and is_sound(candidate) and _can_render(candidate)
        if accepted:
            current = candidate
        records.append(_record_change(change, proposal, accepted))
    if before.mentions != after.mentions:
        proposal = next((entry for entry in left if entry["kind"] == "coreference"), None)
        candidate = replace(current, mentions=after.mentions)
        accepted = proposal is not None and is_sound(candidate) and _can_render(candidate)
        if accepted:
            current = candidate
        left = [entry for entry in left if entry["kind"] != "coreference"]
        reason = proposal["reason"] if proposal else "no reason was given"
        records.append(
            {"kind": "coreference", "label": "", "start": -1, "end": -1, "reason": reason, "accepted": accepted}
        )
    for entry in left:
        record = {"kind": entry["kind"], "label": entry["label"], "start": -1, "end": -1, "reason": entry["reason"]}
        records.append({**record, "accepted": False})
    return current, records


def list_changes(before: Tagged, after: Tagged) -> list[Change]:
    """Differences between the entities of two annotations of one text, in text order."""
    gone = set(before.entities) - set(after.entities)
    new = set(after.entities) - set(before.entities)
    changes: list[Change] = []
    for entity in sort_spans(gone | new):
        side = ((entity,), ()) if entity in gone else ((), (entity,))
        last = changes[-1] if changes else None
        if last and any(entity.start < other.end for other in last.removed + last.added):
            changes[-1] = Change(last.removed + side[0], last.added + side[1])
        else:
            changes.append(Change(*side))
    return changes


def _take_proposal(left: list[Mapping[str, str]], change: Change, text: str) -> Mapping[str, str] | None:
    surfaces = {text[entity.start : entity.end] for entity in change.removed + change.added}
    labels = {entity.label for entity in change.added} or {""}
    for proposal in left:
        if proposal["kind"] == "coreference" or proposal["value"] not in surfaces:
            continue
        if proposal["label"] in labels or not change.added:
            left.remove(proposal)
            return proposal
    return None


def _replace_entities(tagged: Tagged, change: Change) -> Tagged:
    kept = [entity for entity in tagged.entities if entity not in change.removed]
    return replace(tagged, entities=sort_spans([*kept, *change.added]))


def _can_render(tagged: Tagged) -> bool:
    try:
        render_tagged(tagged.text, tagged.entities, tagged.mentions)
    except TaggedTextError:
        return False
    return True


def _record_change(change: Change, proposal: Mapping[str, str] | None, accepted: bool) -> dict[str, Any]:
    spans = change.added or change.removed
    return {
        "kind": change.kind,
        "label": "" if change.kind == "remove" else spans[0].label,
        "start": min(span.start for span in spans),
        "end": max(span.end for span in spans),
        "reason": proposal["reason"] if proposal else "no reason was given",
        "accepted": accepted,
    }
