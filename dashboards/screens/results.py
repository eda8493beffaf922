"""Evaluation: compare results, and locate their errors."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from goldspan.annotation.tasks.workspace import find_workspace_project
from goldspan.dashboards import charts, ui
from goldspan.dashboards.state import load_state
from goldspan.dashboards.views import results
from goldspan.evaluation.results.compare import Comparison, compare_results
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.predictors.stacking import name_base
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    stamp = results.stamp_results(state.workspace)
    found = _load(stamp)
    if not found:
        predictor = name_base(find_workspace_project(state.workspace))
        ui.show_empty_state(
            "There are no results in the workspace yet. Evaluate a predictor on reviewed samples:",
            find_commands(state.workspace).on_samples("goldspan evaluate", f" --predictor {predictor}"),
        )
        return
    table = results.tabulate_results(found)
    ui.show_table(table, "results")
    _draw_scores(table)
    _compare(stamp, found)
    name = st.selectbox("Result", list(found), key="result", width=420)
    _draw_result(found.get(name) or next(iter(found.values())))


@st.cache_resource(max_entries=2, show_spinner="Reading results")
def _load(stamp: results.Stamp) -> dict[str, EvaluationResult]:
    return results.load_results(stamp)


def _draw_scores(table: pl.DataFrame) -> None:
    st.caption("low and high: 95 % interval of F1 over documents.")
    bars = table.unpivot(["precision", "recall", "f1"], index="result", variable_name="measure", value_name="value")
    charts.draw_chart(
        alt.Chart(bars)
        .mark_bar()
        .encode(
            x=alt.X("value:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"), title="share"),
            y=alt.Y("result:N", title=None),
            yOffset=alt.YOffset("measure:N", sort=["precision", "recall", "f1"]),
            color=charts.color_by("measure"),
            tooltip=["result", "measure", alt.Tooltip("value:Q", format=".3f")],
        )
        .properties(height=60 * table.height + 150)
    )


def _compare(stamp: results.Stamp, found: dict[str, EvaluationResult]) -> None:
    if len(found) < 2:
        return
    ui.begin_section("Comparison")
    names = list(found)
    chosen = st.multiselect("Results; the first one is the reference", names, names[:2])
    if not chosen:
        return
    with st.spinner("Testing the differences"):
        comparison = _cache_comparison(stamp, tuple(chosen), found)
    compared = results.tabulate_comparison(comparison)
    ui.show_table(compared.filter(pl.col("f1").is_not_null()), "comparison")
    st.caption("difference, low and high: F1 less that of the reference, with its 95 % interval.")
    for note in comparison.notes:
        st.text(note)


@st.cache_data(max_entries=16, show_spinner=False)
def _cache_comparison(stamp: results.Stamp, names: tuple[str, ...], _found: dict[str, EvaluationResult]) -> Comparison:
    return compare_results([_found[name] for name in names])


def _draw_result(chosen: EvaluationResult) -> None:
    ui.begin_section("By label")
    ui.show_table(results.tabulate_labels(chosen), "by-label", {"label": "label"}, height=300)
    kinds = results.tabulate_error_kinds(chosen)
    if kinds.is_empty():
        st.success("No errors.", icon=":material/check_circle:")
        return
    left, right = st.columns(2)
    with left:
        ui.begin_section("Error kinds")
        charts.draw_bars(kinds, "errors", "label", "kind")
    with right:
        ui.begin_section("Position in the text")
        positions = results.tabulate_error_positions(chosen)
        charts.draw_chart(charts.build_heatmap(positions, "twentieth of the text", "label", "errors"))
    ui.begin_section("Gold against predicted")
    charts.draw_chart(charts.build_heatmap(results.tabulate_confusion(chosen), "predicted", "gold", "count"))
