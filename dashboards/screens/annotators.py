"""Annotators: pace, care and agreement."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.dashboards import charts, ui
from goldspan.dashboards.state import load_agreement, load_state
from goldspan.dashboards.views import annotators
from goldspan.evaluation.people.agreement import AgreementReport


def draw() -> None:
    """Draw the page."""
    ui.begin_page("Annotators")
    state = load_state()
    table = annotators.tabulate_annotators(state.mirror)
    if table.is_empty():
        ui.say_empty("Nobody's work has been pulled yet:", "goldspan studio pull")
        return
    report = load_agreement(state, models=True)
    ui.show_table(annotators.join_agreement(table, annotators.rate_people(report)), "annotators")
    suspects = int(table.filter(pl.col("suspect") > 0)["suspect"].sum())
    if suspects:
        st.warning(
            f"{suspects} reviews changed nothing faster than anybody can read. "
            "Look at them in Explore (state “suspect”) before you trust their acceptance.",
            icon=":material/flag:",
        )
    ui.begin_section("Agreement of all raters, models included")
    ui.show_metrics(
        [
            ("Span F1", ui.show_share(report.exact.measure_f()), "Same place and label, over all pairs of raters"),
            ("Overlap F1", ui.show_share(report.overlap.measure_f()), "Overlapping places with the same label"),
            ("Places F1", ui.show_share(report.unlabelled.measure_f()), "Same place, whatever the label"),
            ("Alpha", "–" if report.alpha.alpha is None else f"{report.alpha.alpha:.2f}", "Krippendorff, by character"),
            ("B³", ui.show_share(report.b_cubed.f1), "Clusters of mentions"),
            ("Samples", ui.show_number(report.samples), "Read by at least two raters"),
        ]
    )
    _draw_matrix(report)


def _draw_matrix(report: AgreementReport) -> None:
    label = st.selectbox("Label", ["", *report.by_label], format_func=lambda code: code or "all labels", width=320)
    pairs = annotators.tabulate_pairs(report, label or "")
    if pairs.is_empty():
        ui.say_empty("No sample has two readings. Send a share to two people:", "goldspan studio push --overlap 0.2")
        return
    shown = pairs.with_columns(
        (pl.col("f1") * 100).round(0).alias("F1 in %"), (pl.col("samples") < annotators.ENOUGH).alias("few")
    ).select("first", "second", "F1 in %", "samples", "few")
    charts.draw_chart(charts.build_heatmap(shown, "second", "first", "F1 in %", top=100, faint="few"))
    st.caption(f"Pale cells rest on fewer than {annotators.ENOUGH} samples.")
    ui.show_table(pairs, "agreement")
