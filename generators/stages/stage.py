"""The stages of generation as data, and how each asks its question.

    draft        brief                → the document with its entities
    coreference  draft                → the same with mentions and clusters
    review       coreference (or draft) → the same with corrections that have reasons

A stage's fingerprint covers its prompt, its answer schema, the model and the stages before it: what it would mean
to mix answers from before and after a change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.providers.protocol import Request
from goldspan.generators.stages.answers import answer_schema
from goldspan.generators.stages.prompts import VERSION, build_system, build_user

STAGES = ("draft", "coreference", "review")
_MAX_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class Asking:
    """How a run asks: which model, how much room for an answer, and which way the token limit is spelled.

    `max_tokens` is per answer and doubled after each truncated one. `temperature` None leaves it to the provider.
    """

    model: str
    max_tokens: int = 4096
    temperature: float | None = None
    limit_name: str = "max_tokens"


@dataclass(frozen=True, slots=True)
class Question:
    """All that decides the bytes of one request."""

    stage: str
    item: int
    attempt: int
    brief: Mapping[str, Any]
    tagged_text: str = ""
    problem: str = ""
    truncations: int = 0


class Stage:
    """One step of a run, with everything that is equal for all its questions made once."""

    def __init__(self, name: str, asking: Asking, labels: LabelSchema, seed: int) -> None:
        self.name = name
        self._asking, self._seed = asking, seed
        self._system = {"role": "system", "content": build_system(name, labels)}
        self._format = {
            "type": "json_schema",
            "json_schema": {"name": f"goldspan_{name}", "strict": True, "schema": answer_schema(name)},
        }

    def parts(self) -> dict[str, str]:
        """What the stage's fingerprint is made of, hashed one by one so that a difference can be named."""
        asking = self._asking
        return {
            f"{self.name} prompt": digest([VERSION, self._system["content"]]),
            f"{self.name} schema": digest(self._format),
            f"{self.name} model": asking.model,
            f"{self.name} settings": (
                f"{asking.limit_name} {asking.max_tokens}, "
                f"temperature {'the default' if asking.temperature is None else asking.temperature}"
            ),
        }

    def fingerprint(self) -> str:
        """Twelve hex digits over the parts."""
        return digest(self.parts())

    def build_request(self, question: Question) -> Request:
        """The request of a question; equal questions of equal runs give equal bytes."""
        asking = self._asking
        key = f"{self._seed}/{question.item}/{question.stage}/{question.attempt}"
        body: dict[str, Any] = {
            "model": asking.model,
            "messages": [
                self._system,
                {
                    "role": "user",
                    "content": build_user(self.name, question.brief, question.tagged_text, question.problem),
                },
            ],
            "response_format": self._format,
            asking.limit_name: asking.max_tokens << min(question.truncations, _MAX_DOUBLINGS),
            "seed": int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1,
        }
        if asking.temperature is not None:
            body["temperature"] = asking.temperature
        custom_id = f"{self.name}-{question.item}-{question.attempt}-{digest(body, 8)}"
        return Request(custom_id, self.name, question.item, question.attempt, body)


def build_stages(names: Sequence[str], asking: Asking, labels: LabelSchema, seed: int) -> dict[str, Stage]:
    """The stages of a run, in their order."""
    return {name: Stage(name, asking, labels, seed) for name in STAGES if name in names}
