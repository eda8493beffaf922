"""Overview: the next step, progress, pace and quality. Charts are imported when drawn."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.annotation.labelstudio.push.receipt import read_pushed
from goldspan.annotation.wording import format_count
from goldspan.dashboards import ui
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.state import DashboardState, load_agreement, load_state, load_verdict
from goldspan.dashboards.views import overview
from goldspan.dashboards.views.handover import count_handed_over, link_criterion
from goldspan.dashboards.views.overview import Funnel, Indicators, NextStep, ShareEstimate
from goldspan.training.gate.commands import Commands, find_commands

_STEPS = {"generated": "", "pushed": "", "annotated": "touched", "reviewed": "reviewed", "handed over": ""}
"""Steps of the funnel and the filter of Explore that shows their samples."""

_JUDGED_AT_ONCE = 2000
"""Reviewed samples up to which the gate is judged on this page; that reads their texts."""


def draw() -> None:
    """Draw the page."""
    state = load_state()
    commands = find_commands(state.workspace)
    if state.mirror["samples"].is_empty():
        start = commands.on_workspace("goldspan generate start")
        ui.show_empty_state("There are no samples yet. Generate some offline:", start)
        st.text("Or look at an example: reviewed samples of two people, with disagreements and an evaluation.")
        st.code("goldspan dashboard --example pii", language="bash")
        return
    found = overview.measure_indicators(state.mirror)
    funnel = overview.count_funnel(state.mirror, read_pushed(state.workspace), count_handed_over(state.workspace))
    _show_step(overview.suggest_step(funnel), commands)
    if state.mirror.unreadable:
        st.warning(
            f"{format_count(state.mirror.unreadable, 'record')} cannot be read. `goldspan samples check` lists them:"
        )
        st.code(commands.check_layers(), language="bash")
    with st.container(horizontal=True, gap="small"):
        _show_indicators(found)
        agreement = st.empty()
    gate = st.container()
    left, right = st.columns(2)
    with left:
        ui.begin_section("Progress")
        _draw_funnel(funnel)
    with right:
        ui.begin_section("Reviews per day")
        _draw_days(overview.count_days(state.mirror))
    ui.begin_section("Files")
    ui.show_table(overview.tabulate_files(state.mirror, state.workspace), "files", {"file": "file"})
    st.caption(f"The newest file changed {overview.describe_age(state.mirror.changed)}. Refreshes when files change.")
    with agreement:
        report = load_agreement(state, models=False)
        ui.show_metric(
            ui.make_share(
                "Agreement",
                ShareEstimate(report.exact.measure_f(), report.samples, report.exact_interval),
                "Exact span F1 over all pairs of people; n counts samples",
                link_samples(state="several people"),
            )
        )
    with gate:
        _show_gate(state, found.reviewed)


def _show_step(step: NextStep, commands: Commands) -> None:
    with st.container(border=True):
        more = f" [Open {step.page[1:].capitalize()}]({step.page})" if step.page else ""
        st.markdown(f"**Next:** {step.sentence}{more}")
        st.code(commands.on_workspace(step.command), language="bash")


def _show_gate(state: DashboardState, reviewed: int) -> None:
    """Show how far each criterion of the gate is met."""
    ui.begin_section("Gate")
    if reviewed > _JUDGED_AT_ONCE:
        st.markdown(f"{format_count(reviewed, 'sample')} reviewed. [Hand-over](/hand-over) judges them.")
        return
    verdict = load_verdict(state)
    met = sum(criterion.passed for criterion in verdict.criteria)
    color = "green" if verdict.open else "orange"
    st.markdown(f":{color}[{'Open' if verdict.open else 'Closed'}]: {met} of {len(verdict.criteria)} criteria are met.")
    columns = st.columns(4)
    for number, criterion in enumerate(verdict.criteria):
        mark = ":green[:material/check_circle:]" if criterion.passed else ":red[:material/cancel:]"
        column = columns[number * len(columns) // len(verdict.criteria)]
        column.markdown(f"{mark} [{criterion.question}]({link_criterion(criterion.name)})")


def _show_indicators(found: Indicators) -> None:
    for metric in (
        ui.Metric("Samples", ui.format_number(found.samples), "Distinct texts in the workspace", link_samples()),
        ui.Metric(
            "Predicted",
            ui.format_number(found.predicted),
            "With a prediction by a model",
            link_samples(state="predicted"),
        ),
        ui.Metric(
            "Reviewed",
            ui.format_number(found.reviewed),
            "With a submitted annotation by a person",
            link_samples(state="reviewed"),
        ),
        ui.Metric(
            "Skipped", ui.format_number(found.skipped), "With a cancelled annotation", link_samples(state="skipped")
        ),
        ui.Metric("Per day", ui.format_number(found.per_day), "Reviews per day, over the last seven days at most"),
        ui.Metric("Days left", ui.format_number(found.days_left), "Samples without a review, at that pace"),
        ui.Metric("Median time", ui.format_number(found.median_lead_time, " s"), "Lead time of submitted annotations"),
        ui.make_share("First pass", found.first_pass, "Reviews that changed nothing", link_samples(state="unchanged")),
        ui.make_share(
            "Kept", found.kept, "Pre-annotated regions that people left unchanged", link_samples(outcome="accepted")
        ),
        ui.Metric(
            "Errors",
            ui.format_number(found.errors),
            "Issues of severity error, over all annotations",
            link_samples(state="errors"),
        ),
        ui.Metric(
            "Warnings",
            ui.format_number(found.warnings),
            "Issues of severity warning, over all annotations",
            link_samples(state="warnings"),
        ),
    ):
        ui.show_metric(metric)


def _draw_funnel(funnel: Funnel) -> None:
    import altair as alt

    from goldspan.dashboards import charts

    frame = pl.DataFrame(funnel.rows(), schema={"step": pl.String, "samples": pl.Int64}, orient="row")
    frame = frame.with_columns(pl.Series("state", [_STEPS[step] for step in frame["step"]]))
    links = {"state": "state"}
    base = alt.Chart(charts.add_links(frame, links)).encode(y=alt.Y("step:N", sort=frame["step"].to_list(), title=None))
    bars = base.mark_bar(color=charts.ANNOTATED).encode(
        x=alt.X("samples:Q", title="samples", axis=charts.COUNT_AXIS),
        tooltip=["step", "samples"],
        **charts.follow_links(links),
    )
    numbers = base.mark_text(align="left", dx=4, color=charts.NEUTRAL).encode(
        x="samples:Q", text=alt.Text("samples:Q", format=",")
    )
    charts.draw_chart((bars + numbers).properties(height=210))


def _draw_days(days: pl.DataFrame) -> None:
    if not days["reviews"].sum():
        st.text(f"No sample was reviewed in the last {days.height} days.")
        return
    import altair as alt

    from goldspan.dashboards import charts

    labelled = days.with_columns(pl.col("day").dt.strftime("%d %b").alias("date"))
    labelled = labelled.with_columns(pl.col("day").cast(pl.String).alias("iso"))
    links = {"day": "iso"}
    chart = alt.Chart(charts.add_links(labelled, links)).mark_bar(color=charts.ANNOTATED)
    charts.draw_chart(
        chart.encode(
            x=alt.X("date:N", title=None, sort=labelled["date"].to_list(), axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("reviews:Q", title="reviews", axis=charts.COUNT_AXIS),
            tooltip=["day", "reviews"],
            **charts.follow_links(links),
        ).properties(height=210)
    )
