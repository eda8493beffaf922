"""The sections of a report: tables of text and charts, for every format alike. No text of a sample stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from goldspan.annotation.wording import format_count
from goldspan.evaluation.matching.match import ERROR_KINDS
from goldspan.evaluation.report.collect import DataSetReport, Report, find_f1
from goldspan.evaluation.report.svg import Point, draw_bars, draw_heatmap, draw_scatter, draw_stacks
from goldspan.evaluation.results.chart_data import error_kinds_by_label, error_positions
from goldspan.evaluation.results.charts import KIND_COLORS
from goldspan.evaluation.results.compare import ComparisonRow
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.intervals import Interval

UNKNOWN = "–"
_LABELS_IN_CHART = 20
_MOST_DOCUMENTS = 1_000_000_000
"""A break-even beyond it is none."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text; the first column is text, all others are figures."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as SVG; `name` is that of its file."""

    name: str
    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it; `is_detail` sections are folded where the format can."""

    title: str
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    is_detail: bool = False
    parts: tuple[Section, ...] = field(default_factory=tuple)


def build_sections(report: Report) -> list[Section]:
    """All sections in their order."""
    return [
        *(_show_quality(data, number, report) for number, data in enumerate(report.data_sets)),
        _show_speed(report),
        _show_costs(report),
        *(part for data in report.data_sets for part in _show_slices(data)),
        *(_show_errors(data, number) for number, data in enumerate(report.data_sets)),
        _show_sources(report),
    ]


def _show_quality(data: DataSetReport, number: int, report: Report) -> Section:
    first = data.first
    beta = f"F{first.beta:g}"
    columns = ["system", "n", "failed", "strict F1 [95 %]", "difference", "p", "partial F1"]
    columns += [f"masking {beta} [95 %]", "leaked", "no leak", "over-masked"]
    rows = tuple(_list_quality(row, data.results.get(row.name)) for row in data.rows)
    bars = {
        row.name: {
            "strict F1": row.f1_score,
            f"masking {beta}": row.masking_f_beta,
            "documents without leak": row.zero_leak_rate,
        }
        for row in data.rows
    }
    kind = "own data" if number == 0 else "external data"
    held_out = first.data.get("split_kind", "unknown")
    notes = (
        f"{format_count(data.documents, 'document')}, level {first.level.value}, {first.scheme.value} spans; held "
        f"out: {held_out}. "
        f"Differences are to {data.comparison.reference}; p-values are corrected over all pairs (Holm).",
        "Leaked: share of personal characters that stay readable. No leak: share of documents in which none does.",
        *data.comparison.notes,
    )
    title = f"Quality on {data.name} ({kind})"
    chart = Chart(f"quality-{number + 1}", title, draw_bars(title, bars))
    return Section(title, notes, (Table(tuple(columns), rows),), (chart,))


def _list_quality(row: ComparisonRow, result: EvaluationResult | None) -> tuple[str, ...]:
    delta = row.deltas.get("f1_score")
    p_value = None if delta is None else delta.p_value if delta.p_holm is None else delta.p_holm
    return (
        row.name,
        _count(row.documents),
        _count(row.failures),
        _score(row.f1_score, row.intervals.get("f1_score")),
        UNKNOWN if delta is None or delta.delta is None else f"{delta.delta:+.3f}",
        _rate(p_value),
        _rate(find_f1(result, "partial") if result else None),
        _score(row.masking_f_beta, row.intervals.get("masking_f_beta")),
        _rate(row.leakage_rate),
        _rate(row.zero_leak_rate),
        _rate(row.over_masking_rate),
    )


