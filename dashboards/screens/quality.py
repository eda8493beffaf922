"""Quality: acceptance of pre-annotations, and results of the checks."""

from __future__ import annotations

import altair as alt
import polars as pl
import streamlit as st

from goldspan.annotation.corpus.quality.measure import QualityReport, measure_quality
from goldspan.annotation.errors import RecordError
from goldspan.annotation.wording import format_count
from goldspan.dashboards import charts, ui
from goldspan.dashboards.mirror.sources import load_samples
from goldspan.dashboards.state import DashboardState, load_state, track_progress
from goldspan.dashboards.views import quality
from goldspan.dashboards.views.overview import ShareEstimate
from goldspan.evaluation.audit.ledger import find_audit_ledger, read_audit_ledger
from goldspan.training.gate.commands import find_commands

_AUTOMATIC_CHECKS = 1000
"""Number of samples up to which all checks run automatically."""


_PAIR = {"predicted": "predicted", "annotated": "annotated"}
_GROUPS = {
    "label": {"label": "label"},
    "model version": {"model": "model_version"},
    "label and model version": {"label": "label", "model": "model_version"},
    "person": {"person": "person"},
    "language": {"language": "language"},
}


def draw() -> None:
    """Draw the page."""
    state = load_state()
    if state.mirror["samples"].is_empty():
        ui.show_empty_state("There are no samples yet. Generate some offline:", "goldspan generate start")
        return
    _draw_suspected(state)
    languages = ui.choose_languages(state.mirror["samples"])
    _draw_acceptance(state, languages)
    left, right = st.columns(2)
    with left:
        _draw_issues(state, languages)
    with right:
        _draw_values(state, languages)
        _draw_models(state, languages)
    _draw_skeletons(state, languages)
    _draw_checks(state)


def _draw_suspected(state: DashboardState) -> None:
    """What an audit doubts, and the error rate of what it does not find."""
    ui.begin_section("Suspected label errors")
    try:
        ledger = read_audit_ledger(find_audit_ledger(state.workspace))
    except RecordError as error:
        ui.show_text(str(error))
        return
    commands = find_commands(state.workspace)
    if not ledger.entries:
        st.text("No audit was made. It needs at least 100 reviewed samples:")
        st.code(commands.on_samples("goldspan samples audit", " --folds 5"), language="bash")
        return
    counts, residual = ledger.count(), ledger.measure_residual()
    share = residual.corrected / residual.decided if residual.decided else None
    ui.show_metrics(
        [
            ui.Metric("Open", ui.format_number(counts["open"]), "Audited samples that nobody has decided on"),
            ui.Metric("Corrected", ui.format_number(counts["corrected"]), "Samples whose labels were wrong"),
            ui.Metric("Confirmed", ui.format_number(counts["confirmed"]), "Samples whose labels were right"),
            ui.make_share(
                "Errors left",
                ShareEstimate(share, residual.decided, residual.interval),
                "Samples drawn at random from what the audit did not doubt, and corrected",
            ),
        ]
    )
    table = quality.tabulate_suspected(ledger)
    if not table.is_empty():
        ui.show_table(table, "suspected", {"sample": "sample id"}, height=250)
        st.text("Review them again:")
        st.code(commands.on_workspace("goldspan queue --order label-errors --output batch.jsonl"), language="bash")


def _draw_acceptance(state: DashboardState, languages: list[str]) -> None:
    ui.begin_section("Acceptance of pre-annotations")
    if state.mirror["decisions"].is_empty():
        ui.show_empty_state(
            "No pre-annotated sample has been reviewed yet. Review some, then pull them:",
            find_commands(state.workspace).on_workspace("goldspan studio pull"),
        )
        return
    by = st.segmented_control("By", list(_GROUPS), default="label", key="by", label_visibility="collapsed")
    links = _GROUPS[by or "label"]
    table = quality.tabulate_acceptance(state.mirror, list(links.values()), languages)
    ui.show_table(table, "acceptance", links, height=320)
    _draw_weeks(state, languages)
    confusion = quality.tabulate_confusion(state.mirror, languages)
    ui.begin_section("Predicted against annotated")
    charts.draw_chart(charts.build_heatmap(confusion, "annotated", "predicted", "count", links=_PAIR))
    with st.expander("As a table"):
        ui.show_table(confusion, "confusion", _PAIR)
    confused = quality.list_confused(confusion)
    if not confused.is_empty():
        ui.begin_section("Most often confused")
        ui.show_table(confused, "confused", _PAIR)


