"""`goldspan generate scenarios`: situations that a model writes once, for the briefs of every later run."""

from __future__ import annotations

from typing import Annotated

import typer

from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption


def register(app: typer.Typer) -> None:
    """Add the command to the group `generate`."""
    app.command("scenarios")(scenarios)


def scenarios(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="New situations for each language")] = 40,
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes with commas; default: the project's")] = "",
    domain: Annotated[str, typer.Option(help="What the documents are about: a dental practice, a bank …")] = "",
    provider: Annotated[str, typer.Option(help="openai, doubleword or compatible; default: the project's")] = "",
    model: Annotated[str, typer.Option(help="Model name; default: the provider's default model")] = "",
    api_url: Annotated[str, typer.Option(help="Address of a compatible server")] = "",
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Sampling temperature; default: the provider's")
    ] = None,
    labels: LabelsOption = None,
    data: NewDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model write situations for documents; `generate start` draws from them.

    They are kept in scenarios.jsonl of the workspace, one a line, to be read and edited. Only situations are asked for,
    no data is sent.
    """
    from dataclasses import asdict

    from goldspan.annotation.errors import InputError
    from goldspan.annotation.loops import run_sync
    from goldspan.cli.generate.options import GenerationOptions, read_settings
    from goldspan.generators.runs.scenarios import write_scenarios_async
    from goldspan.generators.specs.directions import SCENARIOS

    workspace = find_workspace(data)
    options = GenerationOptions(
        provider=provider, model=model, languages=languages, api_url=api_url, temperature=temperature, labels=labels
    )
    settings, schema = read_settings(workspace, options, writes_briefs=False)
    if settings.provider == "offline":
        raise InputError("The offline author needs no situations. Name a model: --provider openai, --model NAME.")
    path = workspace.root / SCENARIOS
    report = run_sync(write_scenarios_async(settings, schema, count, path, domain))
    if as_json:
        print_json(asdict(report) | {"file": str(path)})
        return
    print_table(
        ["language", "new", "in all"],
        ((language, report.added[language], total) for language, total in report.total.items()),
        right=(1, 2),
    )
    say(f"Written to {path}." + (f" {report.unusable} answers could not be used." if report.unusable else ""))
