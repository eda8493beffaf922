"""Write `docs/reference/cli.md` and `docs/reference/labels.md` from the program itself; `--check` only compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from goldspan.annotation.checks import CODES, ERRORS
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.main import COMMANDS, load_command
from goldspan.cli.shared.exits import MEANINGS

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/write_reference.py; change the program, then run `make docs`. -->\n"


def describe_command(name: str, command: Any) -> Iterator[str]:
    """Markdown of one command: usage, help, arguments and options."""
    usage = " ".join([name, *command.collect_usage_pieces(_context(command))])
    yield f"\n### `{name}`\n\n{_clean(command.help)}\n\n```\n{usage}\n```\n"
    rows = [(parameter, record) for parameter in command.params if (record := _record(parameter, command))]
    if rows:
        yield "\n| option | meaning |\n|---|---|\n"
        for _, (names, meaning) in rows:
            yield f"| `{names}` | {meaning} |\n"


def _context(command: Any) -> Any:
    return typer.Context(command)


def _record(parameter: Any, command: Any) -> tuple[str, str] | None:
    record = parameter.get_help_record(_context(command))
    if record is None or parameter.name == "help":
        return None
    names, meaning = record
    return names.replace("|", "\\|"), _clean(meaning).replace("|", "\\|").replace("\n", " ")


def _clean(text: str | None) -> str:
    return (text or "").replace("\b", "").strip()


def write_cli() -> str:
    """The reference of every command."""
    parts = ["# Command line\n\n", NOTE]
    for group in COMMANDS:
        command = typer.main.get_command(load_command(group))
        parts.append(f"\n## goldspan {group}\n\n{COMMANDS[group].help}.\n")
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            parts += describe_command(f"goldspan {group}", command)
        for name in sorted(subcommands or ()):
            parts += describe_command(f"goldspan {group} {name}", subcommands[name])
    parts.append("\n## Exit codes\n\n| code | meaning |\n|---|---|\n")
    parts += [f"| {code.value} | {meaning} |\n" for code, meaning in MEANINGS.items()]
    return "".join(parts)


def write_labels() -> str:
    """The reference of the labels and of the issue codes."""
    labels = load_labels()
    parts = [
        "# Labels and issue codes\n\n",
        NOTE,
        "\n## Entities\n\n| label | name | category | group | kind | check |\n",
    ]
    parts.append("|---|---|---|---|---|---|\n")
    parts += [
        f"| {x.code} | {x.name} | {x.category} | {x.group} | {x.kind} | {x.validator} |\n" for x in labels.entities
    ]
    parts.append("\n## Kinds of mention\n\n| kind | name | hint |\n|---|---|---|\n")
    parts += [f"| {x.code} | {x.name} | {'; '.join(x.hints)} |\n" for x in labels.mentions]
    parts.append("\n## Issue codes\n\n| code | severity | meaning |\n|---|---|---|\n")
    parts += [f"| `{code}` | {'error' if code in ERRORS else 'warning'} | {text} |\n" for code, text in CODES.items()]
    return "".join(parts)


def main(check: bool) -> int:
    """Write the pages, or say which are out of date."""
    stale = []
    for name, content in (("cli.md", write_cli()), ("labels.md", write_labels())):
        page = FOLDER / name
        if check and (not page.exists() or page.read_text(encoding="utf-8") != content):
            stale.append(name)
        elif not check:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(content, encoding="utf-8")
    if stale:
        sys.stderr.write(f"docs/reference is out of date ({', '.join(stale)}): run make docs\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
