"""Overview: progress, pace and quality. Figures come first: charts are imported when drawn."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.annotation.labelstudio.push.receipt import read_pushed
from goldspan.dashboards import ui
from goldspan.dashboards.state import load_agreement, load_state
from goldspan.dashboards.views import overview
from goldspan.dashboards.views.handover import count_handed_over
from goldspan.dashboards.views.overview import Funnel, Indicators
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    ui.begin_page("Overview")
    state = load_state()
    commands = find_commands(state.workspace)
    if state.mirror["samples"].is_empty():
        start = commands.on_workspace("goldspan generate start")
        ui.show_empty_state("There are no samples yet. Generate some offline:", start)
        return
    found = overview.measure_indicators(state.mirror)
    with st.container(horizontal=True, gap="small"):
        _show_indicators(found)
        agreement = st.empty()
    funnel = overview.count_funnel(state.mirror, read_pushed(state.workspace), count_handed_over(state.workspace))
    left, right = st.columns(2)
    with left:
        ui.begin_section("Progress")
        _draw_funnel(funnel)
    with right:
        ui.begin_section("Reviews per day")
        _draw_days(overview.count_days(state.mirror))
    if step := overview.suggest_step(funnel):
        st.text(f"Next: {step[0]}")
        st.code(commands.on_workspace(step[1]), language="bash")
    if state.mirror.unreadable:
        st.warning(f"{state.mirror.unreadable} records cannot be read. `goldspan samples check` lists them:")
        st.code(commands.check_layers(), language="bash")
    ui.begin_section("Files")
    ui.show_table(overview.tabulate_files(state.mirror, state.workspace), "files")
    st.caption(f"The newest file changed {overview.describe_age(state.mirror.changed)}. Refreshes when files change.")
    with agreement:
        value = load_agreement(state, models=False).exact.measure_f()
        ui.show_metric("Agreement", ui.format_share(value), "Exact span F1 over all pairs of people")


def _show_indicators(found: Indicators) -> None:
    for name, value, explanation in (
        ("Samples", ui.format_number(found.samples), "Distinct texts in the workspace"),
        ("Predicted", ui.format_number(found.predicted), "With a prediction by a model"),
        ("Reviewed", ui.format_number(found.reviewed), "With a submitted annotation by a person"),
        ("Skipped", ui.format_number(found.skipped), "With a cancelled annotation"),
        ("Per day", ui.format_number(found.per_day), "Reviews per day, mean of the last seven days"),
        (
            "Days left",
            ui.format_number(found.days_left),
            "Samples without a review, at the pace of the last seven days",
        ),
        ("Median time", ui.format_number(found.median_lead_time, " s"), "Lead time of submitted annotations"),
        ("First pass", ui.format_share(found.first_pass), "Reviews that changed nothing"),
        ("Kept", ui.format_share(found.kept), "Pre-annotated regions that people left unchanged"),
        ("Errors", ui.format_number(found.errors), "Issues of severity error, over all annotations"),
        ("Warnings", ui.format_number(found.warnings), "Issues of severity warning, over all annotations"),
    ):
        ui.show_metric(name, value, explanation)


def _draw_funnel(funnel: Funnel) -> None:
    import altair as alt

    from goldspan.dashboards import charts

    frame = pl.DataFrame(funnel.rows(), schema={"step": pl.String, "samples": pl.Int64}, orient="row")
    base = alt.Chart(frame).encode(y=alt.Y("step:N", sort=frame["step"].to_list(), title=None))
    bars = base.mark_bar(color=charts.ANNOTATED).encode(
        x=alt.X("samples:Q", title="samples"), tooltip=["step", "samples"]
    )
    numbers = base.mark_text(align="left", dx=4, color=charts.NEUTRAL).encode(
        x="samples:Q", text=alt.Text("samples:Q", format=",")
    )
    charts.draw_chart((bars + numbers).properties(height=210))


def _draw_days(days: pl.DataFrame) -> None:
    import altair as alt

    from goldspan.dashboards import charts

    labelled = days.with_columns(pl.col("day").dt.strftime("%d %b").alias("date"))
    chart = alt.Chart(labelled).mark_bar(color=charts.ANNOTATED)
    charts.draw_chart(
        chart.encode(
            x=alt.X("date:N", title=None, sort=labelled["date"].to_list(), axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("reviews:Q", title="reviews", axis=alt.Axis(tickMinStep=1)),
            tooltip=["day", "reviews"],
        ).properties(height=210)
    )
