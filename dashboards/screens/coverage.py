"""Coverage: entities per label, and gaps to the targets."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from goldspan.dashboards import charts, ui
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.state import load_state
from goldspan.dashboards.views import coverage
from goldspan.training.gate.commands import Commands, find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    if state.mirror["samples"].is_empty():
        start = find_commands(state.workspace).on_workspace("goldspan generate start")
        ui.show_empty_state("There are no samples yet. Generate some offline:", start)
        return
    languages = ui.choose_languages(state.mirror["samples"])
    table = coverage.tabulate_coverage(state.mirror, state.labels, languages)
    wanted = table.filter(pl.col("target") > 0)
    reached = wanted.filter(pl.col("gap") == 0).height
    lacking = int(table["gap"].sum())
    ui.show_metrics(
        [
            ui.Metric(
                "At target", f"{reached} of {wanted.height}", "Labels whose annotated entities reach their target"
            ),
            ui.Metric(
                "Predicted",
                ui.format_number(int(table["predicted"].sum())),
                "Entities in the last predictions",
                link_samples(state="predicted"),
            ),
            ui.Metric(
                "Annotated",
                ui.format_number(int(table["annotated"].sum())),
                "Entities in the reviews (one per sample)",
                link_samples(state="reviewed"),
            ),
            ui.Metric("Missing", ui.format_number(lacking), "Entities still needed to reach all targets"),
        ]
    )
    _offer_steps(table, languages or coverage.list_languages(state.mirror["samples"]), find_commands(state.workspace))
    ui.begin_section("Label by language")
    side = st.segmented_control(
        "Count", ["annotated", "predicted"], default="annotated", key="side", label_visibility="collapsed"
    )
    cells = coverage.filter_languages(
        coverage.tabulate_cells(state.mirror, state.labels, side or "annotated"), languages
    )
    charts.draw_chart(
        charts.build_heatmap(
            cells,
            "language",
            "label",
            "count",
            order=[label.code for label in state.labels.entities],
            links={"language": "language", "label": "label"},
        )
    )
    with st.expander("As a table"):
        ui.show_table(cells.pivot("language", index="label", values="count"), "label-by-language")
    ui.begin_section("Entities per label")
    _draw_bars(table)
    with st.expander("As a table"):
        ui.show_table(table, "coverage", {"label": "label"})
    left, right = st.columns(2)
    with left:
        ui.begin_section("Document types")
        types = coverage.tabulate_document_types(state.mirror, languages)
        links = {"document_type": "document_type", "language": "language"}
        charts.draw_bars(types, "samples", "document_type", "language", links=links)
    with right:
        ui.begin_section("Position in the text")
        _draw_positions(coverage.tabulate_positions(state.mirror, "predicted", languages))


def _draw_bars(table: pl.DataFrame) -> None:
    long = table.unpivot(
        ["predicted", "annotated"], index=["label", "category", "target"], variable_name="side", value_name="entities"
    )
    y = alt.Y("label:N", sort=table["label"].to_list(), title=None, axis=charts.ROW_AXIS)
    bars = (
        alt.Chart(charts.add_links(long, {"label": "label"}))
        .mark_bar()
        .encode(
            y=y,
            yOffset=alt.YOffset("side:N", sort=["predicted", "annotated"]),
            x=alt.X("entities:Q", title="entities (orange mark: the label's target)", axis=charts.COUNT_AXIS),
            color=alt.Color("side:N", scale=charts.SIDES, title=None, legend=alt.Legend(orient="top")),
            tooltip=["label", "category", "side", "entities", "target"],
            **charts.follow_links({"label": "label"}),
        )
    )
    targets = alt.Chart(table).mark_tick(color=charts.TARGET, thickness=4, size=16).encode(y=y, x="target:Q")
    charts.draw_chart((bars + targets).properties(height=24 * table.height + 90))


def _draw_positions(positions: pl.DataFrame) -> None:
    charts.draw_chart(
        alt.Chart(positions)
        .mark_bar(color=charts.PREDICTED)
        .encode(
            x=alt.X("tenth:O", title="tenth of the text", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("entities:Q", title="predicted entities", axis=charts.COUNT_AXIS),
            tooltip=["tenth", "entities"],
        )
        .properties(height=260)
    )


def _offer_steps(table: pl.DataFrame, languages: list[str], commands: Commands) -> None:
    steps = coverage.suggest_steps(table, languages, commands)
    if not steps:
        st.success("Every label has reached its target.", icon=":material/check_circle:")
    elif st.button("How to fill the gaps", icon=":material/terminal:"):
        for what, command in steps:
            st.text(what)
            st.code(command, language="bash")
