"""Hand-over: the gate, and the frozen versions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import polars as pl
import streamlit as st

from goldspan.annotation.errors import GoldspanError, RecordError
from goldspan.annotation.wording import format_count
from goldspan.dashboards import ui
from goldspan.dashboards.state import DashboardState, load_state, load_verdict
from goldspan.dashboards.views import handover
from goldspan.training.bundle.freeze import freeze_version
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.report import list_warnings, show_sizes
from goldspan.training.gate.commands import find_commands
from goldspan.training.gate.verdict import GateVerdict, show_bound, show_found


def draw() -> None:
    """Draw the page."""
    state = load_state()
    verdict = load_verdict(state)
    if verdict.open:
        st.success(f"The gate is open for {verdict.reviewed} reviewed samples.", icon=":material/lock_open:")
    else:
        closed = f"{len(verdict.closed)} of {len(verdict.criteria)} criteria are not met."
        why = closed if verdict.closed else "no sample is reviewed."
        st.error(f"The gate is closed: {why}", icon=":material/lock:")
    for note in verdict.notes:
        st.text(note)
    for criterion in verdict.criteria:
        with st.container(border=True):
            mark = ":green[:material/check_circle:]" if criterion.passed else ":red[:material/cancel:]"
            link = handover.link_criterion(criterion.name)
            found = "nothing to measure" if criterion.value is None else show_found(criterion)
            st.markdown(f"{mark} **[{criterion.question}]({link})** found {found}, wanted {show_bound(criterion)}")
            if criterion.detail:
                st.text(criterion.detail)
            if not criterion.passed and criterion.fix:
                st.code(criterion.fix, language="bash")
    with st.expander("As a table"):
        ui.show_table(handover.tabulate_verdict(verdict), "gate")
    st.caption("The same verdict on the command line; the thresholds are in gate.toml in the workspace:")
    st.code(find_commands(state.workspace).on_workspace("goldspan gate"), language="bash")
    _offer_freeze(state, verdict)
    _draw_versions(state)


def _offer_freeze(state: DashboardState, verdict: GateVerdict) -> None:
    ui.begin_section("Freeze a version")
    st.session_state.setdefault("version-name", f"v{datetime.now(UTC):%Y%m%d-%H%M}")
    name = st.text_input("Name", key="version-name", max_chars=80)
    if st.button("Freeze version", disabled=not verdict.open, icon=":material/ac_unit:", type="primary"):
        lost: list[RecordError] = []
        try:
            with st.spinner("Splitting and writing"):
                settings = BundleSettings(name, reviewed_only=True)
                folder, manifest = freeze_version(state.workspace, state.labels, settings, on_error=lost.append)
        except GoldspanError as error:
            st.error("Nothing was frozen:")
            st.text(str(error))
        else:
            st.success(f"Froze {format_count(manifest['data']['samples'], 'sample')}.")
            st.text(f"{show_sizes(manifest)}\n{folder}")
            warnings = list_warnings(manifest)
            if lost:
                warnings.append(f"Left out: {format_count(len(lost), 'record')} that cannot be read whole.")
            for warning in warnings:
                st.warning(warning)
    if not verdict.open:
        st.caption("The gate must be open first.")


def _draw_versions(state: DashboardState) -> None:
    if versions := handover.list_versions(state.workspace):
        ui.begin_section("Frozen versions")
        ui.show_table(pl.DataFrame([asdict(version) for version in versions]), "versions")
