"""A report as one HTML file: style and charts inside, no script, no reference to anything outside."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from goldspan.evaluation.report.sections import Section, Table

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #8886; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; }
tbody tr:hover { background: #8882; }
figure { margin: 1rem 0; }
figcaption { font-weight: 600; }
svg { width: 100%; max-width: 60rem; height: auto; display: block; }
details { margin: .5rem 0; }
summary { cursor: pointer; font-weight: 600; }
.note { opacity: .8; max-width: 60rem; }
"""


def render_html(title: str, lines: Iterable[str], sections: Iterable[Section]) -> str:
    """The page; `lines` stand under the title."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = [f"<h1>{escape(title)}</h1>", *map(_show_note, lines), *(_show_section(s, 2) for s in sections)]
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n'
        f"<body>\n{chr(10).join(body)}\n</body></html>\n"
    )


def _show_section(section: Section, level: int) -> str:
    content = [
        *map(_show_note, section.notes),
        *map(_show_table, section.tables),
        *(f"<figure><figcaption>{escape(c.title)}</figcaption>{c.svg}</figure>" for c in section.charts),
        *(_show_section(part, level + 1) for part in section.parts),
    ]
    title, inside = escape(section.title), "\n".join(content)
    if section.is_detail:
        return f"<details><summary>{title}</summary>\n{inside}\n</details>"
    return f"<section>\n<h{level}>{title}</h{level}>\n{inside}\n</section>"


def _show_note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>'


def _show_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"
