"""Labels: which definitions are unclear."""

from __future__ import annotations

import polars as pl
import streamlit as st

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.edit import edit_label
from goldspan.annotation.labels.schema import Label, find_own_label_file
from goldspan.dashboards import ui
from goldspan.dashboards.state import DashboardState, load_state
from goldspan.dashboards.views import labels
from goldspan.training.gate.commands import find_commands


def draw() -> None:
    """Draw the page."""
    state = load_state()
    table = labels.tabulate_unclear(state.mirror, state.labels)
    if not table["regions"].sum():
        command = find_commands(state.workspace).on_workspace("goldspan studio pull")
        ui.show_empty_state("No pre-annotated sample has been reviewed yet. Review some, then pull them:", command)
        return
    st.text("Labels that people change most, or disagree on most. Unclear: relabelled, resized or disagreed regions.")
    ui.show_table(table, "labels", {"label": "label"}, height=380)
    st.caption("Sorted by the lower end of the 95 % interval of the unclear share, so that few regions prove little.")
    code = st.selectbox("Label", table["label"].to_list(), key="label", bind="query-params", width=420)
    _draw_label(state, code or table["label"][0])


def _draw_label(state: DashboardState, code: str) -> None:
    label = state.labels[code]
    left, right = st.columns(2)
    with left:
        ui.begin_section("Guideline")
        _draw_guideline(state, label)
    with right:
        ui.begin_section("Chosen instead")
        alternatives = labels.tabulate_alternatives(state.mirror, code)
        if alternatives.is_empty():
            st.success("People kept every region of this label.", icon=":material/check_circle:")
        else:
            pair = {"predicted": "predicted", "annotated": "annotated"}
            ui.show_table(alternatives, "alternatives", pair, height=320)
            st.caption("(none): the region was removed or added. Open the samples for examples for the guideline.")
        doubts = labels.tabulate_doubts(state.mirror, code)
        if not doubts.is_empty():
            ui.begin_section("Reasons for doubt")
            rows = doubts.with_columns(pl.lit(code).alias("label"), pl.lit("unsure").alias("state"))
            ui.show_table(rows, "doubts", {"label": "label", "state": "state"})


def _draw_guideline(state: DashboardState, label: Label) -> None:
    """The definition of a label; in a label schema of the project's own it can be changed."""
    ui.show_text(f"{label.code}  {label.name}")
    commands = find_commands(state.workspace)
    try:
        file = find_own_label_file()
    except GoldspanError:
        for line in label.guidance:
            ui.show_text(f"– {line}")
        st.caption("The label schema of Goldspan is read-only. A project has one of its own:")
        st.code("goldspan init", language="bash")
        return
    for line in label.hints:
        ui.show_text(f"– {line}")
    with st.form(f"guideline-{label.code}"):
        texts = {
            field: st.text_area(title, "\n".join(labels.read_guideline(label)[field]), key=f"{field}-{label.code}")
            for field, title in labels.GUIDELINE_FIELDS.items()
        }
        saved = st.form_submit_button("Save in the label schema")
    if saved:
        try:
            edit_label(file, label.code, labels.make_changes(label, texts))
        except GoldspanError as error:
            ui.show_text(str(error))
            return
        st.rerun()
    st.caption("Annotators see it once the project in Label Studio is updated:")
    st.code(commands.on_workspace("goldspan studio migrate --apply"), language="bash")
