"""What the server is and can do: health, metrics, labels, methods, policies, models."""

from __future__ import annotations

from importlib.metadata import version
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from goldspan.masking.policy import OPERATORS, list_presets, load_policy
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.body import read_json
from goldspan.serving.api.masking import run_in_worker
from goldspan.serving.documents.registry import list_formats
from goldspan.serving.measured import find_figures
from goldspan.serving.state import ServerState

COMMON = frozenset({"FIRSTNAME", "SURNAME", "EMAIL", "PHONENUMBER", "STREET", "CITY", "ZIP", "DATEOFBIRTH", "SSN",
                    "CREDITCARDNUMBER", "IBAN", "USERNAME", "PASSWORD"})  # fmt: skip
"""Labels that the page selects with "common"."""


def make_routes(state: ServerState) -> list[Route]:
    """The routes of this module."""
    release = version("goldspan")

    async def health(request: Request) -> JsonResponse:
        healthy = sum(method.healthy for method in state.host.methods.values())
        total = len(state.host.methods)
        status = "healthy" if healthy == total else "partial" if healthy else "degraded"
        return JsonResponse(
            {
                "status": status,
                "services": {
                    name: {"available": method.healthy, "initialized": method.healthy, "model": method.source}
                    for name, method in state.host.methods.items()
                },
                "version": release,
                "timestamp": time(),
            }
        )

    async def ready(request: Request) -> JsonResponse:
        return JsonResponse({"ready": state.host.ready}, 200 if state.host.ready else 503)

    async def metrics(request: Request) -> PlainTextResponse:
        gauges = {"working": state.admission.working, "waiting": state.admission.waiting}
        versions = [
            (name, method.loan.predictor.model_version) for name, method in state.host.methods.items() if method.loan
        ]
        return PlainTextResponse(state.metrics.render(gauges, versions), media_type="text/plain; version=0.0.4")

    async def labels(request: Request) -> JsonResponse:
        found = [
            {
                "label": label.code,
                "name": label.name,
                "category": label.category,
                "group": label.group,
                "kind": label.kind,
                "color": label.color,
                "common": label.code in COMMON,
            }
            for label in state.schema.entities
        ]
        return JsonResponse({"labels": found})

    async def methods(request: Request) -> JsonResponse:
        return JsonResponse({"methods": await run_in_worker(state, list_methods, state), "formats": list_formats()})

    async def policies(request: Request) -> JsonResponse:
        return JsonResponse(
            {"policies": _list_policies(state), "default": state.settings.policy, "operators": OPERATORS}
        )

    async def model(request: Request) -> JsonResponse:
        return JsonResponse({"models": [method.describe() for method in state.host.methods.values()]})

    async def reload(request: Request) -> JsonResponse:
        body = await read_json(request, "reload-request", state.settings.limits.body_bytes)
        changes = {"recall": body["recall"]} if "recall" in body else {}
        method = await state.host.reload(body.get("method", ""), body.get("source", ""), changes)
        return JsonResponse(method.describe())

    return [
        Route("/health", health),
        Route("/ready", ready),
        Route("/metrics", metrics),
        Route("/v1/labels", labels),
        Route("/v1/methods", methods),
        Route("/v1/policy", policies),
        Route("/v1/model", model),
        Route("/v1/model/reload", reload, methods=["POST"]),
    ]


def list_methods(state: ServerState) -> list[dict[str, Any]]:
    """Every method with what it was measured to do."""
    found = []
    for method in state.host.methods.values():
        described = method.describe()
        folder = state.settings.results
        described["measured"] = find_figures(folder, described["model_version"]) if folder else {}
        described["unread_labels"] = sorted(state.schema.entity_codes - set(described["labels"]))
        found.append(described)
    return found


def _list_policies(state: ServerState) -> list[dict[str, Any]]:
    names = list(dict.fromkeys([state.settings.policy, *list_presets()]))
    policies = [(name, load_policy(name)) for name in names]
    return [
        {
            "name": name,
            "description": policy.description,
            "reversible": policy.reversible,
            "needs_key": policy.needs_key,
            "rules": {
                label.code: policy.find_rule(label.code, state.schema).operator for label in state.schema.entities
            },
        }
        for name, policy in policies
    ]
