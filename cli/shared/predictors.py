"""The options by which commands take a predictor: `--predictor NAME --option key=value`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.cli.shared.console import warn

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.predictors.base import Predictor

PREDICTOR_HELP = "A name (`goldspan predictors list`), names joined with + (the first wins), or a .toml file"
OptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="KEY=VALUE",
        help="An option of the predictor, for example model=my-model; may be repeated. `goldspan predictors list` "
        "shows which options each predictor takes",
    ),
]


def parse_options(given: list[str] | None) -> dict[str, Any]:
    """`key=value` texts as a dictionary.

    Raises:
        InputError: a text has no `=`, or a key is given twice.
    """
    options: dict[str, Any] = {}
    for text in given or ():
        key, separator, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not separator or not key.isidentifier():
            raise InputError(f"--option takes KEY=VALUE, not {text[:60]!r}.")
        if key in options:
            raise InputError(f"--option {key} is given twice.")
        options[key] = value
    return options


def open_from_command(
    name: str, labels: LabelSchema, options: list[str] | None, workspace: Workspace, workers: int
) -> Predictor:
    """The predictor that a command line names; says so where it knows none of the schema's labels.

    Raises:
        InputError: an option is not KEY=VALUE.
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, or what it needs is missing.
    """
    from goldspan.predictors.registry import open_predictor

    defaults = {"workers": workers, "folder": workspace.runs / "annotate"}
    predictor = open_predictor(name, labels, defaults=defaults, **parse_options(options))
    if not predictor.labels:
        codes = sorted(labels.entity_codes)
        shown = ", ".join(codes[:8]) + (" …" if len(codes) > 8 else "")
        warn(f"The predictor {name} can give none of the labels of this schema ({shown}): expect no entities.")
    return predictor
