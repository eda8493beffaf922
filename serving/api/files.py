"""`/v1/files` and `/v1/jobs`: upload a file, follow its job, fetch the masked file."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from goldspan.annotation.errors import InputError, StateError
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.body import check_length, check_request, limit_receive
from goldspan.serving.api.masking import read_policy
from goldspan.serving.documents.base import FieldChoice, FileSettings, make_settings
from goldspan.serving.jobs import JobStore
from goldspan.serving.state import ServerState

_BLOCK = 1 << 16


def make_routes(state: ServerState, jobs: JobStore) -> list[Route]:
    """The routes of this module."""

    async def upload(request: Request) -> JsonResponse:
        limit = state.settings.limits.file_bytes
        check_length(request, limit + _BLOCK)
        limited = Request(request.scope, limit_receive(request.receive, limit + _BLOCK))
        try:
            async with limited.form(max_files=1, max_fields=2, max_part_size=_BLOCK) as form:
                settings = _read_settings(form.get("settings"))
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise InputError("Send the file as the part `file` of multipart/form-data.")
                policy = read_policy(settings, state)
                job = jobs.open(
                    file.filename or "", settings.get("method", ""), policy, _read_files(settings, state.settings.ocr)
                )
                try:
                    with job.source.open("wb") as out:
                        while block := await file.read(_BLOCK):
                            out.write(block)
                except OSError as error:
                    jobs.remove(job.id)
                    raise StateError(f"The upload cannot be stored: {error.strerror}.") from None
        except MultiPartException as error:
            raise InputError(f"The body is not multipart/form-data: {error.message}") from None
        jobs.start(job)
        return JsonResponse(job.describe(), 202, {"Location": f"/v1/jobs/{job.id}"})

    async def follow(request: Request) -> JsonResponse:
        return JsonResponse(jobs.find(request.path_params["id"]).describe())

    async def fetch(request: Request) -> Response:
        job = jobs.find(request.path_params["id"])
        if job.state != "done":
            raise StateError(f"The file is {job.state}; there is no result.")
        return FileResponse(job.result, filename=job.name, media_type="application/octet-stream")

    async def remove(request: Request) -> JsonResponse:
        jobs.remove(request.path_params["id"])
        return JsonResponse({"removed": True})

    return [
        Route("/v1/files", upload, methods=["POST"]),
        Route("/v1/jobs/{id}", follow, methods=["GET"]),
        Route("/v1/jobs/{id}", remove, methods=["DELETE"]),
        Route("/v1/jobs/{id}/result", fetch, methods=["GET"]),
    ]


def _read_settings(part: Any) -> dict[str, Any]:
    if part is None or part == "":
        return {}
    try:
        settings = orjson.loads(part) if isinstance(part, str) else None
    except orjson.JSONDecodeError:
        settings = None
    if not isinstance(settings, dict):
        raise InputError("The part `settings` has to be a JSON object.")
    own = {key: settings.pop(key) for key in ("fields", "pdf", "ocr") if key in settings}
    check_request({**settings, "text": ""}, "mask-request")
    return {**settings, **own}


def _read_files(settings: dict[str, Any], ocr: str) -> FileSettings:
    fields = settings.get("fields", [])
    if not isinstance(fields, list) or not all(isinstance(one, str) for one in fields):
        raise InputError("`fields` has to be a list of NAME or NAME=LABEL.")
    choices = tuple(FieldChoice(*one.rpartition("=")[::2]) if "=" in one else FieldChoice(one) for one in fields)
    pdf, chosen = settings.get("pdf", "keep"), settings.get("ocr", ocr)
    if not isinstance(pdf, str) or chosen not in ("off", ocr):
        raise InputError(
            f"`pdf` has to be keep, raster or scan, `ocr` off or {ocr}, which the server was started with."
        )
    language, country = settings.get("language", ""), settings.get("country", "")
    return make_settings(language, country, choices, pdf, chosen)
