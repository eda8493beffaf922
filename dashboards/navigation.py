"""The pages of the dashboard, and what is said when one cannot be drawn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import streamlit as st

from goldspan.annotation.errors import GoldspanError

_ICON = str(Path(__file__).with_name("icon.svg"))
"""A file of our own: a named icon would be fetched from outside."""
_LOG = logging.getLogger(__name__)
_PAGES = (
    ("overview", "Overview", "monitoring"),
    ("coverage", "Coverage", "bar_chart"),
    ("quality", "Quality", "fact_check"),
    ("annotators", "Annotators", "group"),
    ("coreference", "Coreference", "share"),
    ("runs", "Runs", "play_circle"),
    ("explore", "Explore", "search"),
    ("results", "Evaluation", "rule"),
    ("handover", "Hand-over", "lock_open"),
)
"""Module in `goldspan.dashboards.screens`, title, icon."""


def show_page() -> None:
    """Show the page that was chosen; a wrong setting becomes a message."""
    st.set_page_config(page_title="Goldspan", page_icon=_ICON, layout="wide")
    page = st.navigation(
        [
            st.Page(
                _find_screen(module),
                title=title,
                icon=f":material/{icon}:",
                url_path=title.lower(),
                default=title == "Overview",
            )
            for module, title, icon in _PAGES
        ]
    )
    try:
        page.run()
    except GoldspanError as error:
        st.error("Something is not as it should be:", icon=":material/error:")
        st.text(str(error))
    except Exception:  # noqa: BLE001
        _LOG.exception("A page could not be drawn")
        st.error("This page could not be drawn. Load it again; `.dashboard/log` in the data folder says why.")


def _find_screen(module: str) -> Callable[[], None]:
    """What draws a page; its module is imported when the page is first drawn, as the first one should be quick."""

    def draw() -> None:
        import_module(f"goldspan.dashboards.screens.{module}").draw()

    return draw
