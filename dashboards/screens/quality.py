"""Quality: what people changed, and what the checks found."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards import ui
from dashboards.state import load_state
from dashboards.views import quality


def draw() -> None:
    """Draw the page."""
    st.title("Quality")
    state = load_state()
    mirror = state.mirror
    languages = ui.choose_languages(mirror["samples"])
    st.subheader("What became of pre-annotations")
    if mirror["decisions"].is_empty():
        ui.say_empty(
            "No pre-annotated sample has been reviewed yet. Review some, then bring them back:", "goldspan studio pull"
        )
    else:
        by = st.segmented_control("By", ["label", "model_version", "person", "language"], default="label", key="by")
        ui.show_table(quality.tabulate_acceptance(mirror, [by or "label"], languages), "acceptance")
        confusion = quality.tabulate_confusion(mirror, languages)
        st.subheader("Predicted against annotated")
        ui.draw_heatmap(confusion, "annotated", "predicted", "count")
        confused = quality.list_confused(confusion)
        if not confused.is_empty():
            st.subheader("Most often confused")
            ui.show_table(confused, "confused")
    st.subheader("What the checks found")
    issues = quality.tabulate_issues(mirror, languages)
    if issues.is_empty():
        st.success("The checks found nothing.", icon=":material/check_circle:")
    else:
        ui.show_table(issues, "issues")
    st.subheader("Texts built alike")
    skeletons = quality.list_repeated_skeletons(mirror)
    if skeletons.is_empty():
        st.success("No two samples share a skeleton.", icon=":material/check_circle:")
    else:
        repeated = int(skeletons["samples"].sum())
        st.write(f"{repeated} samples share their skeleton (the text with entities replaced by labels) with another.")
        ui.show_table(skeletons, "skeletons")
    st.subheader("Models")
    models = quality.tabulate_models(mirror)
    ui.show_table(models.with_columns(pl.col("mean score").round(3)), "models")
