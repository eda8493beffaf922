"""Coverage: what there is of each label, and what is missing."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from dashboards import ui
from dashboards.state import load_state
from dashboards.views import coverage


def draw() -> None:
    """Draw the page."""
    st.title("Coverage")
    state = load_state()
    if state.mirror["samples"].is_empty():
        ui.say_empty("There are no samples yet. Let the offline author write some:", "goldspan generate start")
        return
    languages = ui.choose_languages(state.mirror["samples"])
    table = coverage.tabulate_coverage(state.mirror, state.labels, languages)
    reached = table.filter((pl.col("target") > 0) & (pl.col("gap") == 0)).height
    ui.show_metrics(
        [
            ("Labels at their target", f"{reached} of {table.height}", "Annotated entities against the label's target"),
            (
                "Entities predicted",
                ui.show_number(int(table["predicted"].sum())),
                "In the last prediction of each sample",
            ),
            ("Entities annotated", ui.show_number(int(table["annotated"].sum())), "In the review that counts"),
            ("Entities missing", ui.show_number(int(table["gap"].sum())), "Sum of what each label lacks to its target"),
        ]
    )
    _draw_bars(table)
    _offer_command(table, languages)
    with st.expander("As a table"):
        ui.show_table(table, "coverage")
    st.subheader("Label by language")
    side = st.segmented_control(
        "Count", ["annotated", "predicted"], default="annotated", key="side", label_visibility="collapsed"
    )
    cells = coverage.tabulate_cells(state.mirror, state.labels, side or "annotated")
    ui.draw_heatmap(cells, "language", "label", "count", order=[label.code for label in state.labels.entities])
    left, right = st.columns(2)
    with left:
        st.subheader("Document types")
        types = coverage.tabulate_document_types(state.mirror, languages)
        ui.draw_chart(
            alt.Chart(types)
            .mark_bar()
            .encode(
                x=alt.X("sum(samples):Q", title="samples"),
                y=alt.Y("document_type:N", title=None, sort="-x"),
                color=alt.Color("language:N", scale=alt.Scale(range=ui.SERIES), title=None),
                tooltip=["document_type", "language", "samples"],
            )
        )
    with right:
        st.subheader("Where in the text")
        positions = coverage.tabulate_positions(state.mirror, "predicted", languages)
        ui.draw_chart(
            alt.Chart(positions)
            .mark_bar(color=ui.PREDICTED)
            .encode(
                x=alt.X("tenth:O", title="tenth of the text", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("entities:Q", title="predicted entities"),
                tooltip=["tenth", "entities"],
            )
        )


def _draw_bars(table: pl.DataFrame) -> None:
    long = table.unpivot(
        ["predicted", "annotated"], index=["label", "category", "target"], variable_name="side", value_name="entities"
    )
    order = table["label"].to_list()
    y = alt.Y("label:N", sort=order, title=None)
    bars = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            y=y,
            yOffset=alt.YOffset("side:N", sort=["predicted", "annotated"]),
            x=alt.X("entities:Q", title="entities"),
            color=alt.Color(
                "side:N",
                scale=alt.Scale(domain=["predicted", "annotated"], range=[ui.PREDICTED, ui.ANNOTATED]),
                title=None,
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["label", "category", "side", "entities", "target"],
        )
    )
    targets = alt.Chart(table).mark_tick(color=ui.TARGET, thickness=3, size=16).encode(y=y, x="target:Q")
    ui.draw_chart((bars + targets).properties(height=24 * table.height + 60))
    st.caption("The orange mark is the label's target.")


def _offer_command(table: pl.DataFrame, languages: list[str]) -> None:
    command = coverage.suggest_command(table, languages)
    if not command:
        st.success("Every label has reached its target.", icon=":material/check_circle:")
    elif st.button("How to fill the gaps", icon=":material/terminal:"):
        st.code(command, language="bash")
