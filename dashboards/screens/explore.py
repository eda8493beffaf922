"""Explore: find samples and read them, two readings side by side."""

from __future__ import annotations

import streamlit as st

from annotation.checks import CODES
from annotation.tasks import Reading, read_task
from dashboards import ui
from dashboards.mirror import find_record
from dashboards.reading import render_html
from dashboards.state import State, load_state
from dashboards.views import explore


def draw() -> None:
    """Draw the page."""
    st.title("Explore")
    state = load_state()
    if state.mirror["samples"].is_empty():
        ui.say_empty("There are no samples yet. Bring your own in, or have some written:", "goldspan generate start")
        return
    found = explore.find_samples(state.mirror, _ask(state))
    st.write(f"{found.height:,} samples")
    if found.is_empty():
        return
    size = 50
    pages = -(-found.height // size)
    page = st.number_input("Page", 1, pages, 1) if pages > 1 else 1
    shown = found.slice((page - 1) * size, size)
    event = ui.show_table(
        shown.drop("file", "offset"), "samples", on_select="rerun", selection_mode="single-row", key=f"found-{page}"
    )
    chosen = event.selection.rows[0] if event.selection.rows else 0
    row = shown.row(min(chosen, shown.height - 1), named=True)
    record = find_record(state.workspace, row["file"], row["sample_id"], row["offset"])
    if record is None:
        st.warning("The file has changed since; look again.")
        return
    _read(state, row["file"], record)


def _ask(state: State) -> explore.Query:
    samples = state.mirror["samples"]
    with st.expander("Filter", expanded=True):
        left, right = st.columns(2)
        languages = left.multiselect("Language", sorted(samples["language"].unique().to_list()))
        types = left.multiselect("Document type", sorted(samples["document_type"].unique().to_list()))
        beginning = left.text_input("Sample id begins with")
        labels = right.multiselect("Has the labels", [label.code for label in state.labels.entities])
        progress = right.selectbox("State", ["", *explore.STATES])
        issue = right.selectbox("Has the issue", ["", *CODES])
    return explore.Query(tuple(languages), tuple(labels), tuple(types), progress, issue, beginning.strip())


def _read(state: State, file: str, record: dict[str, object]) -> None:
    reading = read_task(record, state.labels)
    sample = reading.sample
    st.subheader("Reading")
    st.text(f"{sample.sample_id}   {sample.language} {sample.country}   {sample.document_type}")
    show = st.toggle("Show what the entities hide", help="Surfaces stay hidden until you ask for them")
    link = explore.find_link(state.workspace, file, record)
    if link:
        st.link_button("Open in Label Studio", link, icon=":material/open_in_new:")
    names = explore.name_annotations(sample)
    if not names:
        st.html(render_html(sample.text, None, state.labels, show_surfaces=show))
        return
    _draw_side_by_side(state, reading, names, show)
    for issue in reading.issues:
        st.text(f"{issue.code}: {issue.message}")


def _draw_side_by_side(state: State, reading: Reading, names: list[str], show: bool) -> None:
    annotations = reading.sample.annotations
    columns = st.columns(2 if len(names) > 1 else 1)
    for number, column in enumerate(columns):
        with column:
            at = st.selectbox(
                "Reading by", range(len(names)), number, format_func=names.__getitem__, key=f"by-{number}"
            )
            with st.container(border=True):
                st.html(render_html(reading.sample.text, annotations[at], state.labels, show_surfaces=show))
