"""OpenAI's fine-tuning API (`/v1/fine_tuning/jobs`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from goldspan.generators.providers.parsing import as_mapping
from goldspan.generators.providers.tuning.documents import list_mappings, name_document, read_count, read_text
from goldspan.generators.providers.tuning.values import Checkpoint, JobEvent, JobRequest, JobState, RemoteJob
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

    def list_jobs(self) -> Iterator[RemoteJob]:
        """All jobs of the account, the newest first."""
        for document in self._iter_pages(self.jobs_path, "list the jobs"):
            if job := self.read_job(document):
                yield job

    def list_events(self, job: RemoteJob) -> list[JobEvent]:
        """Messages about a job."""
        pages = self._iter_pages(f"{self.jobs_path}/{job.id}/events", "list the job's events")
        return [self.read_event(document) for document in pages]

    def list_checkpoints(self, job: RemoteJob) -> list[Checkpoint]:
        """Checkpoints of a job."""
        pages = self._iter_pages(f"{self.jobs_path}/{job.id}/checkpoints", "list the job's checkpoints")
        return [
            Checkpoint(
                read_text(document, "id") or name_document(document),
                read_count(document, "step_number"),
                read_text(document, "fine_tuned_model_checkpoint"),
                as_mapping(document.get("metrics")),
            )
            for document in pages
        ]

    def _iter_pages(self, path: str, doing: str) -> Iterator[Mapping[str, Any]]:
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
