"""Pieces that pages are drawn with. Data is only ever shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl
import streamlit as st

PREDICTED, ANNOTATED, TARGET = "#56b4e9", "#0072b2", "#d55e00"
GOOD, BAD, NEUTRAL = "#009e73", "#d55e00", "#8a94a3"
SERIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a94a3"]
"""Okabe and Ito's palette (2008): told apart with every kind of colour vision."""


def say_empty(what: str, command: str) -> None:
    """An empty state: what is missing, and the command that brings it."""
    st.info(what, icon=":material/inbox:")
    st.code(command, language="bash")


def show_share(value: float | None) -> str:
    """A share as a percentage; a dash where there is nothing to divide by."""
    return "–" if value is None else f"{value:.0%}"


def show_number(value: float | None, unit: str = "") -> str:
    """A number with thin separators; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}{unit}" if abs(value) >= 10 or value == int(value) else f"{value:.1f}{unit}"


def show_metrics(metrics: Sequence[tuple[str, str, str]]) -> None:
    """Figures in a row that wraps on narrow screens: name, value, explanation."""
    with st.container(horizontal=True):
        for name, value, explanation in metrics:
            st.metric(name, value, help=explanation, border=True, width=190)


def show_table(frame: pl.DataFrame, name: str, **options: Any) -> Any:
    """A table that downloads as CSV; shares in columns ending in a known name are shown as percentages."""
    shares = {"precision", "recall", "touch rate", "reached", "share", "f1", "b_cubed"}
    config = {
        column: st.column_config.NumberColumn(column, format="percent") for column in frame.columns if column in shares
    }
    event = st.dataframe(frame, hide_index=True, width="stretch", column_config=config, **options)
    st.download_button(
        "Download as CSV",
        frame.write_csv(),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"csv-{name}",
        icon=":material/download:",
        type="tertiary",
    )
    return event


def draw_chart(chart: alt.Chart | alt.LayerChart) -> None:
    """A chart over the whole width, in the theme of the page."""
    st.altair_chart(chart, width="stretch")


def draw_heatmap(frame: pl.DataFrame, x: str, y: str, value: str, *, order: Sequence[str] = ()) -> None:
    """Cells coloured by value, with the number in each."""
    axis_y = alt.Y(f"{y}:N", sort=list(order) or None, title=None)
    base = alt.Chart(frame).encode(x=alt.X(f"{x}:N", title=x), y=axis_y)
    cells = base.mark_rect().encode(
        color=alt.Color(f"{value}:Q", scale=alt.Scale(scheme="blues"), title=value), tooltip=[x, y, value]
    )
    middle = float(frame[value].max() or 0) / 2  # type: ignore[arg-type]
    numbers = base.mark_text(fontSize=11).encode(
        text=f"{value}:Q",
        color=alt.condition(f"datum['{value}'] > {middle}", alt.value("white"), alt.value("#33415c")),
    )
    draw_chart((cells + numbers).properties(height=max(180, 20 * frame[y].n_unique() + 60)))


def choose_languages(frame: pl.DataFrame) -> list[str]:
    """A filter over the languages of the samples; nothing chosen means all."""
    languages = sorted(language for language in frame["language"].unique().to_list() if language)
    if len(languages) < 2:
        return []
    return st.pills("Languages", languages, selection_mode="multi", key="languages") or []
