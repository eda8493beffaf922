"""`/v1/tasks`: a corrected masking becomes a sample, and a task for review in Label Studio."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from goldspan.annotation.checks import find_errors
from goldspan.annotation.errors import InputError
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.serving.api.access import JsonResponse
from goldspan.serving.api.body import read_json
from goldspan.serving.api.masking import MaskRequest
from goldspan.serving.state import ServerState

AUTHOR = "masking-page"
"""The model version of annotations that people corrected on the page: reviewers see where they came from."""


def make_routes(state: ServerState) -> list[Route]:
    """The route of this module."""

    async def send(request: Request) -> JsonResponse:
        if state.sink is None:
            raise InputError("This server keeps no samples; start it in a workspace.")
        body = await read_json(request, "mask-request", state.settings.limits.body_bytes)
        wanted = MaskRequest.read(body, state)
        if wanted.entities is None:
            raise InputError("Send `text` with its `entities`.")
        [text] = wanted.texts
        annotation = Annotation(Author.model(AUTHOR), wanted.entities)
        for issue in find_errors(text, annotation, state.schema):
            raise InputError(f"{issue.code}: {issue.message}")
        sample = Sample(text, wanted.language, wanted.country, annotations=(annotation,), provenance={"source": AUTHOR})
        return JsonResponse({"message": await state.sink(sample)})

    return [Route("/v1/tasks", send, methods=["POST"])]
