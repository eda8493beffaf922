"""Data Manager tabs for annotators and reviewers; created once, never changed afterwards.

The button that labels all tasks works on the tasks of the first tab, so that one has no filter.
"""

from __future__ import annotations

from typing import Any

from goldspan.annotation.labelstudio.api.client import StudioClient, make_filter
from goldspan.annotation.labelstudio.api.fields import CONTROL_FIELD

LOW_SCORE = 0.7


def ensure_views(client: StudioClient, project: int) -> list[str]:
    """Create the tabs that the project lacks; their titles."""
    present = {view["data"].get("title") for view in client.list_views(project)}
    created = []
    for title, (filters, ordering) in _describe_views().items():
        if title not in present:
            data = {
                "title": title,
                "type": "list",
                "target": "tasks",
                "filters": {"conjunction": "and", "items": filters},
                "ordering": ordering,
                "hiddenColumns": {"explore": _HIDDEN, "labeling": _HIDDEN},
            }
            client.create_view(project, data)
            created.append(title)
    return created


_HIDDEN = [
    "tasks:inner_id",
    "tasks:annotations_results",
    "tasks:annotations_ids",
    "tasks:predictions_results",
    "tasks:file_upload",
    "tasks:storage_filename",
    "tasks:created_at",
    "tasks:updated_at",
    "tasks:updated_by",
    "tasks:avg_lead_time",
    "tasks:draft_exists",
    "tasks:predictions_model_versions",
    "tasks:data.sample_id",
    "tasks:data.text_sha256",
    "tasks:data.provenance",
]


def _describe_views() -> dict[str, tuple[list[dict[str, Any]], list[str]]]:
    open_tasks = make_filter("completed_at", "empty", "True", "Datetime")
    control = make_filter(f"data.{CONTROL_FIELD}", "equal", "yes", "String")
    return {
        "All": ([], ["tasks:id"]),
        "To review": ([open_tasks], ["tasks:id"]),
        "Low score": ([make_filter("predictions_score", "less", LOW_SCORE), open_tasks], ["tasks:predictions_score"]),
        "Disagreement": ([make_filter("total_annotations", "greater", 1)], ["-tasks:updated_at"]),
        "Skipped": ([make_filter("cancelled_annotations", "greater", 0)], ["-tasks:updated_at"]),
        "Control": ([control], ["tasks:id"]),
    }
