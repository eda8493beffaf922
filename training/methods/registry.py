"""The methods by name: built in, or by entry point of the group `goldspan.methods` (`name = "module:Class"`)."""

from __future__ import annotations

from typing import Any

from goldspan.annotation.plugins import PluginTable
from goldspan.training.methods.base import Method

GROUP = "goldspan.methods"
BUILT_IN = {
    "crf": "goldspan.training.methods.crf:CrfMethod",
    "fine-tuning": "goldspan.training.methods.fine_tuning:FineTuningMethod",
    "llm-token-classifier": "goldspan.training.methods.llm_token_classifier:LlmTokenClassifierMethod",
    "prompting": "goldspan.training.methods.prompting:PromptingMethod",
    "token-classifier": "goldspan.training.methods.token_classifier:TokenClassifierMethod",
}
_TABLE = PluginTable("method", GROUP, BUILT_IN)


def list_methods() -> tuple[str, ...]:
    """The names that `open_method` knows, sorted."""
    return _TABLE.list_names()


def open_method(name: str) -> Method[Any]:
    """A method by name.

    Raises:
        UnknownNameError: there is no method of that name.
        ConfigurationError: a plug-in cannot be imported.
    """
    method: Method[Any] = _TABLE.load(name)()
    return method
