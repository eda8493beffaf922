"""State shared by all pages: workspace, label schema and mirror, loaded once for all sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from goldspan.annotation.errors import show_name
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.workspace import Workspace, find_workspace, find_workspace_project
from goldspan.dashboards.mirror.refresh import Mirror, find_version, refresh_mirror
from goldspan.dashboards.mirror.sources import load_samples
from goldspan.dashboards.views import annotators
from goldspan.dashboards.views.handover import count_best_entities
from goldspan.evaluation.people.agreement import AgreementReport, measure_agreement
from goldspan.training.gate.judge import judge_workspace
from goldspan.training.gate.verdict import GateVerdict

T = TypeVar("T")
_STEPS = 100


@dataclass(frozen=True, slots=True)
class DashboardState:
    """Workspace, labels and mirror of one rerun."""

    workspace: Workspace
    labels: LabelSchema
    mirror: Mirror


def name_project() -> str:
    """Name the project shown; without one, the folder of the workspace, or the one above a folder named `data`."""
    workspace = find_workspace(None)
    if project := find_workspace_project(workspace):
        return project.name
    root = workspace.root.resolve()
    return show_name(root.parent.name if root.name == "data" and root.parent.name else root.name)


def load_state() -> DashboardState:
    """Load the current state and say if it is a part of the samples; changed files are read again, with a bar."""
    workspace, labels = find_workspace(None), load_labels()
    version = find_version(workspace, labels)
    mirror = _load_mirror(str(workspace.root.resolve()), version)
    if mirror.share < 1:
        st.info(
            f"The workspace is too large to be shown whole. These are {mirror['samples'].height:,} samples: all of "
            f"`training_samples`, and 1 in {round(1 / mirror.share)} of the others, drawn at random. "
            "`goldspan samples quality data/annotation_samples --engine local -o quality` counts all.",
            icon=":material/info:",
        )
    return DashboardState(workspace, labels, mirror)


@st.cache_resource(max_entries=1, show_spinner=False)
def _load_mirror(root: str, version: str) -> Mirror:
    place = st.empty()

    def show(done: int, total: int) -> None:
        place.progress(done / max(total, 1), f"Reading samples: {done >> 20} of {total >> 20} MiB")

    try:
        return refresh_mirror(find_workspace(None), load_labels(), show)
    finally:
        place.empty()


def track_progress(items: Iterable[T], total: int, task: str) -> Iterator[T]:
    """Yield the items and show a progress bar."""
    place = st.empty()
    every = max(1, total // _STEPS)
    for number, item in enumerate(items):
        if number % every == 0:
            place.progress(min(1.0, number / max(total, 1)), f"{task}: {number:,} of {total:,}")
        yield item
    place.empty()


def load_agreement(state: DashboardState, *, models: bool) -> AgreementReport:
    """Measure agreement of people, and of models with them, over all samples with two annotations."""
    return _measure_agreement(state.mirror.version, state, models=models)


@st.cache_data(max_entries=4, show_spinner=False)
def _measure_agreement(version: str, _state: DashboardState, *, models: bool) -> AgreementReport:
    shared = annotators.find_shared(_state.mirror, models=models)
    samples = load_samples(_state.workspace, shared, _state.labels)
    return measure_agreement(track_progress(samples, shared.height, "Comparing raters"), models=models)


def load_verdict(state: DashboardState) -> GateVerdict:
    """Judge the gate over the reviewed samples."""
    own = state.workspace.root / "gate.toml"
    stamp = own.stat().st_mtime_ns if own.exists() else 0
    targets = [(label.code, label.target) for label in state.labels.entities]
    return _judge(f"{state.mirror.version} {stamp} {targets}", state)


@st.cache_data(max_entries=4, show_spinner="Judging the reviewed samples")
def _judge(version: str, _state: DashboardState) -> GateVerdict:
    return judge_workspace(_state.workspace, _state.labels, find_best=lambda: count_best_entities(_state.mirror))
