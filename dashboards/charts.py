"""Charts: colours that every kind of colour vision tells apart, whole labels, units on every axis."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Literal

import altair as alt
import polars as pl
import streamlit as st

import_module("pandas")
"""Whole before any chart: altair takes from `sys.modules` what the thread of a page just left is still importing."""

PREDICTED, ANNOTATED, TARGET = "#56b4e9", "#0072b2", "#d55e00"
NEUTRAL = "#8a94a3"
SERIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a94a3"]
"""Okabe and Ito's palette (2008): told apart with every kind of colour vision."""

SIDES = alt.Scale(domain=["predicted", "annotated"], range=[PREDICTED, ANNOTATED])
_LABEL_PIXELS = 170
_DARK, _LIGHT = "#10243e", "#ffffff"
_WIDEST_LABELS = 40
"""Characters that the labels of an axis may have to stand side by side on a narrow screen."""

_ROW_PIXELS, _DIGIT_PIXELS, _LINE_PIXELS = 22, 7, 15
_CELLS_PIXELS = 800
"""What the columns of a heatmap share on a usual screen."""


def draw_chart(chart: alt.Chart | alt.LayerChart) -> None:
    """A chart over the whole width, in the theme of the page."""
    whole = chart.configure_axis(labelLimit=_LABEL_PIXELS).configure_legend(labelLimit=_LABEL_PIXELS)
    st.altair_chart(whole.properties(usermeta={"embedOptions": {"actions": False}}), width="stretch")


def color_by(field: str) -> alt.Color:
    """Colours that tell groups apart; the legend stands above the chart, which leaves its width alone."""
    legend = alt.Legend(orient="top", columns=4)
    return alt.Color(f"{field}:N", scale=alt.Scale(range=SERIES), title=None, legend=legend)


def draw_bars(frame: pl.DataFrame, x: str, y: str, color: str = "", *, sort: Literal["-x", "ascending"] = "-x") -> None:
    """Lying bars, one for each `y`, as long as the sum of `x`; parts coloured by `color`."""
    chart = alt.Chart(frame).mark_bar(color=ANNOTATED)
    bars = chart.encode(
        x=alt.X(f"sum({x}):Q", title=x, axis=alt.Axis(tickMinStep=1)),
        y=alt.Y(f"{y}:N", title=None, sort=sort),
        tooltip=[name for name in (y, color, x) if name],
    )
    if color:
        bars = bars.encode(color=color_by(color))
    draw_chart(bars.properties(height=26 * frame[y].n_unique() + 150))


def build_heatmap(
    frame: pl.DataFrame,
    x: str,
    y: str,
    value: str,
    *,
    order: Sequence[str] = (),
    top: float | None = None,
    faint: str = "",
) -> alt.Chart | alt.LayerChart:
    """Cells coloured by value, with the number in each; `top` is the value of the darkest colour.

    Cells whose column `faint` is true rest on little and are drawn pale. Where many columns leave no room for the
    numbers, only the tooltips say them. Rows keep their height, whatever the labels of the columns take.
    """
    highest = top or max((float(number) for number in frame[value].drop_nulls()), default=1.0) or 1.0
    angle = -40 if frame[x].cast(pl.String).unique().str.len_chars().sum() > _WIDEST_LABELS else 0
    width = _CELLS_PIXELS / max(frame[x].n_unique(), 1)
    columns = alt.Axis(labelAngle=angle, labelOverlap="parity" if width < _LINE_PIXELS else False)
    base = alt.Chart(frame).encode(
        x=alt.X(f"{x}:N", title=x, axis=columns),
        y=alt.Y(f"{y}:N", sort=list(order) or "ascending", title=None, axis=alt.Axis(labelOverlap=False)),
        tooltip=list(dict.fromkeys([x, y, value, *frame.columns])),
        opacity=alt.condition(f"datum['{faint}']", alt.value(0.35), alt.value(1)) if faint else alt.value(1),
    )
    cells = base.mark_rect(stroke="#8a94a3", strokeWidth=0.4).encode(
        color=alt.Color(f"{value}:Q", scale=alt.Scale(scheme="blues", domain=[0, highest]), title=None, legend=None)
    )
    height = alt.Step(_ROW_PIXELS)
    digits = max((len(f"{number:,}") for number in frame[value].drop_nulls()), default=1)
    if width < _DIGIT_PIXELS * (digits + 1):
        bare: alt.Chart = cells.properties(height=height)
        return bare
    numbers = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{value}:Q", format=","),
        color=alt.condition(f"datum['{value}'] > {0.6 * highest}", alt.value(_LIGHT), alt.value(_DARK)),
    )
    whole: alt.LayerChart = (cells + numbers).properties(height=height)
    return whole
