"""Task fields that Goldspan requests from Label Studio, and those it adds."""

from __future__ import annotations

PULL_FIELDS = (
    "id,data,annotations,predictions,drafts,result,completed_by,user,annotation,was_cancelled,ground_truth,lead_time,"
    "created_at,updated_at,parent_prediction,model_version,score,was_postponed,draft_exists"
)
"""Requested fields; Label Studio applies the list to nested objects too."""

CONTROL_FIELD = "control"
"""Field of `data` that marks a control task: it has no pre-annotations, to measure their effect.

Label Studio can filter on it; `provenance.control` holds the same in the pulled sample.
"""
