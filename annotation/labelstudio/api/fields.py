"""Task fields that Goldspan requests from Label Studio, and those it adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PULL_FIELDS = (
    "id,data,annotations,predictions,drafts,result,completed_by,user,annotation,was_cancelled,ground_truth,lead_time,"
    "created_at,updated_at,parent_prediction,model_version,score,was_postponed,draft_exists"
)
"""Requested fields; Label Studio applies the list to nested objects too."""

CONTROL_FIELD = "control"
"""Field of `data` that marks a control task: it has no pre-annotations, to measure their effect.

Label Studio can filter on it; `provenance.control` holds the same in the pulled sample.
"""

ABOUT_FIELD = "about"
"""Field of `data` that is shown above the text on the labelling screen: language, document type, the user's own ids."""

MAX_COLUMNS = 20
"""The user's own fields of a sample that become columns of the Data Manager."""

SHOWN_FIELDS, SHOWN_CHARACTERS = 5, 60
"""How many of them are shown above the text, and how much of each."""

_OWN = frozenset(
    {"text", "sample_id", "text_sha256", "language", "country", "document_type", "provenance", "id"}
    | {ABOUT_FIELD, CONTROL_FIELD}
)


def list_columns(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The user's own fields of a sample (`provenance.fields`) that a person can read and search for."""
    fields = provenance.get("fields")
    found = {
        str(name): str(value)
        for name, value in (fields.items() if isinstance(fields, Mapping) else ())
        if name not in _OWN and isinstance(value, str | int | float) and str(value).strip()
    }
    return dict(list(found.items())[:MAX_COLUMNS])


def describe_task(data: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """The line above the text: `en · letter · ticket_id 4711`."""
    parts = [str(data[name]) for name in ("language", "country", "document_type") if data.get(name)]
    parts += [f"{name} {' '.join(value.split())[:SHOWN_CHARACTERS]}" for name, value in columns.items()][:SHOWN_FIELDS]
    return " · ".join(parts)


def drop_columns(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a pulled task without what a push added; what was changed meanwhile stays."""
    provenance = data.get("provenance")
    columns = list_columns(provenance) if isinstance(provenance, Mapping) else {}
    added = {**columns, ABOUT_FIELD: describe_task(data, columns)}
    return {name: value for name, value in data.items() if name not in added or added[name] != value}
