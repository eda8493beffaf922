"""Models: which version is best, and whether people keep its predictions."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from goldspan.annotation.errors import StateError
from goldspan.dashboards import charts, ui
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import models
from goldspan.training.gate.commands import find_commands
from goldspan.training.loop.state import LoopState, read_state


def draw() -> None:
    """Draw the page."""
    state = load_state()
    found = models.list_models(state.workspace)
    kept = models.tabulate_kept(state.mirror)
    commands = find_commands(state.workspace)
    loop = _read_loop(state)
    if not found and kept.is_empty() and not loop.rounds:
        train = commands.on_workspace("goldspan train")
        ui.show_empty_state("No model is trained yet, and no prediction was reviewed. Freeze a bundle, then:", train)
        return
    if loop.rounds:
        _draw_rounds(loop)
    if found:
        _draw_versions(state, found)
    elif not loop.rounds:
        st.text("No model is trained in this workspace. Once a bundle is frozen:")
        st.code(commands.on_workspace("goldspan train"), language="bash")
    ui.begin_section("What people kept, by version and week")
    if kept.is_empty():
        st.text("No prediction was reviewed yet.")
        return
    ui.show_table(kept, "kept", {"model": "version"}, height=300)
    _draw_kept(kept)
    st.caption(
        "Kept: regions that people left unchanged, of those suggested, with the 95 % interval. Samples chosen by "
        "priority are harder than the rest: see Queue for the random reserve."
    )


def _read_loop(state: DashboardState) -> LoopState:
    try:
        return read_state(state.workspace, "")
    except StateError as error:
        st.warning(str(error), icon=":material/warning:")
        return LoopState("")


def _draw_rounds(loop: LoopState) -> None:
    last = loop.rounds[-1]
    verdict = "promoted" if last.promoted else "refused"
    ui.show_text(f"{loop.serving or 'The base'} serves. Round {last.number} was {verdict}.")
    ui.begin_section("Rounds of retraining")
    ui.show_table(models.tabulate_rounds(loop), "rounds")
    st.caption(
        "A new model serves only if a paired test on random reviewed samples shows that it is better; otherwise "
        "the model in service stays. F1: strict, on these samples; difference with its 95 % interval."
    )


def _draw_versions(state: DashboardState, found: list[models.StoredModel]) -> None:
    ui.begin_section("Model directories")
    ui.show_table(models.tabulate_versions(found, models.find_served(state.workspace)), "models")
    st.caption(
        "Strict F1 on the held-out split of the model's own bundle, with its 95 % interval; not hidden: the share of "
        "entities with a character that stays visible. Compare models of different bundles on the same gold: "
        "goldspan evaluate, then Evaluation."
    )
    names = [model.name for model in found]
    name = st.selectbox("Model", names[::-1], key="model", bind="query-params", width=420)
    model = next((one for one in found if one.name == name), found[-1])
    curve = models.tabulate_curve(model)
    if curve.height < 2:
        st.text("This model has no recall curve.")
        return
    ui.begin_section("Precision against recall")
    share = alt.Axis(format="%", tickCount=5)
    chart = (
        alt.Chart(curve)
        .mark_line(point=True, color=charts.SERIES[0])
        .encode(
            x=alt.X("recall:Q", axis=share, scale=alt.Scale(zero=False, domainMax=1), title="recall"),
            y=alt.Y("precision:Q", axis=share, scale=alt.Scale(domain=[0, 1]), title="precision"),
            order="recall:Q",
            tooltip=[alt.Tooltip(f"{column}:Q", format=".3f") for column in ("bias", "precision", "recall")],
        )
        .properties(height=260)
    )
    charts.draw_chart(chart)
    st.caption("On the validation split, by recall bias. `goldspan serve` and the masking page choose a point on it.")


def _draw_kept(kept: pl.DataFrame) -> None:
    weeks = kept.filter(pl.col("week") != "")
    if weeks["week"].n_unique() < 2:
        return
    base = alt.Chart(weeks).encode(
        x=alt.X("week:O", title="week (Monday)", axis=alt.Axis(labelAngle=0)), color=charts.color_by("version")
    )
    share = alt.Y("kept:Q", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]), title="kept")
    tooltip = ["version", "week", "reviews", "regions", alt.Tooltip("kept:Q", format=".1%")]
    lines = base.mark_line(point=True).encode(y=share, tooltip=tooltip)
    bars = base.mark_rule().encode(y=alt.Y("low:Q", title="kept"), y2="high:Q")
    charts.draw_chart((bars + lines).properties(height=240))
