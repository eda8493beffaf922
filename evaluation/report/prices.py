"""Dated prices: of tokens, processor time and annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import goldspan.schemas as schemas
from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import ConfigurationError
from goldspan.evaluation.results.cost import TokenPrices

FILE = "prices.toml"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices in one currency. `core_hour` is one core for an hour, `hour` an annotator's; `tokens` by model."""

    as_of: str
    currency: str
    core_hour: float
    compute_source: str
    hour: float
    minutes_per_document: float
    annotation_source: str
    tokens: Mapping[str, TokenPrices] = field(default_factory=dict)


def read_prices(path: Path | None = None) -> PriceTable:
    """Prices of a TOML file; None: those that ship with Goldspan.

    Raises:
        ConfigurationError: the file cannot be read, or breaks its schema.
    """
    document = read_configuration(path or schemas.path(FILE), "prices", ConfigurationError)
    compute, annotation = document["compute"], document["annotation"]
    return PriceTable(
        as_of=document["as_of"],
        currency=document["currency"],
        core_hour=compute["core_hour"],
        compute_source=compute["source"],
        hour=annotation["hour"],
        minutes_per_document=annotation["minutes_per_document"],
        annotation_source=annotation["source"],
        tokens={
            row["model"]: TokenPrices(
                row["prompt"], row["completion"], document["currency"], row["as_of"], row["source"]
            )
            for row in document.get("tokens", ())
        },
    )
