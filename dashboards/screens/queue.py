"""Queue: which samples to label next."""

from __future__ import annotations

import streamlit as st

from goldspan.annotation.corpus.queue import LabelQueue
from goldspan.annotation.labelstudio.push.receipt import read_pushed
from goldspan.dashboards import ui
from goldspan.dashboards.links import link_samples
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import queue
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    commands = find_commands(state.workspace)
    if state.mirror["samples"].is_empty():
        start = commands.on_workspace("goldspan generate start")
        ui.show_empty_state("There are no samples yet. Generate some offline:", start)
        return
    left, right, far = st.columns([1, 1, 2], vertical_alignment="bottom")
    size = int(left.number_input("Samples", 5, 200, 20, step=5, key="size", bind="query-params"))
    seed = int(right.number_input("Seed of the reserve", 0, 10**6, 0, key="seed", bind="query-params"))
    include = far.toggle(
        "Include pushed", key="pushed", bind="query-params", help="Also rank samples that are in Label Studio already"
    )
    pushed = read_pushed(state.workspace)
    found = _plan(state.mirror.version, state, size, seed, frozenset() if include else frozenset(pushed))
    if not found.entries:
        st.info("No sample waits for a review outside Label Studio.", icon=":material/check_circle:")
        _draw_reserve(state, seed)
        return
    minutes = sum(entry.seconds for entry in found.entries) / 60
    reserve = sum(entry.reserve for entry in found.entries)
    ui.show_metrics(
        [
            ui.Metric(
                "Waiting", ui.format_number(found.waiting), "Unreviewed samples", link_samples(state="not reviewed")
            ),
            ui.Metric("In the batch", ui.format_number(len(found.entries)), "Samples to label next"),
            ui.Metric("Reserve", ui.format_number(reserve), "Of these, chosen at random; judge progress by them alone"),
            ui.Metric("Time", ui.format_number(minutes, " min"), "Estimated from length and number of entities"),
        ]
    )
    table = queue.tabulate_queue(found, pushed)
    ui.show_table(table if include else table.drop("pushed"), "queue", {"sample": "sample_id"}, height=360)
    for note in found.notes:
        st.caption(note)
    st.text("Write the batch to a file and push it in this order:")
    options = f" --size {size}" + (f" --seed {seed}" if seed else "") + (" --include-pushed" if include else "")
    push = commands.on_workspace("goldspan studio push queue.jsonl")
    st.code(f"{commands.on_workspace(f'goldspan queue{options} --output queue.jsonl')}\n{push}", language="bash")
    gain = queue.tabulate_gain(state.mirror, state.labels, found)
    if not gain.is_empty():
        ui.begin_section("Labels below target in this batch")
        ui.show_table(gain, "queue-gain", {"label": "label"})
    _draw_reserve(state, seed)


@st.cache_data(max_entries=8, show_spinner="Ranking the samples")
def _plan(version: str, _state: DashboardState, size: int, seed: int, pushed: frozenset[str]) -> LabelQueue:
    return queue.plan_queue(_state.mirror, _state.labels, size=size, seed=seed, exclude=pushed)


def _draw_reserve(state: DashboardState, seed: int) -> None:
    ui.begin_section("Progress on the random reserve")
    reviewed, first_pass, kept = queue.measure_reserve(state.mirror, seed)
    if not reviewed:
        st.text("No sample of the reserve is reviewed yet.")
        return
    ui.show_metrics(
        [
            ui.Metric("Reviewed", ui.format_number(reviewed), "Samples of the reserve, without control samples"),
            ui.make_share("First pass", first_pass, "Reviews that changed nothing"),
            ui.make_share("Kept", kept, "Pre-annotated regions that people left unchanged"),
        ]
    )
    st.caption(
        "Samples chosen by priority are harder than the rest. The reserve is random, so its figures are unbiased."
    )
