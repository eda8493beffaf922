"""Explore: find samples and open them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from goldspan.annotation.checks import CODES
from goldspan.dashboards import ui
from goldspan.dashboards.links import describe_query
from goldspan.dashboards.mirror.sources import find_record
from goldspan.dashboards.screens.sample import draw_sample
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import explore, quality
from goldspan.dashboards.views.overview import name_samples
from goldspan.training.gate.commands import find_commands

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

_PAGE = 50


def draw() -> None:
    """Draw the page."""
    state = load_state()
    if state.mirror["samples"].is_empty():
        command = find_commands(state.workspace).on_workspace("goldspan generate start")
        ui.show_empty_state("There are no samples yet. Import your own texts, or generate some:", command)
        return
    query = _choose_query(state)
    if conditions := describe_query(query):
        ui.show_text(f"Filter: {conditions}")
    found = explore.find_samples(state.mirror, query)
    if found.is_empty():
        st.info("No sample matches the filter. Remove a condition.", icon=":material/search_off:")
        return
    if link := explore.build_tab_url(state.workspace, found):
        st.link_button(f"Open these tasks in Label Studio ({found.height})", link, icon=":material/open_in_new:")
    row = _choose(found)
    record = find_record(state.workspace, row["file"], row["sample_id"], row["offset"])
    if record is None:
        st.warning("The file has changed since. Reload the page.")
        return
    draw_sample(state, row["file"], record)


def _choose_query(state: DashboardState) -> explore.Query:
    """Draw the filter; the address of the page holds it, so that it can be shared and linked to."""
    mirror = state.mirror
    samples, known = mirror["samples"], explore.list_labels(mirror, state.labels)
    pairs = [*known, explore.NONE]
    texts: dict[str, str] = {}
    with st.expander("Filter", icon=":material/filter_alt:"):
        columns = st.columns(3)
        languages = _choose_many(columns[0], "Language", "language", _list_words(samples, "language"))
        types = _choose_many(columns[1], "Document type", "document_type", _list_words(samples, "document_type"))
        labels = _choose_many(columns[2], "Has labels", "label", known)
        choices: list[tuple[str, str, Sequence[str]]] = [
            ("State", "state", explore.STATES),
            ("Has issue", "issue", tuple(CODES)),
            ("Reviewed by", "person", _list_words(mirror["reviews"], "person")),
            ("Model version", "model", _list_words(samples, "model_version")),
            ("Outcome of a region", "outcome", quality.OUTCOMES),
            ("Predicted as", "predicted", pairs),
            ("Annotated as", "annotated", pairs),
            ("People disagree on", "disagreement", explore.list_pairs(mirror)),
            ("Day of a review", "day", explore.list_days(mirror)),
            ("File", "file", _list_words(samples, "file")),
            ("Run", "run", _list_words(samples, "run")),
        ]
        for number, (title, name, options) in enumerate(choices):
            texts[name] = _choose_one(columns[number % 3], title, name, options)
        sample = columns[2].text_input("Sample id starts with", key="sample", max_chars=80, bind="query-params")
        field = columns[1].text_input("Own fields contain", key="field", max_chars=80, bind="query-params")
    return explore.Query(
        tuple(languages), tuple(labels), tuple(types), sample=sample.strip(), field=field.strip(), **texts
    )


def _choose_many(place: DeltaGenerator, title: str, name: str, options: list[str]) -> list[str]:
    return place.multiselect(title, options, key=name, bind="query-params", placeholder="any")


def _choose_one(place: DeltaGenerator, title: str, name: str, options: Sequence[str]) -> str:
    given = ["", *(option for option in options if option)]
    return place.selectbox(title, given, key=name, format_func=_name_any, bind="query-params") or ""


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
    left.text(f"{name_samples(found.height)}, {_PAGE} a page; select a row to open it")
    page = int(right.number_input(f"Page of {pages:,}", 1, pages, 1)) if pages > 1 else 1
    shown = found.slice((page - 1) * _PAGE, _PAGE)
    ids = "\n".join(shown["sample_id"])
    event = st.dataframe(
        shown.drop("file", "offset", "task"),
        hide_index=True,
        width="stretch",
        column_config={name: name.replace("_", " ") for name in shown.columns},
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        key=f"found-{hashlib.sha256(ids.encode()).hexdigest()}",
        height=ui.fit_rows(shown, 250),
    )
    st.download_button(
        f"Download {name_samples(found.height)} as CSV",
        lambda: ui.write_csv(found.drop("file", "offset", "task")),
        file_name="samples.csv",
        mime="text/csv",
        key="csv-samples",
        icon=":material/download:",
        type="tertiary",
    )
    chosen = event.selection.rows[0] if event.selection.rows else 0
    return shown.row(min(chosen, shown.height - 1), named=True)
