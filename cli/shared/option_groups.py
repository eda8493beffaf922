"""Sets of options that several commands share, declared once as a dataclass."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


def expand_option_groups(command: Callable[..., T]) -> Callable[..., T]:
    """Replace each dataclass parameter of a command by one option per field.

        @dataclass(frozen=True, slots=True)
        class ServerOptions:
            url: Annotated[str, typer.Option(help="Address of the server")] = ""

        @app.command()
        @expand_option_groups
        def push(files: list[Path], server: ServerOptions) -> None: ...

    The options stand where the parameter stood, and the command is called with an instance of the dataclass. Every
    field needs a default.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        kind = hints[name]
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            groups[name] = kind
            parameters += _list_options(kind)
        else:
            parameters.append(parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def run(**given: Any) -> T:
        built = {
            name: kind(**{field.name: given.pop(field.name) for field in dataclasses.fields(kind)})
            for name, kind in groups.items()
        }
        return command(**given, **built)

    signature = inspect.Signature(parameters, return_annotation=hints.get("return", inspect.Signature.empty))
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _list_options(kind: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in dataclasses.fields(kind)
    ]
