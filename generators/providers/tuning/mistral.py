"""Mistral's fine-tuning API (`/v1/fine_tuning/jobs`), deprecated but still there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from goldspan.annotation.redaction import redact
from goldspan.generators.providers.fields import as_mapping, list_mappings, read_text, read_time
from goldspan.generators.providers.tuning.documents import name_document
from goldspan.generators.providers.tuning.values import Checkpoint, JobEvent, JobRequest, JobState, RemoteJob
from goldspan.generators.providers.tuning.wire import TuningWire, read_checkpoint

_PAGE = 100
_MOST_PAGES = 100


class MistralWire(TuningWire):
    """Jobs of Mistral. They halt once they are validated, with a quote, and wait to be started."""

    jobs_path = "/fine_tuning/jobs"
    statuses: ClassVar[Mapping[str, JobState]] = {
        "queued": JobState.CHECKING,
        "validating": JobState.CHECKING,
        "validated": JobState.READY,
        "started": JobState.QUEUED,
        "running": JobState.RUNNING,
        "success": JobState.SUCCEEDED,
        "failed": JobState.FAILED,
        "failed_validation": JobState.FAILED,
        "cancelled": JobState.CANCELLED,
        "cancellation_requested": JobState.CANCELLING,
    }

    def make_body(self, request: JobRequest) -> dict[str, Any]:
        """The body of the request that creates a job, which does not start by itself."""
        hyperparameters: dict[str, Any] = {"epochs": request.epochs}
        if request.learning_rate is not None:
            hyperparameters["learning_rate"] = request.learning_rate
        return {
            "model": request.model,
            "training_files": [{"file_id": request.training_file, "weight": 1}],
            "validation_files": [request.validation_file] if request.validation_file else [],
            "hyperparameters": hyperparameters,
            "suffix": request.marker,
            "job_type": "completion",
            "auto_start": False,
        }

    def iter_pages(self, path: str, doing: str) -> Iterator[Mapping[str, Any]]:
        """The documents of a list, by number of page."""
        for number in range(_MOST_PAGES):
            page = as_mapping(self.client.get(path, doing, {"page": number, "page_size": _PAGE}))
            entries = list_mappings(page.get("data"))
            yield from entries
            if len(entries) < _PAGE:
                return

    def list_events(self, job: RemoteJob) -> list[JobEvent]:
        """Messages about a job: they are part of its description."""
        return [self.read_event(document) for document in list_mappings(job.document.get("events"))]

    def list_checkpoints(self, job: RemoteJob) -> list[Checkpoint]:
        """Checkpoints of a job: they are part of its description."""
        return [read_checkpoint(document) for document in list_mappings(job.document.get("checkpoints"))]

    def find_failure(self, job: Mapping[str, Any]) -> str:
        """Why a job failed, from its events."""
        found = (as_mapping(event.get("data")) for event in list_mappings(job.get("events")))
        return "; ".join(read_text(data, "error", "message") for data in found if data.get("error"))

    def read_event(self, document: Mapping[str, Any]) -> JobEvent:
        """A message about a job: its name, with what it says in its data."""
        data = as_mapping(document.get("data"))
        name = read_text(document, "name")
        return JobEvent(
            name_document(document),
            read_time(document, "created_at"),
            "error" if data.get("error") else "info",
            name,
            redact(read_text(data, "error", "message", "status") or name),
            data,
        )
