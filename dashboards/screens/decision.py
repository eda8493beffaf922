"""Disagreement: decide a sample, region by region, and write the decision back to Label Studio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labelstudio.adjudication import LONGEST_REASON, Verdict, read_verdicts, write_verdict
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.types import Annotation, Entity
from goldspan.dashboards import ui
from goldspan.dashboards.state import DashboardState
from goldspan.dashboards.views import adjudication
from goldspan.dashboards.views.adjudication import Region
from goldspan.dashboards.views.explore import build_task_url
from goldspan.evaluation.matching.annotations import list_raters


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
    reviews = list_raters(sample)
    if len(reviews) < 2:
        return
    with st.form(f"decide-{sample.sample_id}", border=True):
        regions = adjudication.list_regions(reviews)
        chosen = [_ask(f"{number}-{sample.sample_id}", region) for number, region in enumerate(regions, 1)]
        base = _ask_mentions(sample.sample_id, reviews)
        left, right = st.columns(2)
        by = left.text_input("Decided by", key="decided-by", max_chars=120, placeholder="name or e-mail")
        reason = right.text_input("Why", key=f"why-{sample.sample_id}", max_chars=LONGEST_REASON)
        sent = st.form_submit_button("Write as ground truth", type="primary")
    if sent:
        annotation = adjudication.decide(reviews, chosen, base)
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


def _ask(key: str, region: Region) -> tuple[Entity, ...]:
    """Ask which reading of a region is right."""
    readings = {f"{_name(one.people)}: {_describe(one.entities)}": one.entities for one in region.readings}
    if () not in readings.values():
        readings["none of these"] = ()
    name = f"Region {region.start}–{region.end}"
    return readings[st.selectbox(name, list(readings), key=f"region-{key}")]


def _ask_mentions(sample_id: str, reviews: Sequence[Annotation]) -> Annotation:
    """Ask whose mentions and clusters count, where they differ."""
    groups = adjudication.list_clusterings(reviews)
    if len(groups) == 1:
        return reviews[0]
    bases = {_name([review.author.name for review in group]): group[0] for group in groups}
    return bases[st.selectbox("Mentions and clusters", list(bases), key=f"mentions-{sample_id}")]


def _name(people: Sequence[str]) -> str:
    return show_controls(", ".join(people))


def _describe(entities: Sequence[Entity]) -> str:
    return ", ".join(f"{one.label} {one.start}–{one.end}" for one in entities) or "not marked"
