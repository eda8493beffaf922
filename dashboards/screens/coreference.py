"""Coreference: clusters, mentions and agreement."""

from __future__ import annotations

import altair as alt
import streamlit as st

from goldspan.dashboards import charts, ui
from goldspan.dashboards.state import load_state
from goldspan.dashboards.views import coreference
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    found = coreference.count_clusters(state.mirror)
    if not found.mentions:
        command = find_commands(state.workspace).on_workspace("goldspan generate start")
        ui.show_empty_state("No sample has mentions yet. Generated samples of personal data have them:", command)
        return
    ui.show_metrics(
        [
            ui.Metric(
                "Per text", f"{found.clusters / max(found.samples, 1):.2f}", "Clusters per text, mean over all samples"
            ),
            ui.Metric("Clusters", ui.format_number(found.clusters), "Over all samples, in the best annotation"),
            ui.Metric("Mentions", ui.format_number(found.mentions), "Names, pronouns and references"),
            ui.Metric("Unclustered", ui.format_number(found.unclustered), "Mentions without a cluster"),
            ui.Metric(
                "B³ F1", ui.format_share(found.b_cubed.f1), "Reviews against the pre-annotations they started from"
            ),
        ]
    )
    left, right = st.columns(2)
    clusters, kinds = coreference.tabulate_clusters(state.mirror), coreference.tabulate_kinds(state.mirror)
    with left:
        ui.begin_section("Clusters per text")
        charts.draw_chart(
            alt.Chart(clusters)
            .mark_bar()
            .encode(
                x=alt.X("clusters:O", title="clusters", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("sum(samples):Q", title="samples", axis=charts.COUNT_AXIS),
                color=charts.color_by("language"),
                tooltip=["clusters", "language", "samples"],
            )
            .properties(height=320)
        )
    with right:
        ui.begin_section("Kinds of mention")
        charts.draw_chart(
            alt.Chart(kinds)
            .mark_bar()
            .encode(
                x=alt.X("sum(mentions):Q", title="mentions", axis=charts.COUNT_AXIS),
                y=alt.Y("kind:N", title=None),
                yOffset=alt.YOffset("side:N", sort=["predicted", "annotated"]),
                color=alt.Color("side:N", scale=charts.SIDES, title=None, legend=alt.Legend(orient="top")),
                tooltip=["kind", "side", alt.Tooltip("sum(mentions):Q", title="mentions")],
            )
            .properties(height=320)
        )
    with st.expander("As a table"):
        ui.show_table(clusters, "clusters")
        ui.show_table(kinds, "mentions")
