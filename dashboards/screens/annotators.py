"""Annotators: pace, edits and agreement."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.dashboards import charts, ui
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.state import load_agreement, load_state
from goldspan.dashboards.views import annotators
from goldspan.dashboards.views.overview import ShareEstimate
from goldspan.evaluation.people.agreement import AgreementReport
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    commands = find_commands(state.workspace)
    table = annotators.tabulate_annotators(state.mirror)
    if table.is_empty():
        ui.show_empty_state("No reviews have been pulled yet:", commands.on_workspace("goldspan studio pull"))
        return
    people, report = load_agreement(state, models=False), load_agreement(state, models=True)
    ui.show_table(annotators.join_agreement(table, people), "annotators", {"person": "person"})
    st.caption(
        "Agreement: F1 of same spans and labels with other people, over the samples compared; low and high: its 95 % "
        "interval. A dash: nobody else reviewed the same samples."
    )
    _show_quick(annotators.tabulate_quick_reviews(state.mirror))
    overlap = commands.on_workspace("goldspan studio push --overlap 0.2")
    ui.begin_section("Agreement of people")
    if people.samples:
        _show_agreement(people)
    else:
        ui.show_empty_state("No two people annotated the same sample. Assign a share to two people:", overlap)
    if report.samples:
        ui.begin_section("Agreement of people and models")
        _show_agreement(report)
        st.caption("A person who started from a model's pre-annotation agrees with it more than with another person.")
        _draw_matrix(report)


def _show_quick(table: pl.DataFrame) -> None:
    if not table["quick"].sum():
        return
    ui.begin_section("Quick reviews")
    st.text("Suggestions left unchanged faster than a person can read the text: 2 s, or 50 characters a second.")
    ui.show_table(table, "quick", {"person": "person"})
    st.caption(
        "This may be careless clicking, a second look, or easy texts. A person stands out where the whole 95 % "
        f"interval lies above the share of the others, from {annotators.MIN_REVIEWS} timed reviews on. Read "
        f"[the samples]({link_samples(state='suspect')}) before you talk to anybody, and do not count these reviews as "
        "evidence that the model is right."
    )


def _show_agreement(report: AgreementReport) -> None:
    n = f"n={report.samples:,}"
    rates = (
        ("Span F1", report.exact, report.exact_interval, "Same span and label, over all pairs of raters"),
        ("Overlap F1", report.overlap, report.overlap_interval, "Overlapping spans with the same label"),
        ("Unlabelled F1", report.unlabelled, report.unlabelled_interval, "Same span, any label"),
    )
    alpha = "–" if report.alpha.alpha is None else f"{report.alpha.alpha:.2f}"
    ui.show_metrics(
        [
            *(
                ui.make_share(name, ShareEstimate(counts.measure_f(), report.samples, interval), explanation)
                for name, counts, interval, explanation in rates
            ),
            ui.Metric("B³", ui.format_share(report.b_cubed.f1), "Clusters of mentions", detail=n),
            ui.Metric("Alpha", alpha, "Krippendorff, by character", detail=n),
        ]
    )


def _draw_matrix(report: AgreementReport) -> None:
    label = st.selectbox("Label", ["", *report.by_label], format_func=lambda code: code or "all labels", width=320)
    pairs = annotators.tabulate_pairs(report, label or "")
    if pairs.is_empty():
        st.text("No sample with this label has two annotations.")
        return
    shown = pairs.with_columns(
        (pl.col("f1") * 100).round(0).cast(pl.Int64).alias("F1 in %"),
        (pl.col("samples") < annotators.MIN_SAMPLES).alias("few"),
    ).select(pl.col("first").alias("rater"), pl.col("second").alias("compared with"), "F1 in %", "samples", "few")
    charts.draw_chart(charts.build_heatmap(shown, "compared with", "rater", "F1 in %", top=100, faint="few"))
    st.caption(f"Cells: span F1 in %. Pale cells are based on fewer than {annotators.MIN_SAMPLES} samples.")
    once = pairs.filter(pl.col("first") < pl.col("second"))
    ui.show_table(once.rename({"f1": "F1", "b_cubed": "B³"}), "agreement")
