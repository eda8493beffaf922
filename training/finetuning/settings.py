"""Settings of a fine-tuning run, and what a run may spend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningSettings:
    """What is trained and where.

    `provider` is together, openai, mistral or local. `model` is the base model, `api_url` another address than the
    provider's own. `learning_rate` None is the provider's; OpenAI takes it as a multiplier. `price` is in US dollars
    for one million trained tokens, None for the list's. `tokenizer` is a `tokenizer.json` that counts the tokens
    exactly. `options` are those of a local engine, `key=value` with commas. `max_cost` bounds what the run may cost,
    in US dollars (in the currency of the quote where a provider quotes another).
    """

    provider: str = "together"
    model: str = ""
    api_url: str = ""
    epochs: int = 3
    learning_rate: float | None = None
    seed: int = 0
    price: float | None = None
    tokenizer: Path | None = None
    options: str = ""
    max_cost: float | None = None


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Rows of a training file and the tokens in them: expected, and at most."""

    rows: int
    expected: int
    most: int


@dataclass(frozen=True, slots=True)
class TuningEstimate:
    """What a run will take. `cost` is None where no price is known."""

    tokens_expected: int
    tokens_most: int
    cost: float | None = None
    cost_most: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TuningOrder:
    """What an engine is given: the files of rows (JSONL, `{"messages": […]}` a line) and how to train on them.

    `marker` is unique to the run and may appear in names at a provider (15 characters, `[a-z0-9-]`). `folder` is the
    run's, readable by its owner only.
    """

    run: str
    marker: str
    folder: Path
    provider: str
    model: str
    address: str
    train: Path
    validation: Path | None
    epochs: int
    learning_rate: float | None
    seed: int
    price: float | None
    options: dict[str, str]
    counts: TokenCount
    validation_counts: TokenCount
