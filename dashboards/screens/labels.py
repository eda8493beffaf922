"""Labels: which definitions are unclear."""

from __future__ import annotations

import streamlit as st

from goldspan.annotation.labels.schema import find_label_file
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
        ui.show_text(f"{label.code}  {label.name}")
        for line in label.guidance:
            ui.show_text(f"– {line}")
        if not label.guidance:
            st.text("This label has no guideline: annotators see only its name.")
        st.caption("Edit the label in the label schema, then update the project in Label Studio:")
        commands = find_commands(state.workspace)
        st.code(f"{find_label_file()}\n{commands.on_workspace('goldspan studio migrate --plan')}", language=None)
    with right:
        ui.begin_section("Chosen instead")
        alternatives = labels.tabulate_alternatives(state.mirror, code)
        if alternatives.is_empty():
            st.success("People kept every region of this label.", icon=":material/check_circle:")
        else:
            pair = {"predicted": "predicted", "annotated": "annotated"}
            ui.show_table(alternatives, "alternatives", pair, height=min(320, 36 * alternatives.height + 40))
            st.caption("(none): the region was removed or added. Open the samples for examples for the guideline.")
