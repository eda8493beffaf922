"""A sample with its annotations side by side, as several pages show it."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from goldspan.annotation.checks import check_sample
from goldspan.annotation.labelstudio.api.fields import list_columns
from goldspan.annotation.tasks.codec import DecodedTask, read_task
from goldspan.annotation.types import Sample
from goldspan.dashboards import ui
from goldspan.dashboards.highlight import render_html
from goldspan.dashboards.state import DashboardState
from goldspan.dashboards.views import explore


def draw_sample(state: DashboardState, file: str, record: dict[str, Any], *, to_decide: bool = False) -> None:
    """Draw a sample: its annotations side by side, their differences, and its issues.

    `to_decide`: start with the reviews of two people instead of the first two annotations, and leave the issues out.
    """
    decoded = read_task(record, state.labels)
    sample = decoded.sample
    ui.show_text(f"{sample.sample_id}    {sample.language} {sample.country}    {sample.document_type}    {file}")
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.toggle("Show hidden text", help="Entity text stays hidden until you turn this on")
        if link := explore.build_task_url(state.workspace, file, record):
            st.link_button("Open in Label Studio", link, icon=":material/open_in_new:")
    fields = list_columns(sample.provenance)
    if fields and (show or not state.labels.purpose.is_pii):
        ui.show_text("    ".join(f"{name} {value}" for name, value in fields.items()))
    names = explore.name_annotations(sample)
    if names:
        _draw_side_by_side(state, decoded, names, show, _choose_pair(sample, to_decide))
    else:
        st.html(render_html(sample.text, None, state.labels, show_surfaces=show))
    if to_decide:
        return
    issues = [
        (
            issue.severity,
            issue.code,
            issue.message,
            names[issue.annotation_index] if issue.annotation_index >= 0 else "",
        )
        for issue in (*decoded.issues, *check_sample(sample, state.labels))
    ]
    if issues:
        schema = dict.fromkeys(("severity", "code", "issue", "annotation"), pl.String)
        ui.show_table(pl.DataFrame(issues, schema=schema, orient="row"), "sample-issues")


def _draw_side_by_side(
    state: DashboardState, decoded: DecodedTask, names: list[str], show: bool, first: tuple[int, int]
) -> None:
    sample = decoded.sample
    hidden = explore.list_hidden_spans(decoded)
    columns = st.columns(2 if len(names) > 1 else 1)
    chosen = []
    for number, column in enumerate(columns):
        with column:
            at = st.selectbox(
                "Annotation by",
                range(len(names)),
                first[number],
                format_func=names.__getitem__,
                key=f"by-{number}-{sample.sample_id}",
            )
            chosen.append(sample.annotations[at])
            with st.container(border=True):
                html = render_html(sample.text, chosen[-1], state.labels, show_surfaces=show, hidden=hidden)
                st.html(html)
    if len(chosen) == len(columns) > 1:
        differences = explore.list_differences(chosen[0], chosen[1])
        if differences.is_empty():
            st.text("Both annotations mark the same entities.")
        else:
            ui.show_table(differences, "differences")


def _choose_pair(sample: Sample, people_first: bool) -> tuple[int, int]:
    """Choose the positions of the two annotations that are shown at first."""
    reviews = [at for at, one in enumerate(sample.annotations) if one in sample.reviews]
    return (reviews[0], reviews[1]) if people_first and len(reviews) > 1 else (0, 1)
