"""Coreference: who is meant, and do readers agree."""

from __future__ import annotations

import altair as alt
import streamlit as st

from dashboards import ui
from dashboards.state import load_state
from dashboards.views import coreference


def draw() -> None:
    """Draw the page."""
    st.title("Coreference")
    state = load_state()
    found = coreference.count_clusters(state.mirror)
    if not found.mentions:
        ui.say_empty("No sample has mentions yet. Generated samples bring them:", "goldspan generate start")
        return
    ui.show_metrics(
        [
            ("Clusters a text", f"{found.clusters / max(found.samples, 1):.2f}", "Mean over all samples"),
            ("Clusters", ui.show_number(found.clusters), "Over all samples, in the reading that counts"),
            ("Mentions", ui.show_number(found.mentions), "Names, pronouns and references"),
            ("Alone", ui.show_number(found.alone), "Mentions without a cluster"),
            ("B³ F1", ui.show_share(found.b_cubed.f1), "Reviews against the pre-annotations they started from"),
        ]
    )
    left, right = st.columns(2)
    with left:
        st.subheader("Clusters in a text")
        ui.draw_chart(
            alt.Chart(coreference.tabulate_clusters(state.mirror))
            .mark_bar()
            .encode(
                x=alt.X("clusters:O", title="clusters", axis=alt.Axis(labelAngle=0)),
                y=alt.Y("sum(samples):Q", title="samples"),
                color=alt.Color("language:N", scale=alt.Scale(range=ui.SERIES), title=None),
                tooltip=["clusters", "language", "samples"],
            )
        )
    with right:
        st.subheader("Kinds of mention")
        kinds = coreference.tabulate_kinds(state.mirror)
        ui.draw_chart(
            alt.Chart(kinds)
            .mark_bar()
            .encode(
                x=alt.X("sum(mentions):Q", title="mentions"),
                y=alt.Y("kind:N", title=None),
                yOffset="side:N",
                color=alt.Color(
                    "side:N",
                    scale=alt.Scale(domain=["predicted", "annotated"], range=[ui.PREDICTED, ui.ANNOTATED]),
                    title=None,
                ),
                tooltip=["kind", "side", alt.Tooltip("sum(mentions):Q", title="mentions")],
            )
        )
    with st.expander("As a table"):
        ui.show_table(kinds, "mentions")
