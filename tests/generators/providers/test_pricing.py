from __future__ import annotations

import dataclasses

import pytest

from goldspan.generators.providers.pricing import fetch_price, find_price
from goldspan.generators.providers.profiles import Price, find_profile
from goldspan.generators.runs.executors import fill_prices, find_prices, knows_prices
from tests.generators.scripted import make_settings


@pytest.mark.parametrize(
    ("pricing", "tier", "price"),
    [
        ({"prompt": "0.0000002", "completion": "0.0000006"}, "live", Price(0.2, 0.6)),
        ({"input": 0.2, "output": 0.6}, "live", Price(0.2, 0.6)),
        ({"live": {"prompt": "0.0000002", "completion": "0.0000006"}, "24h": {"prompt": "1e-7", "completion": "4e-7"}},
         "24h", Price(0.1, 0.4)),
        ([{"name": "realtime", "input_price_per_token": "2e-7", "output_price_per_token": "6e-7"},
          {"name": "batch", "completion_window": "24h", "input_price_per_token": "1e-7",
           "output_price_per_token": "4e-7"}], "24h", Price(0.1, 0.4)),
        ({"prompt": "0", "completion": "0"}, "live", Price(0, 0)),
        ({"prompt": "free"}, "live", None),
        (None, "live", None),
        ([], "live", None),
    ],
)  # fmt: skip
def test_prices_in_each_form(pricing, tier, price):
    found = find_price({"data": [{"id": "other"}, {"id": "m", "pricing": pricing}]}, "m", tier)
    assert found == (pytest.approx(price) if price else None)


@pytest.mark.parametrize("document", [None, [], {"data": None}, {"data": ["m"]}, "m"])
def test_lists_without_the_model_give_nothing(document):
    assert find_price(document, "m", "live") is None


def test_the_provider_s_list_is_read_dated_and_overridden(provider, monkeypatch):
    monkeypatch.setenv("DOUBLEWORD_API_KEY", "any")
    url = provider("doubleword")
    profile = find_profile("doubleword")
    assert fetch_price(url, "any", profile.default_model, "24h") == pytest.approx(profile.find_price("24h"))
    assert fetch_price("http://127.0.0.1:9/v1", "any", "m", "live") is None
    settings = make_settings(provider="doubleword", model=profile.default_model, mode="batch", api_url=url)
    filled = fill_prices(settings)
    assert knows_prices(filled)
    assert find_prices(filled).prompt == pytest.approx(profile.find_price("24h").prompt)
    assert url.rpartition("/")[0] in filled.price_source
    given = fill_prices(dataclasses.replace(settings, price_in=7.0))
    assert (given.price_in, given.price_out) == (7.0, pytest.approx(profile.find_price("24h").completion))
