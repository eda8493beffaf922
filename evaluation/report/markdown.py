"""A report as Markdown; charts are SVG files beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from goldspan.evaluation.report.sections import Section, Table

_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\|*_`[]<>#"})


def render_markdown(title: str, lines: Iterable[str], sections: Iterable[Section], charts: str) -> str:
    """The document; `charts` is the path of the charts' folder, relative to it. Folded parts have no charts."""
    blocks = [f"# {_escape(title)}", *map(_escape, lines)]
    for section in sections:
        blocks += _show_section(section, charts)
    return "\n\n".join(blocks) + "\n"


def _show_section(section: Section, charts: str) -> Iterator[str]:
    yield f"## {_escape(section.title)}"
    yield from map(_escape, section.notes)
    yield from map(_show_table, section.tables)
    yield from (f"![{_escape(chart.title)}]({charts}/{chart.name}.svg)" for chart in section.charts)


def _show_table(table: Table) -> str:
    rule = ["---", *("---:" for _ in table.columns[1:])]
    rows = [map(_escape, table.columns), rule, *(map(_escape, row) for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escape(text: str) -> str:
    return " ".join(text.split()).translate(_SPECIAL)
