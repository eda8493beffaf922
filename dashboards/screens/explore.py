"""Explore: find samples and compare their annotations side by side."""

from __future__ import annotations

import hashlib
from typing import Any

import polars as pl
import streamlit as st

from goldspan.annotation.checks import CODES, check_sample
from goldspan.annotation.tasks.codec import DecodedTask, read_task
from goldspan.dashboards import ui
from goldspan.dashboards.highlight import render_html
from goldspan.dashboards.mirror.sources import find_record
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import explore

_PAGE = 50


def draw() -> None:
    """Draw the page."""
    ui.begin_page("Explore")
    state = load_state()
    if state.mirror["samples"].is_empty():
        ui.show_empty_state(
            "There are no samples yet. Import your own texts, or generate some:", "goldspan generate start"
        )
        return
    found = explore.find_samples(state.mirror, _choose_query(state))
    if found.is_empty():
        st.info("No sample matches the filter. Remove a condition.", icon=":material/search_off:")
        return
    row = _choose(found)
    record = find_record(state.workspace, row["file"], row["sample_id"], row["offset"])
    if record is None:
        st.warning("The file has changed since. Reload the page.")
        return
    _draw_sample(state, row["file"], record)


def _choose_query(state: DashboardState) -> explore.Query:
    samples, known = state.mirror["samples"], explore.list_labels(state.mirror, state.labels)
    with st.expander("Filter", icon=":material/filter_alt:"):
        left, right = st.columns(2)
        languages = left.multiselect("Language", _list_words(samples, "language"))
        types = left.multiselect("Document type", _list_words(samples, "document_type"))
        id_prefix = left.text_input("Sample id starts with", st.query_params.get("sample", ""), max_chars=80)
        labels = right.multiselect("Has labels", known)
        progress = right.selectbox("State", ["", *explore.STATES], format_func=_name_any)
        issue = right.selectbox("Has issue", ["", *CODES], format_func=_name_any)
    return explore.Query(tuple(languages), tuple(labels), tuple(types), progress, issue, id_prefix.strip())


def _list_words(samples: pl.DataFrame, column: str) -> list[str]:
    return sorted(samples[column].cast(pl.String).unique())


def _name_any(value: str) -> str:
    return value or "any"


def _choose(found: pl.DataFrame) -> dict[str, Any]:
    """Show one page of the list; return the selected row, else the first.

    The selection holds as long as the page shows the same samples.
    """
    pages = -(-found.height // _PAGE)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.text(f"{found.height:,} samples, {_PAGE} a page; select a row to open it")
    page = int(right.number_input(f"Page of {pages:,}", 1, pages, 1)) if pages > 1 else 1
    shown = found.slice((page - 1) * _PAGE, _PAGE)
    ids = "\n".join(shown["sample_id"])
    event = st.dataframe(
        shown.drop("file", "offset"),
        hide_index=True,
        width="stretch",
        column_config={name: name.replace("_", " ") for name in shown.columns},
        on_select="rerun",
        selection_mode="single-row",
        key=f"found-{hashlib.sha256(ids.encode()).hexdigest()}",
        height=min(250, 36 * shown.height + 40),
    )
    st.download_button(
        f"Download all {found.height:,} as CSV",
        lambda: ui.write_csv(found.drop("file", "offset")),
        file_name="samples.csv",
        mime="text/csv",
        key="csv-samples",
        icon=":material/download:",
        type="tertiary",
    )
    chosen = event.selection.rows[0] if event.selection.rows else 0
    return shown.row(min(chosen, shown.height - 1), named=True)


def _draw_sample(state: DashboardState, file: str, record: dict[str, Any]) -> None:
    decoded = read_task(record, state.labels)
    sample = decoded.sample
    st.text(f"{sample.sample_id}    {sample.language} {sample.country}    {sample.document_type}    {file}")
    with st.container(horizontal=True, vertical_alignment="center"):
        show = st.toggle("Show hidden text", help="Entity text stays hidden until you turn this on")
        if link := explore.build_task_url(state.workspace, file, record):
            st.link_button("Open in Label Studio", link, icon=":material/open_in_new:")
    names = explore.name_annotations(sample)
    if names:
        _draw_side_by_side(state, decoded, names, show)
    else:
        st.html(render_html(sample.text, None, state.labels, show_surfaces=show))
    for issue in (*decoded.issues, *check_sample(sample, state.labels)):
        by = f"{names[issue.annotation_index]}: " if issue.annotation_index >= 0 else ""
        st.text(f"{issue.severity}  {issue.code}  {by}{issue.message}")


def _draw_side_by_side(state: DashboardState, decoded: DecodedTask, names: list[str], show: bool) -> None:
    sample = decoded.sample
    hidden = explore.list_hidden_spans(decoded)
    columns = st.columns(2 if len(names) > 1 else 1)
    chosen = []
    for number, column in enumerate(columns):
        with column:
            at = st.selectbox(
                "Annotation by",
                range(len(names)),
                number,
                format_func=names.__getitem__,
                key=f"by-{number}-{sample.sample_id}",
            )
            chosen.append(sample.annotations[at])
            with st.container(border=True):
                html = render_html(sample.text, chosen[-1], state.labels, show_surfaces=show, hidden=hidden)
                st.html(html)
    if len(chosen) == len(columns) > 1:
        differences = explore.list_differences(chosen[0], chosen[1])
        if differences.is_empty():
            st.text("Both annotations mark the same entities.")
        else:
            ui.show_table(differences, "differences")
