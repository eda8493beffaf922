"""Fields of a task that are asked of Label Studio, and those that Goldspan adds."""

from __future__ import annotations

PULL_FIELDS = (
    "id,data,annotations,predictions,drafts,result,completed_by,user,annotation,was_cancelled,ground_truth,lead_time,"
    "created_at,updated_at,parent_prediction,model_version,score,was_postponed,draft_exists"
)
"""Fields asked for; Label Studio applies the list to nested objects too."""

CONTROL_FIELD = "control"
"""Field of `data` that marks a task which goes to people without pre-annotations, to measure what those do.

Label Studio can filter on it; `provenance.control` says the same to whoever reads the pulled sample.
"""
