"""Label Studio's machine-learning backend: `/setup`, `/predict`, `/versions`, `/webhook`.

The protocol as Label Studio 1.23 speaks it. `/setup` is called before every prediction and answers from memory; the
access token that it brings is neither stored nor logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from goldspan.annotation.errors import InputError
from goldspan.predictors.base import Predictor
from goldspan.serving.api.access import JsonResponse, answer_error
from goldspan.serving.api.body import read_object
from goldspan.serving.ml_backend.controls import LabelControls, read_controls, require_labels
from goldspan.serving.ml_backend.results import answer_drawing, build_result, join_results, read_task_text
from goldspan.serving.ml_backend.training import Training
from goldspan.serving.state import ServerState

MAX_BODY = 256 * 1024 * 1024
"""Bytes: Label Studio sends all selected tasks of a project in one request."""

CHUNK = 64
"""Tasks that are read at the same time."""


def make_routes(state: ServerState, training: Training) -> list[Route]:
    """The routes of this module but `/predict`."""

    async def setup(request: Request) -> JsonResponse:
        body = await read_object(request, MAX_BODY)
        try:
            async with state.host.lend() as predictor:
                require_labels(read_controls(_read_config(body, "schema")), predictor.labels)
                return JsonResponse({"model_version": predictor.model_version})
        except InputError as error:
            return answer_error(400, "labelling_config", str(error))

    async def versions(request: Request) -> JsonResponse:
        known = [method.loan.predictor.model_version for method in state.host.methods.values() if method.loan]
        return JsonResponse({"versions": known})

    async def webhook(request: Request) -> JsonResponse:
        body = await read_object(request, MAX_BODY)
        if body.get("action") == "START_TRAINING":
            training.start()
        return JsonResponse(training.describe())

    async def progress(request: Request) -> JsonResponse:
        return JsonResponse(training.describe())

    return [
        Route("/setup", setup, methods=["POST"]),
        Route("/versions", versions, methods=["GET", "POST"]),
        Route("/webhook", webhook, methods=["POST"]),
        Route("/v1/training", progress),
    ]


async def answer_tasks(body: dict[str, Any], state: ServerState) -> JsonResponse:
    """The predictions of the tasks, one for each in their order; a task that cannot be read gets an empty one.

    With `params.context`, the answer is to the regions that a person drew.
    """
    tasks = body.get("tasks")
    if not isinstance(tasks, list):
        raise InputError("`tasks` has to be a list.")
    controls = read_controls(_read_config(body, "label_config"))
    params = body.get("params")
    context = params.get("context") if isinstance(params, dict) else None
    async with state.host.lend() as predictor:
        version, results = predictor.model_version, []
        for begin in range(0, len(tasks), CHUNK):
            part = tasks[begin : begin + CHUNK]
            if isinstance(context, dict):
                results += [_complete(task, context, controls, version) for task in part]
                continue
            async with state.admission.enter():
                results += await asyncio.gather(*(_predict(task, controls, predictor) for task in part))
    return JsonResponse({"results": results, "model_version": version})


async def _predict(task: Any, controls: Sequence[LabelControls], predictor: Predictor) -> dict[str, Any]:
    parts = []
    for one in controls:
        text, language, country = read_task_text(task, one)
        if text.strip():
            prediction = await predictor.predict(text, language, country)
            parts.append(build_result(text, prediction.annotation, one, predictor.model_version))
    return join_results(parts, predictor.model_version)


def _complete(task: Any, context: dict[str, Any], controls: Sequence[LabelControls], version: str) -> dict[str, Any]:
    drawn = context.get("result")
    parts = [{"result": answer_drawing(task, drawn, one)} for one in controls] if isinstance(drawn, list) else []
    return join_results(parts, version)


def _read_config(body: dict[str, Any], key: str) -> str:
    config = body.get(key)
    if not isinstance(config, str):
        raise InputError(f"`{key}` has to be a labelling config.")
    return config
