"""Building blocks of pages. Data is shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from goldspan.dashboards.views.coverage import list_languages

_STYLE = """<style>
.stMainBlockContainer { padding: 2.6rem 2.5rem 3rem; max-width: 1500px; }
[data-testid="stSidebar"][data-collapsed="false"] { width: 13.5rem !important; }
[data-testid="stMetric"] { padding: 0; }
[data-testid="stMetric"] > div { padding: 0.5rem 0.8rem; }
@media (max-width: 640px) { .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; } }
</style>"""
_SHARES = {
    "precision",
    "recall",
    "touch rate",
    "reached",
    "share",
    "f1",
    "b_cubed",
    "agreement",
    "score",
    "leakage rate",
    "exact match",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def begin_page(title: str) -> None:
    """Draw the page title."""
    st.html(_STYLE)
    st.title(title, anchor=False)


def begin_section(title: str) -> None:
    """Draw a section heading."""
    st.subheader(title, anchor=False)


def show_empty_state(what: str, command: str) -> None:
    """Show an empty state: what is missing, and the command that creates it."""
    st.info(what, icon=":material/inbox:")
    st.code(command, language="bash")


def format_share(value: float | None) -> str:
    """Format a share as a percentage; a dash if undefined."""
    return "–" if value is None else f"{value:.0%}"


def format_number(value: float | None, unit: str = "") -> str:
    """Format a number with thousands separators; a dash if undefined."""
    if value is None:
        return "–"
    return f"{value:,.0f}{unit}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}{unit}"


def show_metrics(metrics: Sequence[tuple[str, str, str]]) -> None:
    """Show figures in a row that wraps on narrow screens: name, value, explanation."""
    with st.container(horizontal=True, gap="small"):
        for name, value, explanation in metrics:
            show_metric(name, value, explanation)


def show_metric(name: str, value: str, explanation: str) -> None:
    """Show one figure."""
    st.metric(name, value, help=explanation, border=True, width=150)


def show_table(frame: pl.DataFrame, name: str, **options: Any) -> Any:
    """Show a table with a CSV download; columns known to hold shares are shown as percentages."""
    config = {column: _describe_column(column, kind) for column, kind in frame.schema.items()}
    event = st.dataframe(frame, hide_index=True, width="stretch", column_config=config, **options)
    st.download_button(
        "Download as CSV",
        write_csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{name}",
        icon=":material/download:",
        type="tertiary",
    )
    return event


def _describe_column(column: str, kind: pl.DataType) -> Any:
    if isinstance(kind, pl.Datetime):
        return st.column_config.DatetimeColumn(column, format="YYYY-MM-DD HH:mm")
    if kind == pl.Float64:
        return st.column_config.NumberColumn(column, format="percent" if column in _SHARES else "%.2f")
    return column.replace("_", " ")


def write_csv(frame: pl.DataFrame) -> str:
    """The table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    safe = []
    for column in (column for column, kind in frame.schema.items() if kind == pl.String):
        risky = pl.any_horizontal([pl.col(column).str.starts_with(mark) for mark in _FORMULA])
        safe.append(pl.when(risky).then("'" + pl.col(column)).otherwise(pl.col(column)).alias(column))
    return frame.with_columns(safe).write_csv()


def choose_languages(frame: pl.DataFrame) -> list[str]:
    """Show a language filter; an empty selection means all languages."""
    languages = list_languages(frame)
    if len(languages) < 2:
        return []
    return st.multiselect("Languages", languages, placeholder="All languages", key="languages", width=420)
