"""Together's fine-tuning API (`/v1/fine-tunes`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from goldspan.annotation.errors import TerminalServiceError
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.tuning.documents import (
    as_mapping,
    list_mappings,
    name_document,
    read_count,
    read_named_lines,
    read_number,
    read_text,
    read_time,
)
from goldspan.generators.providers.tuning.values import (
    Checkpoint,
    JobEvent,
    JobRequest,
    JobState,
    Quote,
    RemoteJob,
    RowsUpload,
)
from goldspan.generators.providers.tuning.wire import TuningWire

_NO_SUCH_PATH = frozenset({404, 405})


class TogetherWire(TuningWire):
    """Jobs of Together. The price is quoted before a job is created; it then starts by itself."""

    jobs_path = "/fine-tunes"
    upload_path = "/files/upload"
    statuses: ClassVar[Mapping[str, JobState]] = {
        "pending": JobState.CHECKING,
        "queued": JobState.QUEUED,
        "running": JobState.RUNNING,
        "compressing": JobState.FINISHING,
        "uploading": JobState.FINISHING,
        "cancel_requested": JobState.CANCELLING,
        "cancelled": JobState.CANCELLED,
        "user_error": JobState.FAILED,
        "error": JobState.FAILED,
        "completed": JobState.SUCCEEDED,
    }

    def upload(self, upload: RowsUpload) -> str:
        """Upload a file; a server without the form of Together's own takes it at `/files`."""
        try:
            return super().upload(upload)
        except TerminalServiceError as error:
            if error.status not in _NO_SUCH_PATH:
                raise
        return self.upload_to("/files", upload)

    def find_shutdown(self, model: str) -> date | None:
        """Together lists no days; a model that is gone is refused with the quote."""
        del model
        return None

    def list_upload_fields(self, upload: RowsUpload) -> dict[str, str]:
        """The name and type of the file."""
        return {"file_name": upload.name, "file_type": "jsonl"}

    def quote(self, request: JobRequest) -> Quote | None:
        """What Together expects the job to cost; pending while it checks the file."""
        wanted = (
            "training_file",
            "validation_file",
            "model",
            "n_epochs",
            "n_evals",
            "training_type",
            "training_method",
        )
        body = {name: value for name, value in self.make_body(request).items() if name in wanted}
        document = as_mapping(self.client.post(f"{self.jobs_path}/estimate-price", "estimate the price", body))
        if document.get("estimation_available") is False:
            reason = read_text(document, "unavailable_reason")
            return Quote(pending="not_validated" in reason.casefold(), reason=reason)
        return Quote(
            cost=read_number(document, "estimated_total_price"),
            tokens=read_count(document, "estimated_train_token_count"),
            allowed=document.get("allowed_to_proceed") is not False,
            limit=read_number(document, "user_limit"),
        )

    def make_body(self, request: JobRequest) -> dict[str, Any]:
        """The body of the request that creates a job: LoRA, with the loss on the answers alone."""
        body: dict[str, Any] = {
            "model": request.model,
            "training_file": request.training_file,
            "n_epochs": request.epochs,
            "n_evals": request.epochs if request.validation_file else 0,
            "n_checkpoints": 1,
            "suffix": request.marker,
            "random_seed": request.seed,
            "training_type": {"type": "Lora"},
            "training_method": {"method": "sft", "train_on_inputs": False},
        }
        if request.validation_file:
            body["validation_file"] = request.validation_file
        if request.learning_rate is not None:
            body["learning_rate"] = request.learning_rate
        return body

    def list_jobs(self) -> Iterator[RemoteJob]:
        """All jobs of the account."""
        page = as_mapping(self.client.get(self.jobs_path, "list the jobs"))
        for document in list_mappings(page.get("data")):
            if job := self.read_job(document):
                yield job

    def list_events(self, job: RemoteJob) -> list[JobEvent]:
        """Messages about a job."""
        page = as_mapping(self.client.get(f"{self.jobs_path}/{job.id}/events", "list the job's events"))
        return [_read_event(document) for document in list_mappings(page.get("data"))]

    def list_checkpoints(self, job: RemoteJob) -> list[Checkpoint]:
        """Checkpoints of a job."""
        page = as_mapping(self.client.get(f"{self.jobs_path}/{job.id}/checkpoints", "list the job's checkpoints"))
        return [
            Checkpoint(read_text(document, "path") or name_document(document), read_count(document, "step"))
            for document in list_mappings(page.get("data"))
        ]

    def read_job(self, document: Any) -> RemoteJob | None:
        """A job; why it failed stands in its events, or in the newest message of its description."""
        job = super().read_job(document)
        if job is None or job.state is not JobState.FAILED:
            return job
        errors = [
            read_text(event, "message")
            for event in list_mappings(job.document.get("events"))
            if "error" in read_text(event, "type").casefold() or read_text(event, "level") == "error"
        ]
        said = job.message or "; ".join(errors)
        return replace(job, message=redact(said, limit=500), problems=job.problems or read_named_lines(said))


def _read_event(document: Mapping[str, Any]) -> JobEvent:
    return JobEvent(
        read_text(document, "hash") or name_document(document),
        read_time(document, "created_at"),
        read_text(document, "level") or "info",
        read_text(document, "type").casefold(),
        redact(read_text(document, "message")),
        {name: document[name] for name in ("step", "total_steps", "token_count") if document.get(name) is not None},
    )
