"""`/v1/mask`, `/v1/detect`, `/v1/restore`: texts in, masked texts or entities out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.masking.mask import Masker
from goldspan.masking.policy import Policy, Rule, build_policy, list_presets, load_policy
from goldspan.masking.referents import find_referents
from goldspan.masking.restore import restore_text
from goldspan.masking.result import MaskedText
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.body import read_json
from goldspan.serving.limits import LimitError
from goldspan.serving.state import INLINE_CHARACTERS, ServerState

REVIEWED = "reviewed"
"""The model version of entities that the request itself gives."""


@dataclass(frozen=True, slots=True)
class MaskRequest:
    """A checked request."""

    texts: tuple[str, ...]
    method: str
    policy: Policy
    language: str
    country: str
    entities: tuple[Entity, ...] | None

    @classmethod
    def read(cls, body: Mapping[str, Any], state: ServerState) -> MaskRequest:
        """A request from its JSON.

        Raises:
            LimitError: the texts are too long.
            InputError: a name is not known, or `entities` come with several texts.
        """
        texts = (body["text"],) if "text" in body else tuple(body["texts"])
        characters, limit = sum(map(len, texts)), state.settings.limits.characters
        if characters > limit:
            raise LimitError(f"The texts have {characters:,} characters; {limit:,} are the most.", 413)
        entities = None
        if "entities" in body:
            if "texts" in body:
                raise InputError("`entities` belong to `text`, not to `texts`.")
            entities = sort_spans(
                Entity(e["start"], e["end"], e["label"], score=e.get("score")) for e in body["entities"]
            )
        policy = read_policy(body, state)
        if entities is not None:
            policy = replace(policy, recognisers=(), deny=(), allow=(), sweep=False)
        return cls(texts, body.get("method", ""), policy, body.get("language", ""), body.get("country", ""), entities)


def read_policy(body: Mapping[str, Any], state: ServerState) -> Policy:
    """The policy of a request: a preset or one of its own, narrowed to its labels, with its operators and threshold."""
    given = body.get("policy", state.settings.policy)
    if isinstance(given, str) and given not in (state.settings.policy, *list_presets()):
        raise UnknownNameError("policy", given[:80], list_presets(), "Or give the policy itself as JSON.")
    policy = _load_preset(given) if isinstance(given, str) else build_policy(given)
    if not isinstance(given, str):
        policy.check(state.schema)
    policy = policy.override(state.schema, body.get("operators", {}), body.get("threshold"))
    return policy.select(body.get("labels"), state.schema)


@cache
def _load_preset(name: str) -> Policy:
    return load_policy(name)


def make_routes(state: ServerState) -> list[Route]:
    """The routes of this module."""

    async def mask(request: Request) -> JsonResponse:
        begun = perf_counter()
        body = await read_json(request, "mask-request", state.settings.limits.body_bytes)
        wanted = MaskRequest.read(body, state)
        async with state.admission.enter():
            masked = await mask_texts(wanted, state)
        results = [_describe(text, one, body) for text, one in zip(wanted.texts, masked, strict=True)]
        milliseconds = round(1000 * (perf_counter() - begun), 1)
        if "text" in body:
            return JsonResponse({**results[0], "milliseconds": milliseconds})
        complete = all(one.complete for one in masked)
        return JsonResponse({"results": results, "complete": complete, "milliseconds": milliseconds})

    async def detect(request: Request) -> JsonResponse:
        begun = perf_counter()
        body = await read_json(request, "mask-request", state.settings.limits.body_bytes)
        wanted = MaskRequest.read({**body, "threshold": body.get("threshold", 0)}, state)
        policy = replace(wanted.policy, default=Rule("replace"), labels={}, groups={})
        policy = policy.override(state.schema, {}, body.get("threshold", 0))
        async with state.admission.enter(), state.host.lend(wanted.method) as predictor:
            masker = Masker(predictor, policy, state.schema)
            found = await asyncio.gather(*(_detect(text, masker, wanted, state) for text in wanted.texts))
            version, unread = predictor.model_version, list(masker.unread_labels)
        shared = {"model_version": version, "unread_labels": unread, "complete": True}
        shared["milliseconds"] = round(1000 * (perf_counter() - begun), 1)
        if "text" in body:
            return JsonResponse({"entities": found[0], **shared})
        return JsonResponse({"results": [{"entities": one} for one in found], **shared})

    async def restore(request: Request) -> JsonResponse:
        body = await read_json(request, "restore-request", state.settings.limits.body_bytes)
        if "mapping" not in body and state.vault is None and state.settings.key is None:
            raise InputError("Give `mapping`: this server has neither vault nor key.")
        source = body.get("mapping", state.vault if state.vault is not None else {})
        async with state.admission.enter(), state.turn:
            restored = await run_in_worker(state, restore_text, body["text"], source, state.settings.key)
        return JsonResponse({"text": restored.text, "restored": restored.restored, "unknown": list(restored.unknown)})

    return [
        Route("/v1/mask", mask, methods=["POST"]),
        Route("/v1/detect", detect, methods=["POST"]),
        Route("/v1/restore", restore, methods=["POST"]),
    ]


async def mask_texts(wanted: MaskRequest, state: ServerState) -> list[MaskedText]:
    """The masked texts of a request: all of them, or an error."""
    async with state.host.lend(wanted.method) as predictor:
        masker = Masker(predictor, wanted.policy, state.schema, key=state.settings.key, ledger=state.vault)
        annotations = await asyncio.gather(*(_read(text, masker, wanted) for text in wanted.texts))
        masked = await _apply(wanted, annotations, masker, state)
    for text, one in zip(wanted.texts, masked, strict=True):
        state.metrics.count_masking(one.counts, len(text))
    return masked


async def run_in_worker(state: ServerState, function: Any, *arguments: Any) -> Any:
    """The result of a function, computed in a worker thread."""
    return await asyncio.get_running_loop().run_in_executor(state.workers, function, *arguments)


async def _read(text: str, masker: Masker, wanted: MaskRequest) -> Annotation:
    if wanted.entities is not None:
        return Annotation(Author.model(REVIEWED), wanted.entities)
    return await masker.read(text, wanted.language, wanted.country)


async def _apply(
    wanted: MaskRequest, annotations: Sequence[Annotation], masker: Masker, state: ServerState
) -> list[MaskedText]:
    def work() -> list[MaskedText]:
        pairs = zip(wanted.texts, annotations, strict=True)
        return [masker.apply(text, annotation, wanted.language, wanted.country) for text, annotation in pairs]

    if state.vault is not None:
        async with state.turn:
            masked: list[MaskedText] = await run_in_worker(state, work)
            return masked
    short = sum(map(len, wanted.texts)) <= INLINE_CHARACTERS and not wanted.policy.recognisers
    return work() if short else await run_in_worker(state, work)


async def _detect(text: str, masker: Masker, wanted: MaskRequest, state: ServerState) -> list[dict[str, Any]]:
    annotation = await _read(text, masker, wanted)

    def work() -> list[dict[str, Any]]:
        spans = masker.find(text, annotation, wanted.country)
        referents = find_referents(text, spans, annotation.mentions)
        numbers = {key: number for number, key in enumerate(dict.fromkeys(r.key for r in referents), start=1)}
        return [
            {
                "start": span.start,
                "end": span.end,
                "label": span.label,
                "score": span.score,
                "source": span.source,
                "referent": numbers[referent.key],
            }
            for span, referent in zip(spans, referents, strict=True)
        ]

    found: list[dict[str, Any]] = await run_in_worker(state, work)
    return found


def _describe(text: str, masked: MaskedText, body: Mapping[str, Any]) -> dict[str, Any]:
    described = masked.describe()
    if body.get("include_originals"):
        for entity in described["entities"]:
            entity["original"] = text[entity["start"] : entity["end"]]
    if body.get("include_mapping"):
        described["mapping"] = dict(masked.mapping)
    return described
