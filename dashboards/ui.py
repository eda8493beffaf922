"""Building blocks of pages. Data is shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import polars as pl
import streamlit as st

from goldspan.annotation.formats.formulas import FORMULA_START, guard_formula
from goldspan.annotation.redaction import show_controls
from goldspan.dashboards.links import link_rows
from goldspan.dashboards.views.coverage import list_languages
from goldspan.dashboards.views.overview import ShareEstimate

_STYLE = """<style>
.stMainBlockContainer { padding: 2.4rem 2.2rem 3rem; max-width: 1500px; }
[data-testid="stSidebar"][data-collapsed="false"] { width: 13.5rem !important; }
[data-testid="stMetric"] { padding: 0; }
[data-testid="stMetric"] > div { padding: 0.5rem 0.8rem; }
[data-testid="stMetricDelta"] { font-size: 0.72rem; padding: 0.1rem 0.3rem; margin-left: -0.3rem; }
[data-testid="stMetric"] a { color: inherit; text-decoration: underline dotted; text-underline-offset: 0.2em; }
[data-testid="stElementToolbarButton"]:has([aria-label="Download as CSV"]) { display: none; }
.stMainBlockContainer h1 { padding-top: 0; }
.gs-project { font-size: 0.85rem; opacity: 0.75; overflow-wrap: anywhere; unicode-bidi: isolate; margin-bottom: -1rem; }
@media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 1rem 3rem; } }
</style>"""
_SHARES = {
    "precision",
    "recall",
    "touch rate",
    "reached",
    "share",
    "f1",
    "F1",
    "B³",
    "F1 before",
    "F1 new",
    "difference",
    "agreement",
    "score",
    "leakage rate",
    "unclear",
    "priority",
    "exact match",
    "kept",
    "low",
    "high",
    "not hidden",
    "unchanged",
    "quick",
    "others",
}
_TEXTS = (pl.String, pl.Categorical)
_LINKS = "show samples"
_ROW_PIXELS, _TALLEST = 35, 400


def begin_page(title: str, project: str) -> None:
    """Draw the name of the project and the page title."""
    st.html(f'{_STYLE}<div class="gs-project">{escape(show_controls(project))}</div>')
    st.title(title, anchor=False)


@contextmanager
def show_loading() -> Iterator[None]:
    """Show that a page is being prepared, until the block ends."""
    place = st.empty()
    place.caption("Loading …")
    try:
        yield
    finally:
        place.empty()


def begin_section(title: str) -> None:
    """Draw a section heading."""
    st.subheader(title, anchor=False)


def show_text(text: str) -> None:
    """Show data as one line of plain text; control and bidirectional characters become symbols."""
    st.text(show_controls(text))


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


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: name, value, explanation, the address of what is behind it, and a line below (n and interval)."""

    name: str
    value: str
    explanation: str
    link: str = ""
    detail: str = ""


def show_metrics(metrics: Iterable[Metric]) -> None:
    """Show figures in a row that wraps on narrow screens."""
    with st.container(horizontal=True, gap="small"):
        for metric in metrics:
            show_metric(metric)


def show_metric(metric: Metric) -> None:
    """Show one figure."""
    name = f"[{metric.name}]({metric.link})" if metric.link else metric.name
    delta = {"delta": metric.detail, "delta_color": "off", "delta_arrow": "off"} if metric.detail else {}
    st.metric(name, metric.value, help=metric.explanation, border=True, width=150, **delta)  # type: ignore[arg-type]


def make_share(name: str, share: ShareEstimate, explanation: str, link: str = "") -> Metric:
    """Make the figure of a share, with its number of cases and its 95 % interval below."""
    interval = "" if share.interval is None else f" · {100 * share.interval[0]:.0f}–{share.interval[1]:.0%}"
    explanation += ". Below: number of cases, and the 95 % interval" if interval else ""
    return Metric(name, format_share(share.value), explanation, link, f"n={share.cases:,}{interval}")


def show_table(
    frame: pl.DataFrame,
    name: str,
    links: Mapping[str, str] | None = None,
    *,
    height: int = _TALLEST,
    figures: Collection[str] = (),
    **options: Any,
) -> Any:
    """Show a table with a CSV download; columns known to hold shares are shown as percentages.

    `links` maps fields of `Query` to columns: each row gets a link to its samples. `height` is the most that it takes;
    `figures` are columns of text that hold numbers.
    """
    config = {column: _describe_column(column, kind) for column, kind in frame.schema.items()}
    config |= {column: st.column_config.TextColumn(column, alignment="right") for column in figures}
    shown = frame.with_columns(pl.col(name).round(3) for name, kind in frame.schema.items() if kind == pl.Float64)
    if links is not None:
        shown = shown.with_columns(pl.Series(_LINKS, link_rows(frame.to_dicts(), links), dtype=pl.String))
        config[_LINKS] = st.column_config.LinkColumn("", display_text="Show", width=60, pinned=True)
    event = st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=fit_rows(frame, height),
        column_config=config,
        placeholder="–",
        **options,
    )
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


def fit_rows(frame: pl.DataFrame, most: int) -> int | Literal["content"]:
    """The height of a table: that of its rows, and at most so many pixels."""
    return "content" if _ROW_PIXELS * (frame.height + 1) <= most else most


def _describe_column(column: str, kind: pl.DataType) -> Any:
    if isinstance(kind, pl.Datetime):
        return st.column_config.DatetimeColumn(column, format="YYYY-MM-DD HH:mm")
    if kind == pl.Float64:
        return st.column_config.NumberColumn(column, format="percent" if column in _SHARES else "%.2f")
    return column.replace("_", " ")


def write_csv(frame: pl.DataFrame) -> str:
    """Write a table as CSV; cells and headers that a spreadsheet would take for a formula get an apostrophe."""
    safe = []
    for column in (column for column, kind in frame.schema.items() if kind in _TEXTS):
        text = pl.col(column).cast(pl.String)
        safe.append(pl.when(text.str.contains(FORMULA_START)).then("'" + text).otherwise(text).alias(column))
    return frame.with_columns(safe).rename(guard_formula).write_csv()


def choose_languages(frame: pl.DataFrame) -> list[str]:
    """Show a language filter; an empty selection means all languages."""
    languages = list_languages(frame)
    if len(languages) < 2:
        return []
    return st.multiselect("Languages", languages, placeholder="All languages", key="languages", width=420)
