"""Requests about a project's machine-learning backends and the webhooks that Label Studio makes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.labelstudio.api.transport import Json, Transport
from goldspan.annotation.wording import format_count


class BackendRequests:
    """One method per request; errors as those of `StudioClient`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_all(self, project: int) -> list[Json]:
        """The backends of a project, asked for their health first: `id`, `title`, `url`, `state`, `model_version`."""
        path, purpose = "api/ml/", "list the model backends"
        return list(self._transport.ask("GET", path, purpose, params={"project": project}))

    def create(self, fields: Mapping[str, Any]) -> Json:
        """Add a backend; Label Studio asks it for health and setup first."""
        return self._transport.ask_object("POST", "api/ml/", "connect the model", body=fields)

    def update(self, backend: int, fields: Mapping[str, Any]) -> Json:
        """Change a backend. `fields` must hold `url` and `project`: without them Label Studio 1.23 answers 500."""
        return self._transport.ask_object("PATCH", f"api/ml/{backend}", "connect the model", body=fields)

    def delete(self, backend: int) -> None:
        """Remove a backend; the webhook that came with it stays."""
        self._transport.ask("DELETE", f"api/ml/{backend}", "disconnect the model")

    def retrieve_predictions(self, project: int, tasks: Sequence[int]) -> None:
        """Have these tasks predicted by the project's backend. Label Studio reports success also for a failed batch."""
        self._transport.ask(
            "POST",
            "api/dm/actions/",
            f"predict {format_count(len(tasks), 'task')}",
            params={"id": "retrieve_tasks_predictions", "project": project},
            body={"selectedItems": {"all": False, "included": list(tasks)}},
        )

    def list_webhooks(self, project: int) -> list[Json]:
        """The webhooks of a project: `id`, `url`, `actions`."""
        return list(self._transport.ask("GET", "api/webhooks/", "list the webhooks", params={"project": project}))
