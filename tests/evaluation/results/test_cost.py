import pytest

from goldspan.evaluation.results.cost import TokenPrices, describe_cost, find_prices
from goldspan.generators.providers.profiles import PROFILES
from goldspan.predictors.base import Usage


def test_usage_at_prices_is_cost():
    cost = describe_cost(Usage(2_000_000, 500_000, requests=400, cached=3), 200, TokenPrices(0.4, 1.6))
    assert cost["total"] == pytest.approx(2 * 0.4 + 0.5 * 1.6)
    assert cost["per_1000_documents"] == pytest.approx(8.0)
    assert cost["currency"] == "USD"
    assert cost["usage"]["cached"] == 3


def test_without_prices_or_fresh_answers_the_cost_is_not_known():
    assert describe_cost(Usage(), 5, TokenPrices(1, 1)) is None
    unknown = describe_cost(Usage(10, 10, requests=1), 1, None)
    assert (unknown["total"], unknown["per_1000_documents"]) == (None, None)
    cached = describe_cost(Usage(cached=4), 0, TokenPrices(1, 1))
    assert (cached["total"], cached["per_1000_documents"]) == (0.0, None)


def test_list_prices_are_dated_and_hold_for_the_default_model_only():
    prices = find_prices("openai")
    assert (prices.prompt, prices.completion) == PROFILES["openai"].prices["live"]
    assert prices.as_of.startswith("20")
    assert find_prices("openai", PROFILES["openai"].default_model) == prices
    assert find_prices("openai", "another-model") is None
    assert find_prices("compatible") is None
    assert find_prices("nobody") is None