def _draw_weeks(state: DashboardState, languages: list[str]) -> None:
    weeks = quality.tabulate_weeks(state.mirror, languages)
    if weeks.height < 2:
        return
    ui.begin_section("First-pass acceptance by week")
    base = alt.Chart(weeks).encode(x=alt.X("week:O", title="week (Monday)", axis=alt.Axis(labelAngle=0)))
    share = alt.Y("share:Q", title="reviews without edits", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    band = base.mark_rule(color=charts.NEUTRAL, strokeWidth=2).encode(y="low:Q", y2="high:Q")
    points = base.mark_line(point=True, color=charts.ANNOTATED).encode(
        y=share, tooltip=["week", "reviews", alt.Tooltip("share:Q", format=".0%"), "low", "high"]
    )
    charts.draw_chart((band + points).properties(height=220))
    st.caption("Grey lines: 95 % intervals. Samples labelled by priority are harder than random ones.")


def _draw_issues(state: DashboardState, languages: list[str]) -> None:
    ui.begin_section("Issues")
    issues = quality.tabulate_issues(state.mirror, languages)
    if issues.is_empty():
        st.success("No issues found.", icon=":material/check_circle:")
    else:
        ui.show_table(issues, "issues", {"issue": "code"})


def _draw_values(state: DashboardState, languages: list[str]) -> None:
    ui.begin_section("Invalid values")
    invalid = quality.tabulate_invalid_values(state.mirror, languages)
    if invalid.is_empty():
        st.success("Check digits, formats and ranges are valid.", icon=":material/check_circle:")
    else:
        ui.show_table(
            invalid.with_columns(issue=pl.lit("invalid_value")), "invalid-values", {"label": "label", "issue": "issue"}
        )


def _draw_models(state: DashboardState, languages: list[str]) -> None:
    models = quality.tabulate_models(state.mirror, languages)
    if not models.is_empty():
        ui.begin_section("Models")
        ui.show_table(models.with_columns(pl.col("mean score").round(3)), "models", {"model": "model_version"})


def _draw_skeletons(state: DashboardState, languages: list[str]) -> None:
    ui.begin_section("Repeated skeletons")
    skeletons = quality.list_repeated_skeletons(state.mirror, languages)
    if skeletons.is_empty():
        st.success("No two samples share a skeleton.", icon=":material/check_circle:")
        return
    repeated = quality.count_repeated(state.mirror, languages)
    st.text(f"{format_count(repeated, 'sample')} with the skeleton (the text with labels for entities) of another.")
    ui.show_table(skeletons, "skeletons", {"sample": "example"})


def _draw_checks(state: DashboardState) -> None:
    ui.begin_section("Data set checks")
    total = state.mirror["samples"].height
    key = f"checks-{state.mirror.version}"
    if total > _AUTOMATIC_CHECKS and not st.session_state.get(key):
        st.text(f"Near-duplicates, label conflicts and diversity need all {total:,} texts to be read again.")
        if not st.button("Run all checks", icon=":material/fact_check:"):
            return
        st.session_state[key] = True
    report = _measure(state.mirror.version, state)
    ui.show_table(quality.tabulate_quality(report), "checks")
    conflicts = quality.tabulate_conflicts(report)
    ui.begin_section("Label conflicts")
    if conflicts.is_empty():
        st.success("Every surface form has one label throughout.", icon=":material/check_circle:")
    else:
        st.text("Surface forms with more than one label, by their labels:")
        ui.show_table(conflicts, "conflicts")


@st.cache_data(max_entries=2, show_spinner=False)
def _measure(version: str, _state: DashboardState) -> QualityReport:
    places = _state.mirror["samples"]
    samples = load_samples(_state.workspace, places, _state.labels)
    return measure_quality(track_progress(samples, places.height, "Checking samples"), _state.labels)
