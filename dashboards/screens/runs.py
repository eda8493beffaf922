"""Runs: live progress of generation runs."""

from __future__ import annotations

import streamlit as st

from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.annotation.wording import format_count
from goldspan.dashboards import charts, ui
from goldspan.dashboards.views import runs
from goldspan.generators.runs.folder import list_runs
from goldspan.training.gate.commands import find_commands

_EVERY = 5.0


def draw() -> None:
    """Draw the page; its figures refresh automatically."""
    _draw_runs()


@st.fragment(run_every=_EVERY)
def _draw_runs() -> None:
    workspace = find_workspace(None)
    found = list_runs(workspace)
    if not found:
        command = find_commands(workspace).on_workspace("goldspan generate start")
        ui.show_empty_state("There are no runs yet:", command)
        return
    ui.show_table(runs.tabulate_runs(found), "runs", {"run": "run"})
    by_name = {progress.run: progress for progress in found}
    name = st.selectbox("Run", list(by_name), key="run")
    chosen = by_name.get(name, found[0])
    st.progress(
        min(1.0, (chosen.done + chosen.dead) / max(chosen.samples, 1)),
        f"{chosen.done:,} of {format_count(chosen.samples, 'sample')} done",
    )
    ui.show_metrics(
        [
            ui.Metric("State", chosen.state, "From the journal of the run"),
            ui.Metric("Batches", ui.format_number(chosen.batches_open), "Open at the provider"),
            ui.Metric(
                "Refused", ui.format_number(chosen.refused), "Answers that failed a check and were requested again"
            ),
            ui.Metric("Dead letters", ui.format_number(chosen.dead), "Items given up after all attempts"),
            ui.Metric("Tokens in", ui.format_number(chosen.tokens_in), "Prompts"),
            ui.Metric("Tokens out", ui.format_number(chosen.tokens_out), "Answers"),
            ui.Metric("Cost", f"${chosen.cost:,.4f}", "US dollars, by the prices of the run"),
        ]
    )
    ui.begin_section("Rows by stage and state")
    stages = runs.tabulate_stages(chosen)
    if stages.is_empty():
        st.text("No requests yet.")
    else:
        charts.draw_bars(stages, "rows", "stage", "state", sort="ascending")
        ui.show_table(stages, "stages")
    scores = runs.tabulate_scores(workspace, chosen.run)
    if not scores.is_empty():
        ui.begin_section("Scores of the judge stage, 1 to 5")
        ui.show_table(scores, "judge-scores")
    letters = runs.list_dead_letters(workspace, chosen.run)
    if not letters.is_empty():
        ui.begin_section("Dead letters")
        ui.show_table(runs.tabulate_reasons(letters), "dead-letter-reasons")
        with st.expander("All dead letters"):
            ui.show_table(letters, "dead-letters")
