"""The pages of the dashboard, and how their errors are shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.redaction import show_controls
from goldspan.dashboards import ui
from goldspan.dashboards.state import name_project

_ICON = str(Path(__file__).with_name("icon.svg"))
"""A local file: a named icon would be fetched from the network."""
_LOG = logging.getLogger(__name__)
_PAGES = (
    ("overview", "Overview", "monitoring"),
    ("queue", "Queue", "format_list_numbered"),
    ("coverage", "Coverage", "bar_chart"),
    ("disagreement", "Disagreement", "compare_arrows"),
    ("labels", "Labels", "label"),
    ("quality", "Quality", "fact_check"),
    ("annotators", "Annotators", "group"),
    ("coreference", "Coreference", "share"),
    ("models", "Models", "model_training"),
    ("simulation", "Simulation", "timeline"),
    ("results", "Evaluation", "rule"),
    ("runs", "Runs", "play_circle"),
    ("explore", "Explore", "search"),
    ("handover", "Hand-over", "lock_open"),
)
"""Module in `goldspan.dashboards.screens`, title, icon."""


def show_page() -> None:
    """Show the selected page; configuration errors become messages."""
    try:
        project = show_controls(name_project())
    except GoldspanError:
        project = "Goldspan"
    st.set_page_config(page_title="Goldspan", page_icon=_ICON, layout="wide")
    page = st.navigation(
        [
            st.Page(
                _find_screen(module, title, project),
                title=title,
                icon=f":material/{icon}:",
                url_path=title.lower(),
                default=title == "Overview",
            )
            for module, title, icon in _PAGES
        ]
    )
    st.set_page_config(page_title=f"{page.title} · {project} · Goldspan", page_icon=_ICON)
    try:
        page.run()
    except GoldspanError as error:
        st.error("This page cannot be shown:", icon=":material/error:")
        ui.show_text(str(error))
    except Exception:  # noqa: BLE001
        _LOG.exception("A page failed to render")
        st.error("This page failed to render. Reload it; the reason is in `.dashboard/log` in the data folder.")


def _find_screen(module: str, title: str, project: str) -> Callable[[], None]:
    """Return the function that draws a page; its module is imported on first use to keep startup fast."""

    def draw() -> None:
        ui.begin_page(title, project)
        with ui.show_loading():
            import_module(f"goldspan.dashboards.screens.{module}").draw()

    return draw
