"""Tables of named implementations: those built in, and those that other packages add by entry point.

The target of a name is `module:attribute`, imported when it is first used. Its options are the keyword parameters of
the attribute; their types and defaults are its signature.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from goldspan.annotation.errors import ConfigurationError, UnknownNameError

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class PluginTable:
    """Implementations of one kind by name. A name of `built_in` cannot be replaced by an entry point of `group`."""

    kind: str
    group: str
    built_in: Mapping[str, str]
    hint: str = ""

    def list_names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted({*self.built_in, *find_plugins(self.group)}))

    def load(self, name: str) -> Callable[..., Any]:
        """Import what a name stands for.

        Raises:
            UnknownNameError: there is none of that name.
            ConfigurationError: a plug-in cannot be imported.
        """
        target = self.built_in.get(name) or find_plugins(self.group).get(name)
        if target is None:
            raise UnknownNameError(self.kind, name, self.list_names(), self.hint)
        try:
            return import_target(target)
        except Exception as error:
            if name in self.built_in:
                raise
            raise ConfigurationError(f"The plug-in {self.kind} {name} ({target}) cannot be loaded: {error}.") from None


@cache
def find_plugins(group: str) -> dict[str, str]:
    """The entry points of a group: name to target."""
    return {entry.name: entry.value for entry in entry_points(group=group)}


@cache
def import_target(target: str) -> Callable[..., Any]:
    """The attribute that `module:attribute` names."""
    module, _, attribute = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return found


def list_parameters(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword parameters of a function or class, by name, with their types."""
    inner = target.func if isinstance(target, partial) else target
    hints = get_type_hints(inner.__init__ if inspect.isclass(inner) else inner)
    return {
        p.name: p.replace(annotation=hints.get(p.name, str))
        for p in inspect.signature(target).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def find_option_type(parameter: inspect.Parameter) -> type:
    """The type of an option's values; of `X | None` it is X."""
    kind = parameter.annotation
    if get_origin(kind) in (UnionType, Union):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return kind if isinstance(kind, type) else str


def convert_option(owner: str, parameter: inspect.Parameter, value: Any) -> Any:
    """Text as the type that an option wants; other values as they are, whole numbers also where floats are wanted.

    Args:
        owner: what has the option, for the message: `predictor llm`.
        parameter: the option.
        value: what was given.

    Raises:
        ConfigurationError: the value does not fit the type.
    """
    kind = find_option_type(parameter)
    try:
        if kind is bool and isinstance(value, str):
            if value.lower() not in (*_TRUE, *_FALSE):
                raise ValueError
            return value.lower() in _TRUE
        if isinstance(value, str) or (kind is float and isinstance(value, int)):
            return kind(value)
    except ValueError:
        wanted = (
            "true or false" if kind is bool else {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        )
        raise ConfigurationError(
            f"The option {parameter.name} of the {owner} is {wanted}, not {str(value)[:40]!r}."
        ) from None
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ConfigurationError(f"The option {parameter.name} of the {owner} is {kind.__name__}.")
