"""Charts: colour-blind safe palette, complete labels, units on every axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import altair as alt
import polars as pl
import streamlit as st

from goldspan.dashboards.links import link_rows

import_module("pandas")
"""Import completely before any chart: altair would otherwise see a module another thread is still importing."""

PREDICTED, ANNOTATED, TARGET = "#56b4e9", "#0072b2", "#e8710a"
NEUTRAL = "#8a94a3"
SERIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a94a3"]
"""Okabe and Ito's colour-blind safe palette (2008)."""

SIDES = alt.Scale(domain=["predicted", "annotated"], range=[PREDICTED, ANNOTATED])
_LINK = "link"
_LABEL_PIXELS = 270
"""A label of the longest code, 40 capitals, is shown whole."""

_DARK, _LIGHT = "#10243e", "#ffffff"
_HEAT = {"light": ("#edf3fa", "#08519c"), "dark": ("#1c222b", "#7cbcff")}
"""Colours of the lowest and highest cell of a heatmap, by theme."""
_WIDEST_LABELS = 40
"""Total characters of axis labels that fit side by side on a narrow screen."""

ROW_AXIS = alt.Axis(labelOverlap=False, labelFlush=False, labelBound=False)
COUNT_AXIS = alt.Axis(tickMinStep=1, format=",d")
_ROW_PIXELS, _DIGIT_PIXELS, _LINE_PIXELS = 22, 7, 15
_CELLS_PIXELS = 800
"""Width that the columns of a heatmap share on a typical screen."""


def draw_chart(chart: alt.Chart | alt.LayerChart) -> None:
    """Draw a chart over the full width, in the theme of the page."""
    whole = chart.configure_axis(labelLimit=_LABEL_PIXELS, maxExtent=_LABEL_PIXELS)
    whole = whole.configure_legend(labelLimit=_LABEL_PIXELS)
    st.altair_chart(whole.properties(usermeta={"embedOptions": {"actions": False}}), width="stretch")


def color_by(field: str) -> alt.Color:
    """Encode a field as colour; the legend is above the chart, to keep its full width."""
    legend = alt.Legend(orient="top", columns=4, symbolOpacity=1)
    return alt.Color(f"{field}:N", scale=alt.Scale(range=SERIES), title=None, legend=legend)


def add_links(frame: pl.DataFrame, links: Mapping[str, str] | None) -> pl.DataFrame:
    """Add the column of links for `follow_links`; `links` maps fields of `Query` to columns."""
    if links is None:
        return frame
    return frame.with_columns(pl.Series(_LINK, link_rows(frame.to_dicts(), links), dtype=pl.String))


def follow_links(links: Mapping[str, str] | None) -> dict[str, Any]:
    """Encode the links that `add_links` added: a click on a mark opens its samples."""
    return {} if links is None else {"href": alt.Href(f"{_LINK}:N")}


def draw_bars(
    frame: pl.DataFrame,
    x: str,
    y: str,
    color: str = "",
    *,
    sort: Literal["-x", "ascending"] = "-x",
    links: Mapping[str, str] | None = None,
) -> None:
    """Draw horizontal bars, one per `y`, with the sum of `x`; segments coloured by `color`, linked to samples."""
    chart = alt.Chart(add_links(frame, links)).mark_bar(color=ANNOTATED)
    bars = chart.encode(
        x=alt.X(f"sum({x}):Q", title=x, axis=COUNT_AXIS),
        y=alt.Y(f"{y}:N", title=None, sort=sort),
        tooltip=[name for name in (y, color, x) if name],
        **follow_links(links),
    )
    if color:
        bars = bars.encode(color=color_by(color))
    draw_chart(bars.properties(height=26 * frame[y].n_unique() + 150))


def _find_theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def build_heatmap(
    frame: pl.DataFrame,
    x: str,
    y: str,
    value: str,
    *,
    order: Sequence[str] = (),
    top: float | None = None,
    faint: str = "",
    links: Mapping[str, str] | None = None,
) -> alt.Chart | alt.LayerChart:
    """Build a heatmap with the value in each cell; `top` is the value of the darkest colour.

    Cells whose column `faint` is true are based on few samples and are drawn pale. If there is no room for numbers,
    only tooltips show them. Rows have a fixed height. `links` maps fields of `Query` to columns: cells link to samples.
    """
    highest = top or max((float(number) for number in frame[value].drop_nulls()), default=1.0) or 1.0
    width = _CELLS_PIXELS / max(frame[x].n_unique(), 1)
    is_wide = frame[x].cast(pl.String).unique().str.len_chars().sum() > _WIDEST_LABELS
    angle = (-90 if width < 2 * _LINE_PIXELS else -40) if is_wide else 0
    columns = alt.Axis(labelAngle=angle, labelOverlap="parity" if width < _LINE_PIXELS else False)
    base = alt.Chart(add_links(frame, links)).encode(
        x=alt.X(f"{x}:N", title=x, axis=columns),
        y=alt.Y(f"{y}:N", sort=list(order) or "ascending", title=None, axis=ROW_AXIS),
        tooltip=list(dict.fromkeys([x, y, value, *frame.columns])),
        opacity=alt.condition(f"datum['{faint}']", alt.value(0.35), alt.value(1)) if faint else alt.value(1),
        **follow_links(links),
    )
    theme = _find_theme()
    low, high = (_LIGHT, _DARK) if theme == "dark" else (_DARK, _LIGHT)
    scale = alt.Scale(range=_HEAT[theme], domain=[0, highest])
    cells = base.mark_rect(stroke="#8a94a3", strokeWidth=0.4).encode(
        color=alt.Color(f"{value}:Q", scale=scale, title=None, legend=None)
    )
    height = alt.Step(_ROW_PIXELS)
    digits = max((len(f"{number:,}") for number in frame[value].drop_nulls()), default=1)
    if width < _DIGIT_PIXELS * (digits + 1):
        bare: alt.Chart = cells.properties(height=height)
        return bare
    numbers = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{value}:Q", format=","),
        color=alt.condition(f"datum['{value}'] > {0.6 * highest}", alt.value(high), alt.value(low)),
    )
    whole: alt.LayerChart = (cells + numbers).properties(height=height)
    return whole
