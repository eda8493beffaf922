"""Routes in a short form that many pages and scripts speak: `/predict`, `/predict-pdf`, `/api/info`.

`/predict` takes `text`, `method` (`mistral`: a model server, `bert`: this machine), `model` and `pii_entities`, a list
of labels, empty for all; labels may be those of AI4Privacy's pii-masking-200k. Label Studio calls the same path with
`tasks`: see `goldspan.serving.ml_backend`.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.routing import Route

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import load_taxonomy
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.body import check_length, limit_receive
from goldspan.serving.api.masking import MaskRequest, mask_texts
from goldspan.serving.documents.pdf.mask import read_page_texts
from goldspan.serving.host import PredictorHost
from goldspan.serving.limits import LimitError
from goldspan.serving.state import ServerState

MAX_TEXT = 5_000
_BLOCK = 1 << 16
_TAXONOMY = "ai4privacy-200k"


async def answer_predict(
    body: dict[str, Any], state: ServerState, prefix: str = "", limit: int = MAX_TEXT
) -> JsonResponse:
    """The answer to `/predict` with a text of at most `limit` characters; `prefix` stands before the method's name."""
    begun = perf_counter()
    text, method = body.get("text"), body.get("method", "mistral")
    if not isinstance(text, str) or not text.strip():
        raise InputError("`text` has to be a text that is not blank.")
    if len(text) > limit:
        raise LimitError(f"The text has {len(text):,} characters; {limit:,} are the most here. Use /v1/mask.", 413)
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
            "method_used": f"{prefix}{_name_method(method, body.get('model', 'base'))}",
            "num_entities": sum(map(len, entities.values())),
            "selected_entities": body.get("pii_entities") or [],
            "model_version": masked.model_version,
            "unread_labels": list(masked.unread_labels),
            "complete": masked.complete,
        }
    )


def make_routes(state: ServerState) -> list[Route]:
    """The routes of this module but `/predict`."""
    release = version("goldspan")

    async def info(request: Request) -> JsonResponse:
        methods = {name: one.describe() for name, one in state.host.methods.items()}
        models = {name: {"name": one["model_version"], "description": one["source"]} for name, one in methods.items()}
        return JsonResponse(
            {
                "name": "Goldspan",
                "version": release,
                "description": "Finds and masks personal data",
                "available_methods": ["mistral", "bert", *methods],
                "available_models": {"base": models[state.host.default], **models},
                "methods": methods,
                "entities": [label.code for label in state.schema.entities],
                "endpoints": {
                    "predict": "POST /predict: mask a text",
                    "predict-pdf": "POST /predict-pdf: mask the text of a PDF",
                    "mask": "POST /v1/mask: mask texts",
                    "files": "POST /v1/files: mask a file",
                    "health": "GET /health: is the server alive",
                    "info": "GET /api/info: this answer",
                    "openapi": "GET /openapi.json: the description of every route",
                },
            }
        )

    async def predict_pdf(request: Request) -> JsonResponse:
        limit = state.settings.limits.file_bytes
        check_length(request, limit + _BLOCK)
        limited = Request(request.scope, limit_receive(request.receive, limit + _BLOCK))
        try:
            async with limited.form(max_files=1, max_fields=4, max_part_size=_BLOCK) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise InputError("Send the file as the part `file` of multipart/form-data.")
                fields = {**request.query_params, **{k: v for k, v in form.items() if isinstance(v, str)}}
                content = await file.read()
        except MultiPartException as error:
            raise InputError(f"The body is not multipart/form-data: {error.message}") from None
        async with state.admission.enter():
            text = await _read_pdf_text(content, state.settings.ocr)
        body: dict[str, Any] = {"text": text, "method": fields.get("method", "mistral")}
        body |= {"model": fields.get("model", "base"), "pii_entities": _read_list(fields.get("pii_entities", "[]"))}
        return await answer_predict(body, state, prefix="pdf-", limit=state.settings.limits.characters)

    return [Route("/api/info", info), Route("/predict-pdf", predict_pdf, methods=["POST"])]


async def _read_pdf_text(content: bytes, ocr: str) -> str:
    """The text of a PDF, pages apart; the upload is on disk only while it is read."""
    with TemporaryDirectory(prefix="goldspan-serve-") as folder:
        path = Path(folder) / "upload.pdf"
        path.write_bytes(content)
        return "\n\n".join(await asyncio.to_thread(read_page_texts, path, ocr))


def _name_method(method: str, model: str) -> str:
    """The method with its model; `bert` and methods of this server have one model only."""
    return f"{method}-{model}" if method == "mistral" else method


def _read_list(text: str) -> Any:
    try:
        return orjson.loads(text or "[]")
    except orjson.JSONDecodeError:
        raise InputError("`pii_entities` has to be a JSON list of labels.") from None


def choose_method(name: Any, host: PredictorHost) -> str:
    """The method that a caller means: by its name, else `mistral` a model server's, `bert` this machine's."""
    if isinstance(name, str) and name in host.methods:
        return name
    if name != "mistral" and name != "bert":
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
