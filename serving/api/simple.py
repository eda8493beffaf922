"""Routes in the form of a small masking service that many pages and scripts speak: `/predict`, `/api/info`.

`/predict` takes `text`, `method` (`mistral`: a model server, `bert`: this machine), `model` and `pii_entities`, a list
of labels, empty for all; labels may be those of AI4Privacy's pii-masking-200k. Label Studio calls the same path with
`tasks`: see `goldspan.serving.ml_backend`.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import load_taxonomy
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.masking import MaskRequest, mask_texts
from goldspan.serving.host import PredictorHost
from goldspan.serving.limits import LimitError
from goldspan.serving.state import ServerState

MAX_TEXT = 5_000
_TAXONOMY = "ai4privacy-200k"


async def answer_predict(body: dict[str, Any], state: ServerState) -> JsonResponse:
    """The answer to `/predict` with a text."""
    begun = perf_counter()
    text, method = body.get("text"), body.get("method", "mistral")
    if not isinstance(text, str) or not text.strip():
        raise InputError("`text` has to be a text that is not blank.")
    if len(text) > MAX_TEXT:
        raise LimitError(f"The text has {len(text):,} characters; {MAX_TEXT:,} are the most here. Use /v1/mask.", 413)
    selected = translate_labels(body.get("pii_entities") or [], state.schema)
    request = {"text": text, "policy": "pseudonymise", "method": choose_method(method, state.host)}
    wanted = MaskRequest.read(request | ({"labels": selected} if selected else {}), state)
    async with state.admission.enter():
        [masked] = await mask_texts(wanted, state)
    entities: dict[str, list[str]] = {}
    for one in masked.replacements:
        value = text[one.start : one.end]
        if value not in entities.setdefault(one.label, []):
            entities[one.label].append(value)
    return JsonResponse(
        {
            "masked_text": masked.text,
            "entities": entities,
            "processing_time": round(perf_counter() - begun, 4),
            "method_used": f"{method}-{body.get('model', 'base')}",
            "num_entities": len(masked.replacements),
            "selected_entities": body.get("pii_entities") or [],
            "model_version": masked.model_version,
            "unread_labels": list(masked.unread_labels),
            "complete": masked.complete,
        }
    )


def make_routes(state: ServerState) -> list[Route]:
    """The routes of this module but `/predict`."""

    async def info(request: Request) -> JsonResponse:
        return JsonResponse(
            {
                "title": "Goldspan",
                "methods": {name: one.describe() for name, one in state.host.methods.items()},
                "models": ["base"],
                "entities": [label.code for label in state.schema.entities],
                "endpoints": {
                    "/predict": "POST: mask a text",
                    "/v1/mask": "POST: mask texts",
                    "/v1/files": "POST: mask a file",
                    "/health": "GET: is the server alive",
                    "/openapi.json": "GET: the description of every route",
                },
            }
        )

    return [Route("/api/info", info)]


def choose_method(name: Any, host: PredictorHost) -> str:
    """The method that a caller means: by its name, else `mistral` a model server's, `bert` this machine's."""
    if name in host.methods:
        return str(name)
    if name not in ("mistral", "bert"):
        raise InputError("`method` has to be mistral, bert or the name of a method.")
    wanted = "a model server" if name == "mistral" else "this machine"
    return next((one for one, method in host.methods.items() if method.describe()["runs"] == wanted), host.default)


def translate_labels(names: Any, schema: LabelSchema) -> list[str]:
    """Our labels for a list of ours and AI4Privacy's; names without a counterpart are left out.

    Raises:
        InputError: it is not a list of names, or none of them has a counterpart.

    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError("`pii_entities` has to be a list of labels.")
    known = load_taxonomy(_TAXONOMY).targets
    found = {name if name in schema.entity_codes else known[name].label if name in known else "" for name in names}
    labels = sorted(found & schema.entity_codes)
    if names and not labels:
        raise InputError("None of `pii_entities` is a label of this server; /v1/labels lists them.")
    return labels
