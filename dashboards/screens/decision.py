"""Disagreement: decide a sample, region by region, and write the decision back to Label Studio."""

from __future__ import annotations

from typing import Any

import streamlit as st

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labelstudio.adjudication import LONGEST_REASON, Verdict, read_verdicts, write_verdict
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.types import Annotation, Entity, Sample
from goldspan.dashboards import ui
from goldspan.dashboards.state import DashboardState
from goldspan.dashboards.views import adjudication
from goldspan.dashboards.views.adjudication import Difference, Pick
from goldspan.dashboards.views.explore import build_task_url


def draw_decision(state: DashboardState, file: str, record: dict[str, Any]) -> None:
    """Draw the form that decides a sample, and what was decided before."""
    ui.begin_section("Decide")
    sample = read_task(record, state.labels).sample
    place = adjudication.find_place(state.workspace, file, record)
    if place is None:
        st.info("This sample was not pulled from Label Studio, so there is nowhere to write a decision.")
        return
    for entry in read_verdicts(state.workspace):
        if entry.get("sample_id") == sample.sample_id:
            ui.show_text(f"{entry.get('at', '')[:10]}  {entry.get('by')}: {entry.get('reason') or 'no reason given'}")
    pair = adjudication.choose_pair(sample)
    if pair is None:
        return
    first, second = pair
    differences = adjudication.list_regions(first, second)
    with st.form(f"decide-{sample.sample_id}", border=True):
        picks = [_ask(number, one, first, second, sample) for number, one in enumerate(differences)]
        mentions = _ask_mentions(first, second, sample)
        left, right = st.columns(2)
        by = left.text_input("Decided by", key="decided-by", max_chars=120, placeholder="name or e-mail")
        reason = right.text_input("Why", key=f"why-{sample.sample_id}", max_chars=LONGEST_REASON)
        sent = st.form_submit_button("Write as ground truth", type="primary")
    if sent:
        annotation = adjudication.decide(first, second, differences, picks, mentions=mentions)
        try:
            with st.spinner("Writing to Label Studio"):
                write_verdict(state.workspace, state.labels, sample, place, Verdict(annotation, by, reason))
        except GoldspanError as error:
            ui.show_text(str(error))
            if link := build_task_url(state.workspace, file, record):
                st.link_button("Decide in Label Studio", link, icon=":material/open_in_new:")
            return
        st.rerun()
    st.caption(
        "The decision becomes a further annotation, marked as ground truth; nobody's work is changed. A pair of labels "
        "that returns points to an unclear definition: see Labels."
    )


def _ask(number: int, one: Difference, first: Annotation, second: Annotation, sample: Sample) -> Pick:
    names = {
        Pick.FIRST: show_controls(f"{first.author.name}: {_describe(one.first)}"),
        Pick.SECOND: show_controls(f"{second.author.name}: {_describe(one.second)}"),
        Pick.NEITHER: "neither",
    }
    chosen = st.selectbox(
        f"Region {number + 1}", list(Pick), format_func=names.__getitem__, key=f"pick-{sample.sample_id}-{number}"
    )
    return chosen or Pick.FIRST


def _ask_mentions(first: Annotation, second: Annotation, sample: Sample) -> Pick:
    """Whose mentions count; asked only where they differ."""
    if {one.span for one in first.mentions} == {one.span for one in second.mentions}:
        return Pick.FIRST
    names = {Pick.FIRST: show_controls(first.author.name), Pick.SECOND: show_controls(second.author.name)}
    chosen = st.selectbox(
        "Mentions and clusters", list(names), format_func=names.__getitem__, key=f"mentions-{sample.sample_id}"
    )
    return chosen or Pick.FIRST


def _describe(entity: Entity | None) -> str:
    return f"{entity.label} {entity.start}–{entity.end}" if entity else "not marked"
