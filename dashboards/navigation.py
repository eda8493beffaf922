"""The pages of the dashboard, and what is said when one cannot be drawn."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from annotation.errors import GoldspanError
from dashboards.screens import annotators, coreference, coverage, explore, handover, overview, quality, results, runs

_ICON = str(Path(__file__).with_name("icon.svg"))
"""A file of our own: a named icon would be fetched from outside."""


def show_page() -> None:
    """Show the page that was chosen; a wrong setting becomes a message."""
    st.set_page_config(page_title="Goldspan", page_icon=_ICON, layout="wide")
    page = st.navigation(
        [
            st.Page(overview.draw, title="Overview", icon=":material/monitoring:", url_path="overview", default=True),
            st.Page(coverage.draw, title="Coverage", icon=":material/bar_chart:", url_path="coverage"),
            st.Page(quality.draw, title="Quality", icon=":material/fact_check:", url_path="quality"),
            st.Page(annotators.draw, title="Annotators", icon=":material/group:", url_path="annotators"),
            st.Page(coreference.draw, title="Coreference", icon=":material/share:", url_path="coreference"),
            st.Page(runs.draw, title="Runs", icon=":material/play_circle:", url_path="runs"),
            st.Page(explore.draw, title="Explore", icon=":material/search:", url_path="explore"),
            st.Page(results.draw, title="Evaluation", icon=":material/rule:", url_path="evaluation"),
            st.Page(handover.draw, title="Hand-over", icon=":material/lock_open:", url_path="hand-over"),
        ]
    )
    try:
        page.run()
    except GoldspanError as error:
        st.error("Something is not as it should be:", icon=":material/error:")
        st.text(str(error))
