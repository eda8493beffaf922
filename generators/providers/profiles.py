"""Provider profiles: addresses, limits, completion windows, behaviour and prices.

Limits and habits follow the published documentation of both batch APIs. Prices are list prices in US dollars
for one million tokens of the default model; they serve estimates and budgets, the provider's bill decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from goldspan.annotation.errors import ConfigurationError, UnknownNameError

PRICES_AS_OF = "2026-11-21"
"""Day on which the prices were taken from the providers' price lists."""

_MEGABYTE = 1_000_000
_HOUR = 3600


class Price(NamedTuple):
    """US dollars for one million tokens."""

    prompt: float
    completion: float


@dataclass(frozen=True, slots=True)
class ProviderProfile:
    """One provider of chat completions and batches.

    `windows` are the completion windows that a batch may ask for, the cheapest first; none: no batches of this kind.
    `list_supports_search`: the list of batches takes `search=` over metadata.
    `partial_streaming`: the output file can be read while the batch runs (`skip=`, `X-Incomplete`, `X-Last-Line`).
    `server_retry`: failed rows can be asked again within the same batch.
    `cost_estimate`: the provider estimates the cost of a file before it is run.
    `has_file_status`: file objects carry `status`; without it there is nothing to wait for after an upload.
    `emits_expired`: a batch past its window ends as `expired`; otherwise its rows go on.
    `both_files_from_start`: output and error file exist as soon as the batch does.
    `input_ttl` is in seconds. `prices` by tier: `live`, and each window. `seed_field` is the provider's name of the
    sampling seed.
    """

    name: str
    base_url: str
    key_variable: str
    default_model: str
    max_requests: int
    max_bytes: int
    max_body_bytes: int
    windows: tuple[str, ...]
    list_supports_search: bool
    partial_streaming: bool
    server_retry: bool
    cost_estimate: bool
    has_file_status: bool
    emits_expired: bool
    both_files_from_start: bool
    input_ttl: int
    prices: Mapping[str, Price]
    seed_field: str = "seed"

    def find_price(self, tier: str) -> Price:
        """The price of a tier: `live` or a completion window; the dearest known one for an unknown tier."""
        return self.prices.get(tier) or max(self.prices.values(), default=Price(0.0, 0.0))


_DOUBLEWORD = ProviderProfile(
    name="doubleword",
    base_url="https://api.doubleword.ai/v1",
    key_variable="DOUBLEWORD_API_KEY",
    default_model="Qwen/Qwen3-VL-235B-A22B-Instruct-FP8",
    max_requests=50_000,
    max_bytes=200 * _MEGABYTE,
    max_body_bytes=10 * _MEGABYTE,
    windows=("24h", "1h"),
    list_supports_search=True,
    partial_streaming=True,
    server_retry=True,
    cost_estimate=True,
    has_file_status=False,
    emits_expired=False,
    both_files_from_start=True,
    input_ttl=24 * _HOUR,
    prices=MappingProxyType({"live": Price(0.20, 0.60), "1h": Price(0.15, 0.55), "24h": Price(0.10, 0.40)}),
)

_OPENAI = ProviderProfile(
    name="openai",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_API_KEY",
    default_model="gpt-4.1-mini",
    max_requests=50_000,
    max_bytes=200 * _MEGABYTE,
    max_body_bytes=10 * _MEGABYTE,
    windows=("24h",),
    list_supports_search=False,
    partial_streaming=False,
    server_retry=False,
    cost_estimate=False,
    has_file_status=True,
    emits_expired=True,
    both_files_from_start=False,
    input_ttl=30 * 24 * _HOUR,
    prices=MappingProxyType({"live": Price(0.40, 1.60), "24h": Price(0.20, 0.80)}),
)

_COMPATIBLE = dataclasses.replace(
    _OPENAI,
    name="compatible",
    base_url="http://127.0.0.1:8000/v1",
    key_variable="GOLDSPAN_API_KEY",
    default_model="",
    windows=("24h", "1h"),
    has_file_status=False,
    prices=MappingProxyType({"live": Price(0.0, 0.0), "24h": Price(0.0, 0.0)}),
)

_MISTRAL = dataclasses.replace(
    _COMPATIBLE,
    name="mistral",
    base_url="https://api.mistral.ai/v1",
    key_variable="MISTRAL_API_KEY",
    default_model="mistral-small-latest",
    windows=(),
    seed_field="random_seed",
)

_TOGETHER = dataclasses.replace(
    _COMPATIBLE, name="together", base_url="https://api.together.ai/v1", key_variable="TOGETHER_API_KEY", windows=()
)

PROFILES: Mapping[str, ProviderProfile] = MappingProxyType(
    {profile.name: profile for profile in (_DOUBLEWORD, _OPENAI, _MISTRAL, _TOGETHER, _COMPATIBLE)}
)


def find_profile(name: str) -> ProviderProfile:
    """The profile of a provider. Raises UnknownNameError."""
    if name not in PROFILES:
        raise UnknownNameError("provider", name, PROFILES)
    return PROFILES[name]


def normalise_url(url: str) -> str:
    """The base URL of an OpenAI-compatible server, however it was given.

    `http://host:1`, `http://host:1/v1` and `http://host:1/v1/chat/completions` all mean `http://host:1/v1`.

    Raises:
        ConfigurationError: it is not an http or https URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(f"{url!r} is not a URL of a server; give it like http://127.0.0.1:8000/v1.") from None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigurationError(f"{url!r} is not a URL of a server; give it like http://127.0.0.1:8000/v1.")
    path = parts.path.rstrip("/")
    for ending in ("/chat/completions", "/responses", "/completions"):
        path = path.removesuffix(ending)
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}"
