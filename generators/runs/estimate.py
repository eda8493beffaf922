"""Estimate requests, tokens and cost of a run before anything is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.model import count_tokens, write_content
from goldspan.generators.providers.budget import count_prompt_tokens
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.executors import find_prices, knows_prices
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from goldspan.generators.stages.stage import StageInput

TRIED_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests, tokens and US dollars of a whole run in which every answer is good at once.

    Without `prices_known` the dollars are those of the provider's default model, or none.
    """

    requests: int
    tokens_in: int
    tokens_out: int
    cost: float
    tried: int
    prices_known: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def preview_item(settings: RunSettings, labels: LabelSchema, item: int) -> list[tuple[Request, str]]:
    """The requests of an item, stage by stage, each with an answer that the offline author gives to it.

    The draft's request is exactly what will be sent. Later ones depend on the draft that the model will write.
    """
    brief = draw_brief(settings, labels, item)
    tagged_text = ""
    asked: list[tuple[Request, str]] = []
    for name, stage in settings.build_stages(labels).items():
        request = stage.build_request(StageInput(name, item, 1, brief, tagged_text))
        content = write_content(request.body, labels)
        asked.append((request, content))
        verdict = judge_answer(
            Answer(request.custom_id, content=content), name, AnswerContext(labels, brief, tagged_text)
        )
        if verdict.result is None:
            break
        tagged_text = verdict.result["tagged_text"]
    return asked


def estimate_run(settings: RunSettings, labels: LabelSchema) -> Estimate:
    """Estimate from the first items: real prompts, and texts as long as the offline author's."""
    tried = min(TRIED_ITEMS, settings.samples)
    asked = [pair for item in range(tried) for pair in preview_item(settings, labels, item)]
    share = settings.samples / max(1, tried)
    tokens_in = round(sum(count_prompt_tokens(request.body) for request, _ in asked) * share)
    tokens_out = round(sum(count_tokens(content) for _, content in asked) * share)
    requests = settings.samples * len(settings.build_stages(labels))
    cost = find_prices(settings).cost(tokens_in, tokens_out)
    return Estimate(requests, tokens_in, tokens_out, cost, tried, knows_prices(settings))


def render_request(request: Request) -> str:
    """A request as indented JSON."""
    return json.dumps(request.batch_line, ensure_ascii=False, indent=2)
