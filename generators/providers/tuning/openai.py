"""OpenAI's fine-tuning API (`/v1/fine_tuning/jobs`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from goldspan.generators.providers.fields import as_mapping, list_mappings, read_text
from goldspan.generators.providers.tuning.values import JobRequest, JobState
from goldspan.generators.providers.tuning.wire import TuningWire

_PAGE = 100
_MOST_PAGES = 100


class OpenAiWire(TuningWire):
    """Jobs of OpenAI. They start as soon as they are created; there is no halt and no quote."""

    jobs_path = "/fine_tuning/jobs"
    statuses: ClassVar[Mapping[str, JobState]] = {
        "validating_files": JobState.CHECKING,
        "queued": JobState.QUEUED,
        "running": JobState.RUNNING,
        "paused": JobState.QUEUED,
        "succeeded": JobState.SUCCEEDED,
        "failed": JobState.FAILED,
        "cancelled": JobState.CANCELLED,
    }

    def make_body(self, request: JobRequest) -> dict[str, Any]:
        """The body of the request that creates a job."""
        hyperparameters: dict[str, Any] = {"n_epochs": request.epochs}
        if request.learning_rate is not None:
            hyperparameters["learning_rate_multiplier"] = request.learning_rate
        body: dict[str, Any] = {
            "model": request.model,
            "training_file": request.training_file,
            "suffix": request.marker,
            "seed": request.seed,
            "metadata": {"goldspan_run": request.marker, "goldspan_name": request.run[:512]},
            "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        }
        if request.validation_file:
            body["validation_file"] = request.validation_file
        return body

    def iter_pages(self, path: str, doing: str) -> Iterator[Mapping[str, Any]]:
        """The documents of a list, each page after the last document of the one before."""
        after = ""
        for _ in range(_MOST_PAGES):
            query = {"limit": _PAGE, **({"after": after} if after else {})}
            page = as_mapping(self.client.get(path, doing, query))
            entries = list_mappings(page.get("data"))
            yield from entries
            last = read_text(entries[-1], "id") if entries else ""
            if not last or last == after or page.get("has_more") is not True:
                return
            after = last
