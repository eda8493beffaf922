"""The figures of a simulation as a document on disk, and its report: tables, and curves with intervals over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.wording import format_count
from goldspan.evaluation.report.public import write_sections
from goldspan.evaluation.report.sections import Chart, Section, Table
from goldspan.evaluation.report.svg import CurvePoint, draw_curves
from goldspan.training.loop.simulation.run import Simulation
from goldspan.training.loop.simulation.summary import (
    Estimate,
    OrderSummary,
    SuggestionSummary,
    choose_order,
    summarise_curves,
    summarise_orders,
    summarise_suggestions,
)
from goldspan.training.loop.state import find_loop_folder

TITLE = "Simulated annotation loop"
FORMAT = 1
_CURVES = (
    ("hours", "f1", "Strict F1 of the newest model", "estimated hours of work", "strict F1"),
    ("reviews", "edits", "Edits a sample with the model in service", "reviews", "edits"),
)
"""Measures across and up, title, and names of the axes."""


def find_simulation(workspace: Workspace) -> Path:
    """Where the figures of the last simulation lie, for the dashboard and `goldspan report`."""
    return find_loop_folder(workspace) / "simulation.json"


def make_document(simulation: Simulation) -> dict[str, Any]:
    """All figures, the tables and the curves of a simulation; no text of a sample."""
    s = simulation.settings
    orders = summarise_orders(simulation.replays, s.base, s.target, s.costs)
    suggestions = summarise_suggestions(simulation.replays, s.base, s.target, s.costs)
    note = (
        f"Scores on the test set; edits saved are against {s.base}. Work until the target: "
        f"{choose_order(simulation.replays)} order, people are shown this all the time."
    )
    return {
        "format": FORMAT,
        "about": _describe(simulation),
        "tables": [
            {
                "title": f"Work until strict F1 {s.target}, by order",
                **tabulate_orders(orders),
                "note": explain_orders(orders),
            },
            {"title": "What people are shown", **tabulate_suggestions(suggestions), "note": note},
        ],
        "curves": summarise_curves(simulation.replays, s.costs),
        **simulation.to_json(),
    }


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write the figures.

    Raises:
        StateError: the disk refused.
    """
    write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2), mode=0o644)


