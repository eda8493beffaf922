"""Providers of fine-tuning: limits, prices, and the days on which they or their models close.

Closing days follow the providers' pages of deprecations as read on 2026-11-26. Prices are list prices of 2025 in US
dollars for one million trained tokens; `--price` goes before them, and what a provider quotes for a job before both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.generators.providers.profiles import PROFILES, ProviderProfile

TRAINING_PRICES_AS_OF = "2025-12"
"""Month of the price lists that the training prices were taken from."""

_MEGABYTE = 1_000_000
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class TuningProfile:
    """One provider of fine-tuning.

    `min_rows`, `max_bytes` and `max_row_tokens` are limits of a file. A validation file may have at most
    `validation_bytes` and `validation_share` of the training file. `min_cost` is charged for any job. `closes` is the
    day from which no job is taken; `deprecated` the month since which the API is no longer supported. `retired` and
    `prices` go by the beginning of the model's name, the longest that fits; `size_prices` by billions of parameters.
    `quotes`: the provider says what a job costs before anything is paid. `retention` is how long it keeps files, in
    seconds.
    """

    provider: ProviderProfile
    min_rows: int = 1
    max_bytes: int = 512 * _MEGABYTE
    max_row_tokens: int = 65_536
    validation_bytes: int | None = None
    validation_share: float | None = None
    min_cost: float = 0.0
    closes: date | None = None
    deprecated: str = ""
    retired: Mapping[str, date] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
    size_prices: tuple[tuple[float, float], ...] = ()
    quotes: bool = False
    retention: float = 30 * 86_400.0

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider.name

    def find_price(self, model: str) -> float | None:
        """US dollars for one million trained tokens of a model; None if no list has it."""
        if known := _find_longest(self.prices, model):
            return self.prices[known]
        sizes = _SIZE.findall(model)
        size = float(sizes[0]) if sizes else None
        return next((price for most, price in self.size_prices if size is not None and size <= most), None)

    def require_open(self, model: str, today: date) -> None:
        """Refuse a model or an API that takes no jobs any more.

        Raises:
            ConfigurationError: it names the day and what can be done instead.
        """
        instead = "Use --provider together, or --provider local to train on this machine."
        if self.closes and today >= self.closes:
            raise ConfigurationError(f"{self.name} has taken no fine-tuning jobs since {self.closes}. {instead}")
        known = _find_longest(self.retired, model)
        if known and today >= self.retired[known]:
            raise ConfigurationError(
                f"{self.name} has retired {known} on {self.retired[known]}, and models tuned from it with it. "
                f"Name another with --model. {instead}"
            )


def _find_longest(table: Mapping[str, object], model: str) -> str:
    return max((name for name in table if model.startswith(name)), key=len, default="")


_OPENAI = TuningProfile(
    PROFILES["openai"],
    min_rows=10,
    closes=date(2027, 1, 6),
    retired=MappingProxyType(
        {
            "gpt-4o": date(2027, 1, 14),
            "gpt-4o-mini": date(2027, 1, 14),
            "gpt-4.1": date(2027, 1, 14),
            "gpt-4.1-mini": date(2027, 1, 14),
            "gpt-4.1-nano": date(2026, 10, 23),
        }
    ),
    prices=MappingProxyType(
        {"gpt-4o": 25.0, "gpt-4o-mini": 3.0, "gpt-4.1": 25.0, "gpt-4.1-mini": 5.0, "gpt-4.1-nano": 1.5}
    ),
)

_MISTRAL = TuningProfile(
    PROFILES["mistral"],
    max_row_tokens=32_768,
    validation_bytes=_MEGABYTE,
    validation_share=0.05,
    min_cost=4.0,
    deprecated="2026-06",
    prices=MappingProxyType({"open-mistral-nemo": 1.0, "mistral-small": 3.0, "codestral": 3.0, "mistral-large": 9.0}),
    quotes=True,
)

_TOGETHER = TuningProfile(
    PROFILES["together"],
    max_bytes=25_000 * _MEGABYTE,
    size_prices=((16.0, 0.48), (69.0, 1.5), (100.0, 2.9)),
    quotes=True,
)

TUNING_PROFILES: Mapping[str, TuningProfile] = MappingProxyType(
    {profile.name: profile for profile in (_OPENAI, _MISTRAL, _TOGETHER)}
)


def find_tuning_profile(name: str) -> TuningProfile:
    """The fine-tuning profile of a provider. Raises UnknownNameError."""
    if name not in TUNING_PROFILES:
        raise UnknownNameError("provider of fine-tuning", name, TUNING_PROFILES)
    return TUNING_PROFILES[name]
