"""Annotators: pace, care and agreement."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards import ui
from dashboards.state import State, load_state
from dashboards.views import annotators
from evaluation.agreement import AgreementReport


def draw() -> None:
    """Draw the page."""
    st.title("Annotators")
    state = load_state()
    table = annotators.tabulate_annotators(state.mirror)
    if table.is_empty():
        ui.say_empty("Nobody's work has been pulled yet:", "goldspan studio pull")
        return
    ui.show_table(table, "annotators")
    suspects = table.filter(pl.col("suspect") > 0)
    if not suspects.is_empty():
        st.warning(
            f"{int(suspects['suspect'].sum())} reviews changed nothing faster than anybody can read. "
            "Look at them in Explore before you trust their acceptance.",
            icon=":material/flag:",
        )
    st.subheader("Agreement")
    report = _cache_report(state.mirror.version, state)
    ui.show_metrics(
        [
            ("Span F1", ui.show_share(report.exact.measure_f()), "Same place and label, over all pairs of raters"),
            ("Overlap F1", ui.show_share(report.overlap.measure_f()), "Overlapping places with the same label"),
            ("Places F1", ui.show_share(report.unlabelled.measure_f()), "Same place, whatever the label"),
            ("Alpha", "–" if report.alpha.alpha is None else f"{report.alpha.alpha:.2f}", "Krippendorff, by character"),
            ("B³", ui.show_share(report.b_cubed.f1), "Clusters of mentions"),
            ("Samples", ui.show_number(report.samples), "Read by at least two raters, models included"),
        ]
    )
    pairs = annotators.tabulate_pairs(report)
    if pairs.is_empty():
        ui.say_empty("No sample has two readings. Send a share to two people:", "goldspan studio push --overlap 0.2")
        return
    shown = pairs.with_columns((pl.col("f1") * 100).round(0).alias("F1 in %"))
    ui.draw_heatmap(shown, "second", "first", "F1 in %")
    ui.show_table(pairs, "agreement")


@st.cache_data(max_entries=4, show_spinner="Comparing raters")
def _cache_report(version: str, _state: State) -> AgreementReport:
    return annotators.measure_raters(annotators.load_shared_samples(_state.mirror, _state.workspace, _state.labels))
