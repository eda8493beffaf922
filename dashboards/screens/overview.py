"""Overview: how far, how fast, how well."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from dashboards import ui
from dashboards.state import State, load_state
from dashboards.views import annotators, overview
from dashboards.views.handover import count_handed_over, find_pushed
from dashboards.views.overview import Funnel


def draw() -> None:
    """Draw the page."""
    st.title("Overview")
    state = load_state()
    if state.mirror["samples"].is_empty():
        ui.say_empty("There are no samples yet. Let the offline author write some:", "goldspan generate start")
        return
    found = overview.measure_indicators(state.mirror)
    ui.show_metrics(
        [
            ("Samples", ui.show_number(found.samples), "Different texts in the workspace"),
            ("Pre-annotated", ui.show_number(found.predicted), "With a reading by a model"),
            ("Reviewed", ui.show_number(found.reviewed), "With a submitted annotation by a person"),
            ("Skipped", ui.show_number(found.skipped), "With a cancelled annotation"),
            ("Reviews a day", ui.show_number(found.per_day), "Mean of the last seven days"),
            ("Days left", ui.show_number(found.days_left), "At the pace of the last seven days"),
            ("Median time", ui.show_number(found.median_lead_time, " s"), "Lead time of submitted annotations"),
            ("First pass", ui.show_share(found.first_pass), "Reviews that changed nothing"),
            ("Kept", ui.show_share(found.kept), "Pre-annotated regions that people left as they were"),
            ("Agreement", _measure_agreement(state), "Exact span F1 over all pairs of people"),
            ("Errors", ui.show_number(found.errors), "Issues of severity error"),
            ("Warnings", ui.show_number(found.warnings), "Issues of severity warning"),
        ]
    )
    left, right = st.columns(2)
    with left:
        st.subheader("How far")
        funnel = overview.count_funnel(state.mirror, find_pushed(state.workspace), count_handed_over(state.workspace))
        _draw_funnel(funnel)
    with right:
        st.subheader("Reviews a day")
        ui.draw_chart(
            alt.Chart(overview.count_days(state.mirror))
            .mark_bar(color=ui.ANNOTATED)
            .encode(x=alt.X("day:T", title=None), y=alt.Y("reviews:Q", title="reviews"), tooltip=["day", "reviews"])
        )
    if state.mirror.unreadable:
        st.warning(f"{state.mirror.unreadable} records cannot be read. `goldspan samples check` names them.")
    st.caption(f"State {state.mirror.version} of the workspace; it follows the files on every look.")


def _draw_funnel(funnel: Funnel) -> None:
    frame = pl.DataFrame(funnel.rows(), schema={"step": pl.String, "samples": pl.Int64}, orient="row")
    base = alt.Chart(frame).encode(y=alt.Y("step:N", sort=frame["step"].to_list(), title=None))
    bars = base.mark_bar(color=ui.ANNOTATED).encode(x=alt.X("samples:Q", title="samples"), tooltip=["step", "samples"])
    numbers = base.mark_text(align="left", dx=4, color=ui.NEUTRAL).encode(x="samples:Q", text="samples:Q")
    ui.draw_chart(bars + numbers)


def _measure_agreement(state: State) -> str:
    return ui.show_share(_cache_agreement(state.mirror.version, state))


@st.cache_data(max_entries=4, show_spinner=False)
def _cache_agreement(version: str, _state: State) -> float | None:
    samples = annotators.load_shared_samples(_state.mirror, _state.workspace, _state.labels)
    return annotators.measure_raters(samples, models=False).exact.measure_f()
