"""Simulation: what an order of work and retraining would save, by `goldspan loop simulate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.dashboards import charts, ui
from goldspan.training.gate.commands import find_commands
from goldspan.training.loop.simulation.report import find_simulation, read_document


def draw() -> None:
    """Draw the page."""
    workspace = find_workspace(None)
    file = find_simulation(workspace)
    if not file.is_file():
        command = find_commands(workspace).on_workspace("goldspan loop simulate")
        ui.show_empty_state("No simulation was run in this workspace. It needs no reviews, and takes minutes:", command)
        return
    document = read_document(file)
    orders, *others = document["tables"]
    ui.show_text(orders["note"])
    curves = pl.DataFrame(document["curves"])
    left, right = st.columns(2)
    with left:
        ui.begin_section("Strict F1 of the newest model")
        _draw_curve(curves, "hours", "f1", "estimated hours of work", "strict F1")
    with right:
        ui.begin_section("Edits a sample")
        _draw_curve(curves, "reviews", "edits", "reviews", "edits with the model in service")
    st.caption("Lines: means over the seeds; bands: 95 % intervals.")
    _draw_table(orders, "orders")
    for table in others:
        _draw_table(table, "suggestions")
        st.caption(table["note"])
    ui.begin_section("What was simulated")
    ui.show_text(document["about"])


def _draw_table(table: Mapping[str, Any], name: str) -> None:
    ui.begin_section(table["title"])
    rows = pl.DataFrame(table["rows"], schema=table["columns"], orient="row")
    ui.show_table(rows, f"simulation-{name}", figures=table["columns"][1:])


def _draw_curve(curves: pl.DataFrame, across: str, up: str, x_name: str, y_name: str) -> None:
    axis = alt.Scale(zero=False)
    base = alt.Chart(curves).encode(x=alt.X(f"{across}:Q", title=x_name, scale=axis), color=charts.color_by("order"))
    band = base.mark_area(opacity=0.15).encode(y=alt.Y(f"{up}_low:Q", title=y_name, scale=axis), y2=f"{up}_high:Q")
    tooltip = ["order", "reviews", "seeds", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in (across, up))]
    line = base.mark_line(point=True).encode(y=alt.Y(f"{up}:Q", title=y_name, scale=axis), tooltip=tooltip)
    charts.draw_chart((band + line).properties(height=320))
