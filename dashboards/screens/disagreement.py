"""Disagreement: on which labels and spans people differ."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.dashboards import ui
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.mirror.sources import find_record
from goldspan.dashboards.screens import decision
from goldspan.dashboards.screens.sample import draw_sample
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import disagreement, explore
from goldspan.dashboards.views.overview import ShareEstimate
from goldspan.evaluation.scores.wilson import measure_wilson
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    shared = state.mirror["samples"].filter(pl.col("reviews") > 1).height
    if not shared:
        command = find_commands(state.workspace).on_workspace("goldspan studio push --overlap 0.2")
        ui.show_empty_state("No sample has reviews by two people. Assign a share to two people:", command)
        return
    table = state.mirror["disagreements"]
    differing = table["sample"].n_unique()
    ui.show_metrics(
        [
            ui.Metric(
                "Doubly reviewed", ui.format_number(shared), "By two people", link_samples(state="several people")
            ),
            ui.make_share(
                "With differences",
                ShareEstimate(differing / shared, shared, measure_wilson(differing, shared)),
                "Samples on which people differ",
                link_samples(state="disagreement"),
            ),
            ui.Metric("Regions", ui.format_number(table.height), "Regions on which two people differ"),
            ui.Metric(
                "Decided",
                ui.format_number(disagreement.count_decided(state.mirror)),
                "Samples with differences and an annotation marked as ground truth",
                link_samples(state="decided"),
                f"of {differing}",
            ),
        ]
    )
    if table.is_empty():
        st.success("People agree on every region.", icon=":material/check_circle:")
        return
    ui.begin_section("Pairs of labels")
    pairs = disagreement.tabulate_label_pairs(state.mirror)
    ui.show_table(pairs, "label-pairs", {"disagreement": "labels"}, height=280)
    _draw_samples(state)


def _draw_samples(state: DashboardState) -> None:
    ui.begin_section("Samples to decide")
    left, right, far = st.columns([3, 3, 2], vertical_alignment="bottom")
    pair = left.selectbox(
        "Labels", ["", *explore.list_pairs(state.mirror)], key="labels", format_func=_name_any, bind="query-params"
    )
    person = right.selectbox(
        "Person",
        ["", *disagreement.list_people(state.mirror)],
        key="person",
        format_func=_name_any,
        bind="query-params",
    )
    decided = far.toggle("Include decided", key="decided", bind="query-params")
    found = disagreement.list_samples(state.mirror, pair or "", person or "", decided=bool(decided))
    if found.is_empty():
        st.info("No undecided sample matches.", icon=":material/search_off:")
        return
    event = ui.show_table(
        found.drop("file", "offset"),
        "disagreements",
        {"sample": "sample_id"},
        on_select="rerun",
        selection_mode="single-row",
        key=f"disagreements-{pair}-{person}",
        height=250,
    )
    at = event.selection.rows[0] if event.selection.rows else 0
    row = found.row(min(at, found.height - 1), named=True)
    record = find_record(state.workspace, row["file"], row["sample_id"], row["offset"])
    if record is None:
        st.warning("The file has changed since. Reload the page.")
        return
    draw_sample(state, row["file"], record, to_decide=True)
    decision.draw_decision(state, row["file"], record)


def _name_any(value: str) -> str:
    return value or "any"
