"""Coreference: who is meant, and do readers agree."""

from __future__ import annotations

import altair as alt
import streamlit as st

from goldspan.dashboards import charts, ui
from goldspan.dashboards.state import load_state
from goldspan.dashboards.views import coreference


def draw() -> None:
    """Draw the page."""
    ui.begin_page("Coreference")
    state = load_state()
    found = coreference.count_clusters(state.mirror)
    if not found.mentions:
        ui.say_empty("No sample has mentions yet. Generated samples bring them:", "goldspan generate start")
        return
    ui.show_metrics(
        [
            ("Per text", f"{found.clusters / max(found.samples, 1):.2f}", "Clusters in a text, mean over all samples"),
            ("Clusters", ui.show_number(found.clusters), "Over all samples, in the reading that counts"),
            ("Mentions", ui.show_number(found.mentions), "Names, pronouns and references"),
            ("Alone", ui.show_number(found.alone), "Mentions without a cluster"),
            ("B³ F1", ui.show_share(found.b_cubed.f1), "Reviews against the pre-annotations they started from"),
        ]
    )
    left, right = st.columns(2)
    clusters, kinds = coreference.tabulate_clusters(state.mirror), coreference.tabulate_kinds(state.mirror)
    with left:
        ui.begin_section("Clusters in a text")
        charts.draw_chart(
            alt.Chart(clusters)
            .mark_bar()
            .encode(
                x=alt.X("clusters:O", title="clusters", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("sum(samples):Q", title="samples", axis=alt.Axis(tickMinStep=1)),
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
                x=alt.X("sum(mentions):Q", title="mentions"),
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
