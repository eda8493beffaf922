"""What every page needs: the workspace, the label schema, and the mirror, loaded once for all sessions."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from annotation.labels import LabelSchema, load_labels
from annotation.workspace import Workspace, find_workspace
from dashboards.mirror import Mirror, find_version, refresh_mirror


@dataclass(frozen=True, slots=True)
class State:
    """Workspace, labels and mirror of one rerun."""

    workspace: Workspace
    labels: LabelSchema
    mirror: Mirror


def load_state() -> State:
    """The state as of now; files that changed are read again, with a progress bar when that takes long."""
    workspace, labels = find_workspace(None), load_labels()
    version = find_version(workspace, labels)
    return State(workspace, labels, _load_mirror(str(workspace.root.resolve()), version))


@st.cache_resource(max_entries=2, show_spinner=False)
def _load_mirror(root: str, version: str) -> Mirror:
    place = st.empty()

    def show(done: int, total: int) -> None:
        place.progress(done / max(total, 1), f"Reading samples: {done >> 20} of {total >> 20} MiB")

    try:
        return refresh_mirror(find_workspace(None), load_labels(), show)
    finally:
        place.empty()
