"""Runs: generation as it happens."""

from __future__ import annotations

import polars as pl
import streamlit as st

from annotation.workspace import find_workspace
from dashboards import ui
from dashboards.views import runs

_EVERY = 5.0


def draw() -> None:
    """Draw the page; its figures follow the runs by themselves."""
    st.title("Runs")
    _draw_runs()


@st.fragment(run_every=_EVERY)
def _draw_runs() -> None:
    workspace = find_workspace(None)
    table = runs.tabulate_runs(workspace)
    if table.is_empty():
        ui.say_empty("There are no runs yet:", "goldspan generate start")
        return
    ui.show_table(table, "runs")
    name = st.selectbox("Run", table["run"].to_list(), key="run")
    row = table.filter(pl.col("run") == name).row(0, named=True)
    st.progress(
        min(1.0, (row["done"] + row["dead"]) / max(row["samples"], 1)), f"{row['done']} of {row['samples']} done"
    )
    ui.show_metrics(
        [
            ("State", row["state"], "As its journal says"),
            ("Refused answers", ui.show_number(row["refused"]), "Answers that failed a check and were asked again"),
            ("Dead letters", ui.show_number(row["dead"]), "Items given up after all attempts"),
            ("Tokens in", ui.show_number(row["tokens_in"]), "Prompts"),
            ("Tokens out", ui.show_number(row["tokens_out"]), "Answers"),
            ("Cost", f"${row['cost']:,.4f}", "US dollars, by the prices of the run"),
        ]
    )
    st.subheader("Rows by stage and state")
    ui.show_table(runs.tabulate_stages(workspace, name), "stages")
    letters = runs.list_dead_letters(workspace, name)
    if not letters.is_empty():
        st.subheader("Dead letters")
        ui.show_table(letters, "dead-letters")
