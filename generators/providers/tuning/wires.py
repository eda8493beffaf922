"""The wire of a provider."""

from __future__ import annotations

from goldspan.generators.providers.tuning.client import TuningClient
from goldspan.generators.providers.tuning.mistral import MistralWire
from goldspan.generators.providers.tuning.openai import OpenAiWire
from goldspan.generators.providers.tuning.together import TogetherWire
from goldspan.generators.providers.tuning.wire import TuningWire

WIRES: dict[str, type[TuningWire]] = {"openai": OpenAiWire, "mistral": MistralWire, "together": TogetherWire}


def open_wire(provider: str, address: str, api_key: str) -> TuningWire:
    """The fine-tuning API of a provider at an address."""
    return WIRES[provider](TuningClient(address, api_key))
