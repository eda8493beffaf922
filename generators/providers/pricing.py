"""Prices as a provider lists them with its models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goldspan.annotation.answers import AnswerLimitError, AnswerMeter, compute_patience, limit_wait
from goldspan.annotation.origins import choose_trust
from goldspan.generators.providers.parsing import load_json_bytes
from goldspan.generators.providers.profiles import Price

_TIMEOUT = 5.0
_MAX_BYTES = 16 * 1024 * 1024
_PROMPT_NAMES = ("prompt", "input", "input_price_per_token", "input_cost_per_token", "prompt_price", "input_price")
_COMPLETION_NAMES = (
    "completion",
    "output",
    "output_price_per_token",
    "output_cost_per_token",
    "completion_price",
    "output_price",
)
_PER_TOKEN_BELOW = 0.001
"""US dollars: smaller figures are for one token, larger ones for a million; no model costs 1,000 dollars a million."""


def fetch_price(base_url: str, api_key: str, model: str, tier: str) -> Price | None:
    """The price of a model as `GET /models?include=pricing` lists it; None where it does not, or nobody answers.

    `tier` is `live` or a completion window.
    """
    import httpx2

    try:
        with httpx2.Client(timeout=_TIMEOUT, follow_redirects=False, **choose_trust(base_url)) as client:
            request = client.build_request(
                "GET",
                f"{base_url}/models",
                params={"include": "pricing"},
                headers={"Authorization": f"Bearer {api_key}", "Accept-Encoding": "identity"},
            )
            with limit_wait(request):
                reply = client.send(request, stream=True)
            if reply.status_code != 200:
                return None
            meter, raw = AnswerMeter(compute_patience(reply.request), _MAX_BYTES), bytearray()
            for chunk in reply.iter_raw():
                meter.add(len(chunk))
                raw += chunk
        return find_price(load_json_bytes(bytes(raw)), model, tier)
    except (httpx2.HTTPError, AnswerLimitError, ValueError, RecursionError):
        return None


def find_price(document: Any, model: str, tier: str) -> Price | None:
    """The price of a model in a list of models: a `pricing` object, one for each tier, or a list of tariffs."""
    models = document.get("data") if isinstance(document, Mapping) else document
    for entry in models if isinstance(models, list) else ():
        if isinstance(entry, Mapping) and model in {entry.get("id"), entry.get("name")}:
            return _read_pricing(entry.get("pricing") or entry.get("tariffs"), tier)
    return None


def _read_pricing(pricing: Any, tier: str) -> Price | None:
    if isinstance(pricing, Mapping):
        if price := _read_price(pricing):
            return price
        for name in _list_names(tier):
            if isinstance(pricing.get(name), Mapping):
                return _read_price(pricing[name])
        return None
    tariffs = [entry for entry in pricing if isinstance(entry, Mapping)] if isinstance(pricing, list) else []
    for name in _list_names(tier):
        for tariff in tariffs:
            said = {str(value).casefold() for value in tariff.values() if isinstance(value, str)}
            if name in said and (price := _read_price(tariff)):
                return price
    return None


def _list_names(tier: str) -> tuple[str, ...]:
    return ("live", "realtime", "standard", "default") if tier == "live" else (tier, f"batch_{tier}", "batch")


def _read_price(pricing: Mapping[str, Any]) -> Price | None:
    prompt, completion = _find_number(pricing, _PROMPT_NAMES), _find_number(pricing, _COMPLETION_NAMES)
    if prompt is None or completion is None:
        return None
    factor = 1_000_000 if max(prompt, completion) < _PER_TOKEN_BELOW else 1
    return Price(prompt * factor, completion * factor)


def _find_number(pricing: Mapping[str, Any], names: Iterable[str]) -> float | None:
    for name in names:
        try:
            value = float(pricing[name])
        except (KeyError, TypeError, ValueError):
            continue
        if 0 <= value < 10_000:
            return value
    return None
