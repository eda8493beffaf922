"""The stages of generation and the requests they build.

    draft        brief                → the document with its entities
    coreference  draft                → the same with mentions and clusters
    review       coreference (or draft) → the same with corrections that have reasons
    judge        the last of these → the same with scores

A stage's fingerprint covers its prompt, its answer schema, the model and the stages before it: answers of different
fingerprints are never mixed in one run.
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
from goldspan.generators.stages.prompts import VERSION, build_system
from goldspan.generators.stages.prose import write_message

STAGES = ("draft", "coreference", "review", "judge")
OPTIONAL_STAGES = frozenset({"judge"})
"""Last stages without whose answer an item is done all the same."""
_MAX_DOUBLINGS = 3


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Model settings of a run: model name, token limit of an answer, and the name of the limit's field.

    `max_tokens` is per answer and doubled after each truncated one. `temperature` None leaves it to the provider.
    """

    model: str
    max_tokens: int = 4096
    temperature: float | None = None
    limit_name: str = "max_tokens"


@dataclass(frozen=True, slots=True)
class StageInput:
    """Everything that determines the bytes of one request."""

    stage: str
    item: int
    attempt: int
    brief: Mapping[str, Any]
    tagged_text: str = ""
    problem: str = ""
    truncations: int = 0


class Stage:
    """One step of a run, with everything that is equal for all its questions made once."""

    def __init__(self, name: str, model: ModelSettings, labels: LabelSchema, seed: int) -> None:
        self.name = name
        self._settings, self._seed = model, seed
        self._about_people = labels.purpose.is_pii
        self._system = {"role": "system", "content": build_system(name, labels)}
        self._format = {
            "type": "json_schema",
            "json_schema": {"name": f"goldspan_{name}", "strict": True, "schema": answer_schema(name)},
        }

    def parts(self) -> dict[str, str]:
        """What the stage's fingerprint is made of, hashed one by one so that a difference can be named."""
        model = self._settings
        return {
            f"{self.name} prompt": digest([VERSION, self._system["content"]]),
            f"{self.name} schema": digest(self._format),
            f"{self.name} model": model.model,
            f"{self.name} settings": (
                f"{model.limit_name} {model.max_tokens}, "
                f"temperature {'the default' if model.temperature is None else model.temperature}"
            ),
        }

    def fingerprint(self) -> str:
        """Twelve hex digits over the parts."""
        return digest(self.parts())

    def build_request(self, question: StageInput) -> Request:
        """The request of a question; equal questions of equal runs give equal bytes."""
        model = self._settings
        key = f"{self._seed}/{question.item}/{question.stage}/{question.attempt}"
        body: dict[str, Any] = {
            "model": model.model,
            "messages": [
                self._system,
                {
                    "role": "user",
                    "content": write_message(
                        self.name,
                        question.brief,
                        question.tagged_text,
                        question.problem,
                        about_people=self._about_people,
                    ),
                },
            ],
            "response_format": self._format,
            model.limit_name: model.max_tokens << min(question.truncations, _MAX_DOUBLINGS),
            "seed": int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1,
        }
        if model.temperature is not None:
            body["temperature"] = model.temperature
        custom_id = f"{self.name}-{question.item}-{question.attempt}-{digest(body, 8)}"
        return Request(custom_id, self.name, question.item, question.attempt, body)


def build_stages(names: Sequence[str], model: ModelSettings, labels: LabelSchema, seed: int) -> dict[str, Stage]:
    """The stages of a run, in their order."""
    return {name: Stage(name, model, labels, seed) for name in STAGES if name in names}