def read_document(path: Path) -> dict[str, Any]:
    """Read the figures of a simulation.

    Raises:
        InputError: the file is missing, or holds something else.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        document = None
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or not all(document.get(part) for part in ("curves", "tables"))
    ):
        raise InputError(f"{path} does not hold a simulation. `goldspan loop simulate` writes one.")
    return document


def build_sections(document: Mapping[str, Any]) -> list[Section]:
    """The sections of a report on a simulation."""
    charts = tuple(
        Chart(
            f"simulation-{up}", title, draw_curves(title, _list_curves(document["curves"], across, up), x_name, y_name)
        )
        for across, up, title, x_name, y_name in _CURVES
    )
    tables = [
        Section(one["title"], (one["note"],), (Table(tuple(one["columns"]), tuple(map(tuple, one["rows"]))),))
        for one in document["tables"]
    ]
    return [Section(TITLE, (document["about"],), charts=charts), *tables]


def write_report(document: Mapping[str, Any], page: Path) -> None:
    """Write the report as HTML, and as Markdown beside it.

    Raises:
        StateError: the disk refused.
    """
    write_sections(TITLE, (), build_sections(document), page)


def _list_curves(points: Sequence[Mapping[str, Any]], across: str, up: str) -> dict[str, list[CurvePoint]]:
    curves: dict[str, list[CurvePoint]] = {}
    for one in points:
        point = CurvePoint(one[across], one[up], one[f"{up}_low"], one[f"{up}_high"])
        curves.setdefault(one["order"], []).append(point)
    return curves


def format_estimate(one: Estimate, show: Callable[[float], str], *, interval: bool = False) -> str:
    """A mean with its range over seeds, or its 95 % interval; how many seeds reached the target where not all did."""
    if one.mean is None:
        return "not reached"
    text = show(one.mean)
    bounds = one.interval if interval else (one.least, one.most)
    if bounds and one.reached > 1:
        text += f" [{', '.join(show(bound) for bound in bounds if bound is not None)}]"
    return text if one.reached == one.seeds else f"{text} ({one.reached} of {one.seeds} seeds)"


def tabulate_orders(found: Sequence[OrderSummary]) -> dict[str, Any]:
    """Work until the target by order, and the change against random order, as `columns` and `rows`."""
    columns = ["order", "samples", "tokens", "seconds", "samples vs. random", "seconds vs. random", "F1 at the end"]
    rows = []
    for one in found:
        row = [one.order, *(format_estimate(one.until[unit], _whole) for unit in ("samples", "tokens", "seconds"))]
        changes = [one.change[unit] for unit in ("samples", "seconds")] if one.change else []
        row += [format_estimate(change, _percent, interval=True) for change in changes] or ["–", "–"]
        rows.append([*row, format_estimate(one.final_f1, _rate)])
    return {"columns": columns, "rows": rows}


def tabulate_suggestions(found: Sequence[SuggestionSummary]) -> dict[str, Any]:
    """What people may be shown: scores on the test set, and work until the target, as `columns` and `rows`."""
    columns = ["shown to people", "strict F1", "edits a sample", "edits saved", "seconds a sample", "no edit needed"]
    columns += ["edits until target", "seconds until target"]
    rows = []
    for one in found:
        row = [one.name, format_estimate(one.f1, _rate), format_estimate(one.edits, _rate)]
        saved = "–" if one.fewer_edits.mean is None else format_estimate(one.fewer_edits, _percent, interval=True)
        row += [saved, format_estimate(one.seconds, _tenth)]
        row.append(format_estimate(one.untouched, _rate))
        row += [format_estimate(one.until[unit], _whole) if one.until else "–" for unit in ("edits", "seconds")]
        rows.append(row)
    return {"columns": columns, "rows": rows}


def explain_orders(found: Sequence[OrderSummary]) -> str:
    """What the table of orders shows, and what it does not."""
    said = []
    for one in found:
        if one.helps is not None:
            verdict = "takes fewer seconds than random order" if one.helps else "no evidence that this order helps"
            missed = (
                f"; {format_count(one.missed, 'seed')} reached the target in random order only" if one.missed else ""
            )
            said.append(f"{one.order}: {verdict}{missed}.")
    promoted = ", ".join(f"{one.order} {one.promotions.mean:.1f}" for one in found if one.promotions.mean is not None)
    worse = sum(one.worse_promotions for one in found)
    drop = max((one.worst_drop for one in found), default=0.0)
    lowered = (
        f"{worse} of them lowered F1 on the test set, by at most {drop:.3f}" if worse else "None of them lowered F1"
    )
    said.append(f"Promotions a seed: {promoted}. {lowered}.")
    return " ".join(said)


def _describe(simulation: Simulation) -> str:
    s = simulation.settings
    t = s.truth
    pool = "half of it empty, the rest mostly chat and support mail" if t.skewed else "drawn evenly"
    made = (
        f"documents of the offline author in {', '.join(t.languages)}, test set of document types that are not in the "
        f"pool; pool of {t.pool}, {pool}"
        if simulation.source == "offline author"
        else f"reviewed samples, pool of at most {t.pool}"
    )
    return (
        f"Truth: {made}; {t.door} samples decide promotions, {t.test} measure. Learner: {simulation.learner}; "
        f"{s.base} serves at first. Seeds: {len(s.seeds)}; brackets hold the range over them, bands and brackets of "
        f"differences the 95 % interval (Student's t). Costs of actions: "
        f"{s.costs.source}. Simulated people never err or tire, so these figures are upper bounds. Entities only. The "
        f"{t.door} samples of the door are reviewed beforehand, and are not part of the figures."
    )


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _tenth(value: float) -> str:
    return f"{value:.1f}"


def _rate(value: float) -> str:
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{value:+.0%}"