def _show_speed(report: Report) -> Section:
    columns = ("system", "data", "n", "p50 ms", "p95 ms", "documents a second", "CPU ms a document", "cores", "cached")
    rows = []
    for data in report.data_sets:
        for name, result in data.results.items():
            timing = result.timing or {}
            if not timing:
                continue
            read, cpu = timing.get("documents", 0) + timing.get("failures", 0), timing.get("cpu_seconds")
            each = 1000 * cpu / read if cpu is not None and read and not timing.get("cached") else None
            rows.append(
                (
                    name,
                    data.name,
                    _count(timing.get("documents")),
                    _number(timing.get("latency_p50_seconds"), 1000),
                    _number(timing.get("latency_p95_seconds"), 1000),
                    _number(timing.get("documents_per_second")),
                    _number(each),
                    _count(timing.get("cores")),
                    _count(timing.get("cached")),
                )
            )
    note = (
        "As measured while evaluating, the first document included; answers from a cache have no latency. "
        "benchmarks/latency.py measures warm, over text lengths and concurrency."
    )
    return Section("Speed", (note,), (Table(columns, tuple(rows)),))


def _show_costs(report: Report) -> Section:
    unit = report.prices.currency
    columns = ["system", f"training {unit}", "annotation hours", f"annotation {unit}", f"tokens {unit}/1,000"]
    columns += [f"CPU {unit}/1,000", f"all in {unit}/1,000", "strict F1", "frontier"]
    quality = {row.name: row.f1_score for row in report.own.rows}
    rows = tuple(
        (
            cost.name,
            _money(cost.training),
            _number(cost.annotation_hours),
            _money(cost.annotation),
            _money(cost.tokens_per_1000),
            _money(cost.compute_per_1000),
            _money(cost.spread(report.volume)),
            _rate(quality.get(cost.name)),
            "yes" if cost.name in report.frontier else "",
        )
        for cost in report.costs
    )
    evens = tuple(
        (b.dear, _rate(quality.get(b.dear)), b.cheap, _rate(quality.get(b.cheap)), f"{b.documents:,}")
        for b in report.break_evens
        if b.documents <= _MOST_DOCUMENTS
    )
    tables = [Table(tuple(columns), rows)]
    if evens:
        columns = ["dearer to make", "strict F1", "dearer to use", "strict F1", "documents until the first costs less"]
        tables.append(Table(tuple(columns), evens))
    points = [
        Point(cost.name, spread, f1, cost.name in report.frontier)
        for cost in report.costs
        if (spread := cost.spread(report.volume)) is not None and (f1 := quality.get(cost.name)) is not None
    ]
    title = "Cost and quality"
    axis = f"{unit} for 1,000 documents, fixed costs spread over {report.volume:,} (log)"
    charts = (Chart("frontier", title, draw_scatter(title, points, axis, "strict F1")),) if points else ()
    notes = (
        f"For 1,000 documents like those of {report.own.name}. “All in” spreads training and annotation over "
        f"{format_count(report.volume, 'document')}. On the frontier are systems that no other one beats in both "
        "cost and strict F1.",
        "Training and processor time are measured and multiplied by the prices below; annotation is the number of "
        "documents that the fit used times the minutes below. A dash: not known.",
    )
    return Section("Cost", notes, tuple(tables), charts)


def _show_slices(data: DataSetReport) -> Iterator[Section]:
    names = tuple(data.results)
    labels = sorted({label for result in data.results.values() for label in result.per_class_metrics})
    rows = tuple((label, *_list_label(label, data)) for label in labels)
    title = f"Strict F1 by label on {data.name}"
    yield Section(title, tables=(Table(("label", "gold", *names), rows),), is_detail=True)
    for dimension in ("language", "length"):
        values = {v: None for result in data.results.values() for v in result.slices.get(dimension, {})}
        if len(values) < 2:
            continue
        rows = tuple((value, *_list_slice(dimension, value, data)) for value in values)
        yield Section(
            f"Strict F1 by {dimension} on {data.name}",
            tables=(Table((dimension, "documents", *names), rows),),
            is_detail=True,
        )


def _list_label(label: str, data: DataSetReport) -> Iterator[str]:
    scores = [result.per_class_metrics.get(label, {}) for result in data.results.values()]
    yield _count(max((s.get("support", 0) for s in scores), default=None))
    yield from (_rate(s.get("f1_score")) for s in scores)


