"""What a fine-tuning run may spend: the estimate before anything is sent, the quote before anything is paid."""

from __future__ import annotations

from goldspan.generators.providers.tuning.profiles import TRAINING_PRICES_AS_OF, TuningProfile
from goldspan.generators.providers.tuning.values import JobState
from goldspan.training.finetuning.engine import JobView
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.settings import TuningEstimate, TuningOrder

_MILLION = 1_000_000


def estimate_cost(profile: TuningProfile, order: TuningOrder) -> TuningEstimate:
    """Trained tokens are the tokens of the training file times the epochs; validation is paid where it is counted.

    Source: Together's "Fine-tuning pricing" (epochs × training tokens + evaluations × validation tokens); OpenAI and
    Mistral count the training file alone.
    """
    counts, validation = order.counts, order.validation_counts
    evaluated = order.epochs if profile.name == "together" else 0
    expected = order.epochs * counts.expected + evaluated * validation.expected
    most = order.epochs * counts.most + evaluated * validation.most
    price = profile.find_price(order.model) if order.price is None else order.price
    if price is None:
        return TuningEstimate(expected, most, note=f"no price is known for {order.model}; give --price")
    source = "the price given" if order.price is not None else f"list prices of {TRAINING_PRICES_AS_OF}"
    return TuningEstimate(
        expected,
        most,
        max(profile.min_cost, expected * price / _MILLION),
        max(profile.min_cost, most * price / _MILLION),
        note=source,
    )


def check_estimate(journal: TuningJournal, reason: str = "") -> JobView | None:
    """Why a job that is not quoted may cost too much, by our own highest estimate."""
    stored = journal.read_settings()
    most, estimated = stored.get("max_cost"), stored["estimate"]["cost_most"]
    if most is None or (estimated is not None and estimated <= most):
        return None
    may = "an unknown amount" if estimated is None else f"up to {estimated:.2f} USD"
    why = f" ({reason})" if reason else ""
    message = f"the provider quotes no price{why}, and the run may cost {may}, more than --max-cost {most:g}"
    return JobView(JobState.READY, message=message, over_budget=True)


def check_quote(journal: TuningJournal, cost: float | None, currency: str) -> JobView | None:
    """Why a job is not paid: its quote is more than the run may spend."""
    most = journal.read_settings().get("max_cost")
    if most is None or cost is None or cost <= most:
        return None
    message = f"the provider quotes {cost:.2f} {currency}, more than --max-cost {most:g}; nothing was paid"
    return JobView(JobState.READY, message=message, over_budget=True)
