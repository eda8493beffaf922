"""What a predictor's answers cost: its token usage at dated prices."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from goldspan.generators.providers.profiles import PRICES_AS_OF, PROFILES
from goldspan.predictors.base import Usage

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class TokenPrices:
    """Prices of one million prompt and completion tokens, the day they were valid, and where they come from."""

    prompt: float
    completion: float
    currency: str = "USD"
    as_of: str = ""
    source: str = "given"


def find_prices(provider: str, model: str = "", mode: str = "live") -> TokenPrices | None:
    """List prices of a provider's answers; None if they are not known for the provider or the model.

    `mode` is `live` or `batch`, which is the cheapest window.
    """
    profile = PROFILES.get(provider)
    tier = profile.windows[0] if profile and mode == "batch" and profile.windows else "live"
    price = profile.prices.get(tier) if profile else None
    if profile is None or price is None or not any(price) or model not in ("", profile.default_model):
        return None
    return TokenPrices(price.prompt, price.completion, as_of=PRICES_AS_OF, source=f"list price of {provider}, {tier}")


def describe_cost(usage: Usage, documents: int, prices: TokenPrices | None) -> dict[str, Any] | None:
    """Usage and cost as they stand in a result file; None if no request was made.

    Args:
        usage: of the fresh answers; cached ones cost nothing now and are counted only.
        documents: number of documents with fresh answers.
        prices: prices of tokens; without, the cost is not known.
    """
    if not (usage.requests or usage.cached):
        return None
    total = None
    if prices is not None:
        total = (usage.prompt_tokens * prices.prompt + usage.completion_tokens * prices.completion) / MILLION
    known = total is not None and documents > 0
    return {
        "currency": prices.currency if prices else None,
        "total": total,
        "per_1000_documents": 1000 * (total or 0.0) / documents if known else None,
        "usage": asdict(usage),
        "prices": asdict(prices) if prices else None,
    }
