"""`goldspan method`: fit any method on a bundle; what it makes opens like every predictor."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.cli.shared.console import err, print_json, print_table, quote, say
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, NewDataOption, make_app
from goldspan.cli.shared.predictors import parse_options

if TYPE_CHECKING:
    from goldspan.predictors.artifact import MethodArtifact

app = make_app(no_args_is_help=True, help="Make a predictor from a bundle.")


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the methods with their options, plug-ins included."""
    from goldspan.annotation.plugins import list_parameters
    from goldspan.training.methods.registry import list_methods, open_method

    methods = [open_method(name) for name in list_methods()]
    found: list[dict[str, Any]] = [
        {"method": m.name, "title": m.title, "options": _list_defaults(list_parameters(m.settings))} for m in methods
    ]
    if as_json:
        print_json(found)
        return
    rows = ((m["method"], m["title"], " ".join(f"{k}={v}" for k, v in m["options"].items())) for m in found)
    print_table(["method", "", "options and their defaults"], rows)
    say("Use one with: goldspan method fit METHOD [BUNDLE] --option KEY=VALUE")


@app.command("fit")
def fit(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="`goldspan method list` shows them")],
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help="A folder, or a name in bundles/. Default: the newest")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the method; may be repeated"),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the artifact. Default: the method with the next number")] = "",
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a method on a bundle. The artifact is models/<name> in the workspace: use it with --predictor.

    The same command with the --name of an interrupted fit resumes it.
    """
    from goldspan.training.methods.fits import fit as fit_method

    artifact = fit_method(
        method,
        bundle,
        parse_options(option),
        name=name,
        data=data,
        labels_file=labels,
        on_line=_ignore if as_json else _report,
    )
    _show(artifact, as_json)


@app.command("status")
def status(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Default: all fits")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show fits: what is done, running, failed or interrupted, and how long it took."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.methods.state import find_fit, list_fits

    workspace = find_workspace(data)
    fits = [find_fit(workspace, name)] if name else list_fits(workspace)
    if as_json:
        print_json([{"name": fit.name, **fit.state} for fit in fits])
        return
    if not name:
        columns = ("method", "status", "seconds", "started_at", "output")
        print_table(["name", *columns], ([f.name, *(f.state.get(c) for c in columns)] for f in fits), right=(3,))
        return
    shown = ("method", "status", "progress", "error", "seconds", "cpu_seconds", "started_at", "output")
    print_table(["", name], ((key, fits[0].state[key]) for key in shown if fits[0].state.get(key)))


def _list_defaults(parameters: dict[str, inspect.Parameter]) -> dict[str, Any]:
    return {name: "" if p.default in (None, p.empty) else p.default for name, p in parameters.items()}


def _report(line: str) -> None:
    err.print(line)


def _ignore(line: str) -> None:
    del line


def _show(artifact: MethodArtifact, as_json: bool) -> None:
    if as_json:
        print_json({"folder": str(artifact.folder), **artifact.record})
        return
    training = artifact.record["training"]
    price = training["price"]
    facts = {
        "method": artifact.method,
        "bundle": artifact.record["bundle"]["name"],
        "seconds": training["seconds"],
        "processor seconds": training["cpu_seconds"],
        "price": f"{price['total']:.4g} {price['currency']}" if price else None,
        **{key.replace("_", " "): value for key, value in training["usage"].items()},
    }
    print_table(["", artifact.record["name"]], facts.items())
    say(f"Use it with: goldspan annotate FILE --predictor {quote(artifact.folder)}")