def _list_slice(dimension: str, value: str, data: DataSetReport) -> Iterator[str]:
    scores = [result.slices.get(dimension, {}).get(value, {}) for result in data.results.values()]
    yield _count(max((s.get("documents", 0) for s in scores), default=None))
    yield from (_rate(s.get("f1_score")) for s in scores)


def _show_errors(data: DataSetReport, number: int) -> Section:
    kinds = [kind.value for kind in ERROR_KINDS]
    columns = ("system", "errors", *(kind.replace("_", " ") for kind in kinds))
    rows, parts = [], []
    for place, (name, result) in enumerate(data.results.items(), start=1):
        by_label = error_kinds_by_label(result)
        totals = {kind: sum(counts[kind] for counts in by_label.values()) for kind in kinds}
        rows.append((name, str(sum(totals.values())), *(str(totals[kind]) for kind in kinds)))
        if by_label:
            parts.append(_draw_errors(name, data.name, f"{number + 1}-{place}", by_label, error_positions(result)))
    return Section(
        f"Errors on {data.name}",
        ("Places are those of the span in its text, from start to end.",),
        (Table(columns, tuple(rows)),),
        parts=tuple(parts),
    )


def _draw_errors(
    name: str,
    data: str,
    key: str,
    by_label: Mapping[str, Mapping[str, int]],
    positions: Mapping[str, Sequence[int]],
) -> Section:
    most = list(by_label)[:_LABELS_IN_CHART]
    kinds_title, places_title = f"Errors of {name} on {data} by kind", f"Errors of {name} on {data} by place"
    colors = {kind.value: KIND_COLORS[kind] for kind in ERROR_KINDS}
    stacks = draw_stacks(kinds_title, {label: by_label[label] for label in most}, colors)
    heat = draw_heatmap(
        places_title, {label: positions[label] for label in most if label in positions}, ("start", "end")
    )
    charts = (Chart(f"kinds-{key}", kinds_title, stacks), Chart(f"places-{key}", places_title, heat))
    note = () if len(by_label) <= len(most) else (f"The {len(most)} labels with most errors of {len(by_label)}.",)
    return Section(name, note, charts=charts, is_detail=True)


def _show_sources(report: Report) -> Section:
    prices = report.prices
    rows = [
        ("core hour", f"{prices.core_hour:g} {prices.currency}", prices.compute_source, prices.as_of),
        ("annotator's hour", f"{prices.hour:g} {prices.currency}", prices.annotation_source, prices.as_of),
        ("minutes a document", f"{prices.minutes_per_document:g}", prices.annotation_source, prices.as_of),
    ]
    notes = tuple(f"{cost.name}: {source}." for cost in report.costs for source in cost.sources)
    settings = tuple(_list_system(name, result) for name, result in report.own.results.items())
    tables = [Table(("price", "value", "source", "day"), tuple(rows))]
    tables.append(Table(("system", "method", "bundle", "settings"), settings))
    return Section("Prices and systems", notes, tuple(tables))


def _list_system(name: str, result: EvaluationResult) -> tuple[str, ...]:
    fit, settings = result.system.get("fit", {}), result.system.get("settings", {})
    bundle = fit.get("bundle", {})
    shown = ", ".join(f"{key} {value}" for key, value in settings.items() if value not in ("", None, {}))
    return name, str(fit.get("method") or UNKNOWN), str(bundle.get("name") or UNKNOWN), shown or UNKNOWN


def _score(value: float | None, interval: Interval | None) -> str:
    return _rate(value) if value is None or interval is None else f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _rate(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else str(value)


def _number(value: float | None, scale: float = 1.0) -> str:
    if value is None:
        return UNKNOWN
    return f"{value * scale:,.0f}" if value * scale >= 100 else f"{value * scale:.3g}"


def _money(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}" if value < 1 else f"{value:.2f}"
