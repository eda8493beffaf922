"""Charts of results, as PNG and SVG files. Needs the extra `charts`; nothing is shown on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from goldspan.annotation.errors import ConfigurationError
from goldspan.evaluation.matching.match import ERROR_KINDS, PairKind
from goldspan.evaluation.results.chart_data import (
    BINS,
    NOTHING,
    confusion_matrix,
    error_kinds_by_label,
    error_positions,
)
from goldspan.evaluation.results.compare import Comparison
from goldspan.evaluation.results.result import EvaluationResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

FORMATS = ("png", "svg")
KIND_COLORS = {
    PairKind.MISSED: "#b3261e",
    PairKind.SPURIOUS: "#e08a1e",
    PairKind.TYPE: "#5e4fa2",
    PairKind.BOUNDARY: "#3288bd",
    PairKind.BOUNDARY_AND_TYPE: "#7fbf7b",
}
_BAR_COLORS = ("#1b4965", "#5fa8d3", "#e08a1e")
_MEASURES = {
    "f1_score": "F1, spans",
    "masking_f_beta": "F-beta, masked characters",
    "zero_leak_rate": "documents without a leak",
}


def write_result_charts(result: EvaluationResult, folder: Path) -> list[Path]:
    """Error kinds per label, confusion matrix and position heatmap of one result.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    figures = {
        "error-kinds": draw_error_kinds(result),
        "confusion": draw_confusion(result),
        "error-positions": draw_error_positions(result),
    }
    return [file for name, figure in figures.items() for file in _write(figure, folder, name)]


def write_comparison_charts(comparison: Comparison, folder: Path) -> list[Path]:
    """Bars of every system and baseline.

    Raises:
        ConfigurationError: matplotlib is not installed.
    """
    return _write(draw_comparison(comparison), folder, "comparison")


def draw_comparison(comparison: Comparison) -> Figure:
    """Three bars a system; baselines are set apart by their names in italics."""
    rows = comparison.rows[::-1]
    figure, axes = _start(9, 1.6 + 0.62 * len(rows))
    height = 0.8 / len(_MEASURES)
    for number, (measure, title) in enumerate(_MEASURES.items()):
        values = [getattr(row, measure) for row in rows]
        places = np.arange(len(rows)) + (1 - number) * height
        axes.barh(places, [value or 0.0 for value in values], height, color=_BAR_COLORS[number], label=title)
        for place, value in zip(places, values, strict=True):
            text = "not known" if value is None else f"{value:.2f}"
            axes.text((value or 0.0) + 0.01, place, text, va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    for tick, row in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontstyle("italic" if row.is_baseline else "normal")
    axes.set_xlim(0, 1.08)
    axes.set_title("Systems and baselines (in italics)", loc="left")
    _finish(axes, legend=True)
    return figure


def draw_error_kinds(result: EvaluationResult) -> Figure:
    """One stacked bar a label."""
    errors = error_kinds_by_label(result)
    figure, axes = _start(9, 1.6 + 0.3 * max(len(errors), 1))
    labels = list(errors)[::-1]
    left = np.zeros(len(labels))
    for kind in ERROR_KINDS:
        counts = np.array([errors[label][kind] for label in labels], dtype=float)
        axes.barh(labels, counts, left=left, color=KIND_COLORS[kind], label=kind.value.replace("_", " "))
        left += counts
    axes.xaxis.set_major_locator(_make_integer_ticks())
    axes.set_xlim(0, 1.04 * max(left, default=1))
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlabel("spans")
    _set_title(axes, "Errors by label and kind", result)
    if errors:
        _finish(axes, legend=True)
    else:
        _say_empty(axes)
    return figure


def draw_confusion(result: EvaluationResult) -> Figure:
    """Gold labels in rows, predicted ones in columns; colour is the share of the row."""
    confusion = confusion_matrix(result)
    counts = np.array(confusion.counts, dtype=float)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    size = 2.4 + 0.42 * len(confusion.labels)
    figure, axes = _start(size + 0.8, size)
    image = axes.imshow(shares, cmap="Blues", norm=_make_root_scale())
    _name_ticks(axes, confusion.labels, confusion.labels)
    for row, column in np.argwhere(counts > 0):
        color = "white" if shares[row, column] > 0.4 else "black"
        axes.text(column, row, f"{int(counts[row, column])}", ha="center", va="center", fontsize=7, color=color)
    axes.set_xlabel(f"predicted ({NOTHING}: missed)")
    axes.set_ylabel(f"gold ({NOTHING}: spurious)")
    _set_title(axes, "Confusion of labels", result)
    figure.colorbar(image, ax=axes, label="share of the row", fraction=0.04)
    return figure


def draw_error_positions(result: EvaluationResult) -> Figure:
    """Labels in rows, places in the text in columns; colour is the number of errors."""
    positions = error_positions(result)
    figure, axes = _start(9, 1.8 + 0.3 * max(len(positions), 1))
    _set_title(axes, "Where in the text errors fall", result)
    if not positions:
        _say_empty(axes)
        return figure
    counts = np.array(list(positions.values()), dtype=float)
    counts[counts == 0] = np.nan
    image = axes.imshow(counts, cmap="YlOrRd", aspect="auto", vmin=0, vmax=np.nanmax(counts))
    axes.set_yticks(range(len(positions)), list(positions))
    axes.set_xticks(np.linspace(-0.5, BINS - 0.5, 5), ["start", "25 %", "50 %", "75 %", "end"])
    axes.set_xlabel("place in the text")
    figure.colorbar(image, ax=axes, label="errors", fraction=0.04, ticks=_make_integer_ticks())
    return figure


def _start(width: float, height: float) -> tuple[Figure, Axes]:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigurationError("Charts need matplotlib: install goldspan[charts].") from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _make_root_scale() -> PowerNorm:
    """Shares of a few per cent stay visible."""
    from matplotlib.colors import PowerNorm

    return PowerNorm(0.5, vmin=0, vmax=1)


def _make_integer_ticks() -> MaxNLocator:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(integer=True)


def _set_title(axes: Axes, title: str, result: EvaluationResult) -> None:
    axes.set_title(f"{title}: {result.model_name or result.experiment_name}", loc="left")


def _name_ticks(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)


def _finish(axes: Axes, *, legend: bool) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        axes.figure.legend(loc="outside lower center", ncols=5, frameon=False, fontsize=8)


def _say_empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no errors", ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()


def _write(figure: Figure, folder: Path, name: str) -> list[Path]:
    import matplotlib as mpl

    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{suffix}" for suffix in FORMATS]
    with mpl.rc_context({"svg.hashsalt": "goldspan", "svg.fonttype": "none"}):
        for file in files:
            metadata = {"Date": None} if file.suffix == ".svg" else None
            figure.savefig(file, dpi=150, metadata=metadata)
    return files
