"""Write the pages of `docs/reference/` from the program itself; `--check` only compares."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

import goldspan
from goldspan import aio
from goldspan.annotation.checks import CODES, ERRORS, Issue
from goldspan.annotation.labels.schema import Label, load_labels
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport
from goldspan.annotation.labelstudio.push.run import PushOptions, PushReport
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Origin, Span, Status
from goldspan.cli.main import COMMANDS, load_command
from goldspan.cli.shared.exits import MEANINGS
from goldspan.evaluation.audit.audit import Audit, audit_samples, audit_tokens
from goldspan.evaluation.audit.findings import AuditFinding
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.matching.match import Match, PairKind
from goldspan.evaluation.report.public import write_report
from goldspan.evaluation.results.compare import Comparison, ComparisonRow
from goldspan.evaluation.results.evaluate import EvaluationSettings
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.spans import Scheme
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.pipeline import RunOutcome, Summary
from goldspan.generators.runs.run import Limits
from goldspan.predictors.base import Outcome, Prediction, TextInput, Usage
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.expire import expire_raw
from goldspan.privacy.report import report_privacy
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import Frozen
from goldspan.training.finetuning.public import finetune
from goldspan.training.finetuning.settings import TuningSettings
from goldspan.training.gate.verdict import Criterion, GateVerdict

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "<!-- Written by scripts/write_reference.py; change the program, then run `make docs`. -->\n"

VALUES: tuple[type, ...] = (
    Audit, AuditFinding, BundleSettings, Comparison, ComparisonRow, Criterion, EvaluationResult, EvaluationSettings,
    ExecutionOptions, Frozen, GateVerdict, Issue, Label, Level, Limits, Match, Origin, Outcome, PairKind, PullOptions,
    PullReport, Prediction, PushOptions, PushReport, RunOutcome, Scheme, Span, Status, Summary, Tagged, TextInput,
    TuningSettings, Usage,
)  # fmt: skip
"""What the public functions take and return, beside the names of `goldspan` itself."""
MODULE_FUNCTIONS: tuple[Callable[..., Any], ...] = (
    write_report, audit_samples, audit_tokens, finetune, find_person, erase_person, report_privacy, expire_raw
)  # fmt: skip
"""Functions of the other public modules."""
_SECTION = re.compile(r"^(Args|Raises|Returns|Yields):\n((?:    .*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


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


def write_python() -> str:
    """The reference of every public name."""
    parts = ["# Python reference\n\n", NOTE]
    parts.append(
        "\nEvery public name of `goldspan`, from its signature and docstring. "
        "[Python API](../python-api.md) shows them at work.\n"
    )
    functions = [name for name in goldspan.__all__ if inspect.isfunction(getattr(goldspan, name))]
    classes = [name for name in goldspan.__all__ if inspect.isclass(getattr(goldspan, name))]
    parts.append("\n## Functions\n")
    for name in functions:
        parts += describe_function(f"goldspan.{name}", getattr(goldspan, name))
    parts.append("\n## Asynchronous twins\n\n`goldspan.aio` has these functions under the same names, to be awaited: ")
    parts.append(", ".join(f"`{name}`" for name in aio.__all__) + ".\n")
    parts.append("\n## Functions of other public modules\n")
    for function in MODULE_FUNCTIONS:
        parts += describe_function(f"{function.__module__}.{function.__name__}", function)
    parts.append("\n## Classes\n")
    for name in classes:
        parts += describe_class(f"goldspan.{name}", getattr(goldspan, name))
    parts.append("\n## Values that functions take and return\n")
    for value in VALUES:
        parts += describe_class(f"{value.__module__}.{value.__qualname__}", value)
    return "".join(parts)


def describe_function(name: str, function: Any) -> Iterator[str]:
    """Markdown of one function: signature, text, arguments and errors."""
    prefix = "async " if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) else ""
    yield f"\n### `{name}`\n\n```python\n{prefix}{_write_signature(name.rpartition('.')[2], function)}\n```\n"
    yield from _describe_docstring(function)


def describe_class(name: str, kind: Any) -> Iterator[str]:
    """Markdown of one class: signature, text, and what it offers itself."""
    signature = "" if issubclass(kind, Exception) else f"```python\n{_write_constructor(kind)}\n```\n"
    module = kind.__module__
    home = f"\nDefined in `{module}`.\n" if name.startswith("goldspan.") and name.count(".") == 1 else ""
    yield f"\n### `{name.rpartition('.')[2]}`\n\n{signature}"
    yield from _describe_docstring(kind)
    yield home or f"\n`from {module} import {kind.__name__}`\n"
    rows = [
        (member, (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " "))
        for member, value in vars(kind).items()
        if not member.startswith("_") and _is_documented(value)
    ]
    if rows:
        yield "\n| attribute | meaning |\n|---|---|\n"
        for member, meaning in rows:
            yield f"| `{member}` | {meaning.replace('|', chr(92) + '|')} |\n"


def _is_documented(value: Any) -> bool:
    if type(value).__name__ == "cached_property" or isinstance(value, property):
        return True
    return inspect.isfunction(value) or isinstance(value, classmethod | staticmethod)


def _write_constructor(kind: Any) -> str:
    if members := getattr(kind, "__members__", None):
        return "\n".join(f"{kind.__name__}.{name} = {member.value!r}" for name, member in members.items())
    if dataclasses.is_dataclass(kind) or hasattr(kind, "_fields"):
        return _write_signature(kind.__name__, kind)
    return f"class {kind.__name__}({', '.join(base.__name__ for base in kind.__bases__)})"


def _write_signature(name: str, function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [
        p.replace(default=_show_default(p.default), annotation=_show_annotation(p.annotation))
        for p in signature.parameters.values()
    ]
    parts: list[str] = []
    star = False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        parts.append(str(parameter))
    returns = signature.return_annotation
    arrow = "" if inspect.isclass(function) or returns is inspect.Signature.empty else f" -> {returns}"
    line = f"{name}({', '.join(parts)}){arrow}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){arrow}"


class _Shown:
    """A default as it stands in a signature."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _show_annotation(value: Any) -> Any:
    return _Shown(value) if isinstance(value, str) else value


def _show_default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return value
    if isinstance(value, str) and type(value) is str:
        return _Shown(f'"{value}"')
    if inspect.isfunction(value):
        return _Shown("..." if value.__name__ == "<lambda>" else value.__name__)
    if dataclasses.is_dataclass(value) or type(value).__name__ == "_HAS_DEFAULT_FACTORY_CLASS":
        return _Shown("...")
    if hasattr(type(value), "__members__"):
        return _Shown(str(value))
    return value


def _describe_docstring(thing: Any) -> Iterator[str]:
    text = (inspect.getdoc(thing) or "") + "\n"
    yield "\n" + _SECTION.sub("", text).strip() + "\n"
    for title, body in _SECTION.findall(text):
        heading = {"Args": "argument", "Raises": "error"}.get(title, title.lower())
        yield f"\n| {heading} | meaning |\n|---|---|\n"
        for name, meaning in _ENTRY.findall(body):
            yield f"| `{name}` | {' '.join(meaning.split()).replace('|', chr(92) + '|')} |\n"


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
    pages = {"cli.md": write_cli(), "labels.md": write_labels(), "python.md": write_python()}
    for name, content in pages.items():
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
