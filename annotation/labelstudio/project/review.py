"""Submit a task as a person does in Label Studio's editor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.types import Origin


def submit_review(
    client: StudioClient,
    task: int,
    result: Sequence[Mapping[str, Any]],
    *,
    parent_prediction: Mapping[str, Any] | None = None,
    lead_time: float = 10.0,
    was_cancelled: bool = False,
) -> int:
    """Post an annotation as the client's user; its id.

    `result` holds regions and relations; regions that began as the pre-annotation `parent_prediction` (its `id` and
    `result` are read) keep their ids, and each region's `origin` is set from the comparison, as the editor does.
    `lead_time` is in seconds; `was_cancelled` is a skip.
    """
    parent = parent_prediction or {}
    before = {item["id"]: item for item in parent.get("result", ()) if item.get("type") != "relation"}
    body = {
        "result": [_set_origin(item, before) for item in result],
        "lead_time": lead_time,
        "was_cancelled": was_cancelled,
        "parent_prediction": parent.get("id"),
    }
    return int(client.create_annotation(task, body)["id"])


def _set_origin(item: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if item.get("type") == "relation":
        return dict(item)
    source = before.get(item["id"])
    if source is None:
        origin = Origin.MANUAL
    else:
        same = all(source["value"][name] == item["value"][name] for name in ("start", "end", "labels"))
        origin = Origin.PREDICTION if same else Origin.PREDICTION_CHANGED
    return {**item, "origin": origin.value}
