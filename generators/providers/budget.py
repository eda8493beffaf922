"""Budget of a run: spent, and reserved for rows in flight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from goldspan.generators.journal.rows import Row, Totals
from goldspan.generators.providers.protocol import Answer, Request

BYTES_PER_TOKEN = 4
EXPECTED_OUTPUT = 500
"""Tokens of an answer before any has come; afterwards the mean so far."""
_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for one million tokens."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """US dollars of so many tokens."""
        return (tokens_in * self.prompt + tokens_out * self.completion) / 1_000_000


def count_prompt_tokens(body: Mapping[str, Any]) -> int:
    """Tokens of a prompt as a rule of thumb: its bytes by four, the answer's schema included."""
    return len(orjson.dumps([body.get("messages"), body.get("response_format")])) // BYTES_PER_TOKEN


def estimate_usage(answer: Answer, body: Mapping[str, Any]) -> Answer:
    """The answer with tokens by the rule of thumb where the server does not count them; counted tokens stay."""
    if not answer.content:
        return answer
    tokens_out = answer.tokens_out or max(1, len(answer.content.encode()) // BYTES_PER_TOKEN)
    return replace(answer, tokens_in=answer.tokens_in or count_prompt_tokens(body), tokens_out=tokens_out)


class Budget:
    """Keeps a run within `max_cost` (US dollars) and `max_tokens` (prompt and completion together).

    A row is reserved before it is sent and settled by what it really took, so that many rows in flight cannot
    overrun the budget together. What an answer may take is the mean of its stage, with the token limit counted as one
    more answer: the whole limit before any has come. The estimate of a row that is alone can be wrong, by that row.
    `outputs` are how many answers of each stage were counted, and their tokens.
    """

    def __init__(
        self,
        prices: Prices,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        spent: Totals | None = None,
        outputs: Mapping[str, tuple[int, int]] | None = None,
    ) -> None:
        self._prices, self._max_cost, self._max_tokens = prices, max_cost, max_tokens
        spent = spent or Totals(0, 0, 0.0)
        self._tokens, self._cost = spent.tokens_in + spent.tokens_out, spent.cost
        self._reserved: dict[str, tuple[int, float]] = {}
        self._reserved_tokens, self._reserved_cost = 0, 0.0
        self._outputs = dict(outputs or {})

    @property
    def prices(self) -> Prices:
        """The price table."""
        return self._prices

    @property
    def limited(self) -> bool:
        """True if there is a limit at all."""
        return self._max_cost is not None or self._max_tokens is not None

    def reserve(self, request: Request, stages_left: int = 0, *, is_alone: bool = False) -> bool:
        """Set aside what a request may take and the later stages of its item probably will; False if that is too much.

        `is_alone`: no other row is on its way. Then what the answer probably takes is enough, and if need be what is
        set aside for later stages of other items.
        """
        if not self.limited:
            return True
        tokens_in, tokens_out = count_prompt_tokens(request.body), self._bound_output(request)
        if not is_alone:
            return self._reserve_row(request, tokens_in, tokens_out, stages_left)
        tokens_out = min(tokens_out, self._expect_output())
        if self._reserve_row(request, tokens_in, tokens_out, stages_left):
            return True
        for key in list(self._reserved):
            self.release(key)
        return self._reserve_row(request, tokens_in, tokens_out, stages_left)

    def _reserve_row(self, request: Request, tokens_in: int, tokens_out: int, stages_left: int) -> bool:
        later = _name_later(request.item)
        before = self._reserved.get(later)
        self.release(later)
        if self.reserve_tokens(request.custom_id, tokens_in, tokens_out):
            later_out = stages_left * self._expect_output()
            if not stages_left or self.reserve_tokens(later, stages_left * tokens_in, later_out):
                return True
            self.release(request.custom_id)
        if before:
            self._set_aside(later, *before)
        return False

    def hold_outstanding(self, rows: Iterable[Row], like: Request, stages_left: int = 0) -> None:
        """Set aside what rows of a stage may take that an earlier process has sent, whether the budget holds it or not.

        `like` is a request of the stage.
        """
        tokens_in, tokens_out = count_prompt_tokens(like.body), self._bound_output(like)
        later_in, later_out = stages_left * tokens_in, stages_left * self._expect_output()
        for row in rows:
            self._set_aside(row.custom_id, tokens_in + tokens_out, self._prices.cost(tokens_in, tokens_out))
            self._set_aside(_name_later(row.item), later_in + later_out, self._prices.cost(later_in, later_out))

    def forget_item(self, item: int) -> None:
        """An item was given up: nothing is set aside for its later stages any more."""
        self.release(_name_later(item))

    def _expect_output(self) -> int:
        """Tokens of an answer of any stage."""
        answers = sum(count for count, _ in self._outputs.values())
        return sum(tokens for _, tokens in self._outputs.values()) // answers if answers else EXPECTED_OUTPUT

    def _bound_output(self, request: Request) -> int:
        """Tokens that the answers to requests like this one take on average, at most."""
        answers, tokens = self._outputs.get(request.stage, (0, 0))
        limit = next((int(request.body[name]) for name in _LIMITS if name in request.body), EXPECTED_OUTPUT)
        return (tokens + limit) // (answers + 1)

    def reserve_tokens(self, custom_id: str, tokens_in: int, tokens_out: int) -> bool:
        """Set aside so many tokens for a row; False if that would break the budget."""
        tokens, cost = tokens_in + tokens_out, self._prices.cost(tokens_in, tokens_out)
        if self._max_tokens is not None and self._tokens + self._reserved_tokens + tokens > self._max_tokens:
            return False
        if self._max_cost is not None and self._cost + self._reserved_cost + cost > self._max_cost:
            return False
        self.release(custom_id)
        self._set_aside(custom_id, tokens, cost)
        return True

    def _set_aside(self, key: str, tokens: int, cost: float) -> None:
        self._reserved[key] = (tokens, cost)
        self._reserved_tokens += tokens
        self._reserved_cost += cost

    def release(self, custom_id: str) -> None:
        """A row was not sent after all."""
        tokens, cost = self._reserved.pop(custom_id, (0, 0.0))
        self._reserved_tokens -= tokens
        self._reserved_cost -= cost

    def settle(self, answer: Answer, stage: str) -> float:
        """Count what a row of a stage really took; returns its cost in US dollars."""
        self.release(answer.custom_id)
        cost = self._prices.cost(answer.tokens_in, answer.tokens_out)
        self._tokens += answer.tokens_in + answer.tokens_out
        self._cost += cost
        if answer.tokens_out:
            answers, tokens = self._outputs.get(stage, (0, 0))
            self._outputs[stage] = (answers + 1, tokens + answer.tokens_out)
        return cost


def _name_later(item: int) -> str:
    return f"later stages of {item}"
