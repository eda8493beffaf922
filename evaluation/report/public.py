"""Write a report: results as one HTML file, and as Markdown with its charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from goldspan.annotation.files import write_atomic
from goldspan.evaluation.report.collect import VOLUME, Report, collect_report
from goldspan.evaluation.report.html import render_html
from goldspan.evaluation.report.markdown import render_markdown
from goldspan.evaluation.report.prices import PriceTable, read_prices
from goldspan.evaluation.report.sections import Section, build_sections
from goldspan.evaluation.results.result import EvaluationResult, read_result

_PAPER = '<rect width="100%" height="100%" fill="#fff"/><title>'
"""White behind a chart that stands in a file of its own."""


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The files of a report, and what stands in them."""

    html: Path
    markdown: Path
    charts: tuple[Path, ...]
    report: Report


def write_report(
    results: Sequence[EvaluationResult | str | Path],
    output: str | Path,
    *,
    prices: PriceTable | str | Path | None = None,
    title: str = "Comparison of methods",
    command: str = "",
    volume: int = VOLUME,
    seed: int = 0,
    more: Sequence[Section] = (),
) -> WrittenReport:
    """Write a report: quality, speed, cost and errors of any number of systems, without any text of a sample.

    Args:
        results: results of `evaluate`, or their files. Those on the data of the first one are the own data.
        output: the HTML file; the Markdown file and the folder of its charts have the same name.
        prices: dated prices, or a TOML file of them; None: those that ship with Goldspan.
        title: heading of the report.
        command: the command that made the results, for the reader.
        volume: documents that training and annotation are spread over.
        seed: seed of the tests.
        more: sections that follow, for example those of a simulation.

    Raises:
        InputError: there is no result, or a file cannot be read.
        ConfigurationError: the prices are broken.
        StateError: the disk refused.
    """
    loaded = [result if isinstance(result, EvaluationResult) else read_result(Path(result)) for result in results]
    table = prices if isinstance(prices, PriceTable) else read_prices(Path(prices) if prices else None)
    now = datetime.now(UTC).isoformat(timespec="minutes")
    report = collect_report(loaded, table, title=title, created_at=now, volume=volume, seed=seed)
    lines = [f"Goldspan {version('goldspan')}, {now}."]
    lines += [f"Made by: {command}"] if command else []
    page = Path(output).with_suffix(".html")
    charts = write_sections(title, lines, [*build_sections(report), *more], page)
    return WrittenReport(page, page.with_suffix(".md"), charts, report)


def write_sections(title: str, lines: Sequence[str], sections: Sequence[Section], page: Path) -> tuple[Path, ...]:
    """Write sections as an HTML file, as Markdown beside it, and its charts into a folder; returns the charts.

    Raises:
        StateError: the disk refused.
    """
    folder = page.with_name(f"{page.stem}-charts")
    shown = [chart for section in sections for chart in section.charts]
    charts = tuple(folder / f"{chart.name}.svg" for chart in shown)
    for path, chart in zip(charts, shown, strict=True):
        write_atomic(path, chart.svg.replace("<title>", _PAPER, 1).encode(), mode=0o644)
    markdown = render_markdown(title, lines, sections, folder.name)
    write_atomic(page.with_suffix(".md"), markdown.encode(), mode=0o644)
    write_atomic(page, render_html(title, lines, sections).encode(), mode=0o644)
    return charts
