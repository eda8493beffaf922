"""Evaluation: results side by side, and where their errors are."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dashboards import ui
from dashboards.state import load_state
from dashboards.views import results


def draw() -> None:
    """Draw the page."""
    st.title("Evaluation")
    state = load_state()
    found = results.load_results(state.workspace)
    if not found:
        ui.say_empty(
            "There are no results in the workspace yet. Score a predictor against reviewed samples:",
            "goldspan evaluate data/training_samples --predictor regex --output data/results/regex.json",
        )
        return
    table = results.tabulate_results(found)
    ui.show_table(table, "results")
    bars = table.unpivot(["precision", "recall", "f1"], index="result", variable_name="measure", value_name="value")
    ui.draw_chart(
        alt.Chart(bars)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title=None),
            y=alt.Y("result:N", title=None),
            yOffset=alt.YOffset("measure:N", sort=["precision", "recall", "f1"]),
            color=alt.Color("measure:N", scale=alt.Scale(range=ui.SERIES), title=None),
            tooltip=["result", "measure", alt.Tooltip("value:Q", format=".3f")],
        )
    )
    name = st.selectbox("Result", list(found), key="result")
    chosen = found[name]
    st.subheader("By label")
    ui.show_table(results.tabulate_labels(chosen), "by-label")
    kinds = results.tabulate_error_kinds(chosen)
    if kinds.is_empty():
        st.success("No errors.", icon=":material/check_circle:")
        return
    left, right = st.columns(2)
    with left:
        st.subheader("Error kinds")
        ui.draw_chart(
            alt.Chart(kinds)
            .mark_bar()
            .encode(
                x=alt.X("sum(errors):Q", title="errors"),
                y=alt.Y("label:N", sort="-x", title=None),
                color=alt.Color("kind:N", scale=alt.Scale(range=ui.SERIES), title=None),
                tooltip=["label", "kind", "errors"],
            )
        )
    with right:
        st.subheader("Where in the text")
        positions = results.tabulate_error_positions(chosen)
        ui.draw_chart(
            alt.Chart(positions)
            .mark_rect()
            .encode(
                x=alt.X("twentieth:O", title="twentieth of the text", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("label:N", title=None),
                color=alt.Color("errors:Q", scale=alt.Scale(scheme="oranges")),
                tooltip=["label", "twentieth", "errors"],
            )
        )
    st.subheader("Gold against predicted")
    ui.draw_heatmap(results.tabulate_confusion(chosen), "predicted", "gold", "count")
