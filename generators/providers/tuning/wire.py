"""The calls that fine-tuning needs, on one provider's API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from goldspan.annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.fields import (
    as_mapping,
    list_mappings,
    read_count,
    read_number,
    read_text,
    read_time,
)
from goldspan.generators.providers.tuning.client import TuningClient
from goldspan.generators.providers.tuning.documents import (
    name_document,
    read_line_entries,
    read_message,
    read_named_lines,
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

PURPOSE = "fine-tune"
_GONE = frozenset({404, 410})
_RETIRED = 410
_SPELLINGS = {"canceled": "cancelled", "canceling": "cancel_requested", "cancelling": "cancel_requested"}


class TuningWire(ABC):
    """One provider's fine-tuning API.

    All calls raise TransientServiceError (may work later) or TerminalServiceError (will not).
    """

    jobs_path: ClassVar[str]
    upload_path: ClassVar[str] = "/files"
    statuses: ClassVar[Mapping[str, JobState]]

    def __init__(self, client: TuningClient) -> None:
        self.client = client

    def upload(self, upload: RowsUpload) -> str:
        """Upload a file; returns its id. An upload is free."""
        return self.upload_to(self.upload_path, upload)

    def upload_to(self, path: str, upload: RowsUpload) -> str:
        """Upload a file to a path of the API."""
        fields = {"purpose": PURPOSE, **self.list_upload_fields(upload)}
        document = as_mapping(self.client.upload(path, "upload the rows", upload, fields))
        found = read_text(document, "id")
        if not found:
            raise TransientServiceError(f"{self.client.address} took the rows but gave no file id; check --api-url.")
        return found

    def list_upload_fields(self, upload: RowsUpload) -> dict[str, str]:
        """Further fields of the form that uploads a file."""
        del upload
        return {}

    def find_file(self, upload: RowsUpload) -> str:
        """The id of an uploaded file by its name and size, empty if the provider has none, or no list of files."""
        try:
            document = as_mapping(self.client.get("/files", "list the files", {"purpose": PURPOSE}))
        except TerminalServiceError:
            return ""
        for file in list_mappings(document.get("data")):
            if read_text(file, "filename") == upload.name and read_count(file, "bytes", "size_bytes") == upload.size:
                return read_text(file, "id")
        return ""

    def has_file(self, file_id: str) -> bool:
        """True if the provider still has a file."""
        try:
            return bool(read_text(as_mapping(self.client.get(f"/files/{file_id}", "look at the file")), "id"))
        except TerminalServiceError as error:
            if error.status not in _GONE:
                raise
            return False

    def find_shutdown(self, model: str) -> date | None:
        """The day on which the provider shuts a model down, None if it says none or has no such list.

        Raises:
            TerminalServiceError: the model is gone (410).
        """
        try:
            document = as_mapping(self.client.get(f"/models/{quote(model, safe='/:')}", "look at the model"))
        except ServiceError as error:
            if isinstance(error, TerminalServiceError) and error.status == _RETIRED:
                raise
            return None
        for name in ("shutdown_date", "deprecation", "retirement_date"):
            value = document.get(name)
            try:
                if isinstance(value, str) and value:
                    return date.fromisoformat(value[:10])
                if isinstance(value, int | float) and not isinstance(value, bool):
                    return datetime.fromtimestamp(value, UTC).date()
            except (ValueError, OverflowError, OSError):
                continue
        return None

    def quote(self, request: JobRequest) -> Quote | None:
        """What the provider expects a job to cost before it is created; None where it does not say."""
        del request
        return None

    def create(self, request: JobRequest) -> RemoteJob | None:
        """Create a job: one call, never repeated here. None when it is unknown whether it was created."""
        document = self.client.post_once(
            self.jobs_path, "create the job", self.make_body(request), f"{request.marker}-{request.training_file}"
        )
        return None if document is None else self.read_job(document)

    @abstractmethod
    def make_body(self, request: JobRequest) -> dict[str, Any]:
        """The body of the request that creates a job."""

    def list_jobs(self) -> Iterator[RemoteJob]:
        """All jobs of the account, the newest first where the provider sorts them."""
        for document in self.iter_pages(self.jobs_path, "list the jobs"):
            if job := self.read_job(document):
                yield job

    def iter_pages(self, path: str, doing: str) -> Iterator[Mapping[str, Any]]:
        """The documents of a list, page by page."""
        yield from list_mappings(as_mapping(self.client.get(path, doing)).get("data"))

    def retrieve(self, job_id: str) -> RemoteJob:
        """One job."""
        return self._require(self.client.get(f"{self.jobs_path}/{job_id}", "look at the job"))

    def start(self, job_id: str) -> None:
        """Start a job that waits for consent."""
        self.client.post(f"{self.jobs_path}/{job_id}/start", "start the job")

    def cancel(self, job_id: str) -> bool:
        """Cancel a job; False when it has ended already or is not there."""
        try:
            self.client.post(f"{self.jobs_path}/{job_id}/cancel", "cancel the job")
        except TerminalServiceError as error:
            if error.status not in {400, 404, 410, 422}:
                raise
            return False
        return True

    def list_events(self, job: RemoteJob) -> list[JobEvent]:
        """Messages about a job, in any order; some may come twice."""
        pages = self.iter_pages(f"{self.jobs_path}/{job.id}/events", "list the job's events")
        return [self.read_event(document) for document in pages]

    def list_checkpoints(self, job: RemoteJob) -> list[Checkpoint]:
        """Checkpoints of a job."""
        pages = self.iter_pages(f"{self.jobs_path}/{job.id}/checkpoints", "list the job's checkpoints")
        return [read_checkpoint(document) for document in pages]

    def read_state(self, status: str) -> JobState:
        """The state of a provider's word."""
        word = status.strip().casefold().replace("-", "_").replace(" ", "_")
        if (word := _SPELLINGS.get(word, word)) == "cancel_requested":
            return JobState.CANCELLING
        return self.statuses.get(word, JobState.UNKNOWN)

    def read_job(self, document: Any) -> RemoteJob | None:
        """A job as described by a document; None if it has no id or no status."""
        job = as_mapping(document)
        found, status = read_text(job, "id"), read_text(job, "status")
        if not found or not status:
            return None
        state, metadata = self.read_state(status), as_mapping(job.get("metadata"))
        message = read_message({"error": job.get("error") or job.get("message")})
        if not message and state is JobState.FAILED:
            message = redact(self.find_failure(job), limit=500)
        marks = (read_text(metadata, "goldspan_run"), *(read_text(job, name) for name in _MARKED))
        return RemoteJob(
            id=found,
            state=state,
            status=status,
            model=read_text(job, "model"),
            marks=tuple(mark for mark in marks if mark),
            files=frozenset(_list_files(job)),
            output_model=read_text(job, "fine_tuned_model", "model_output_name", "output_name", "x_model_output_name"),
            trained_tokens=read_count(job, "trained_tokens", "token_count"),
            created_at=read_time(job, "created_at"),
            expected_end=read_time(job, "estimated_finish"),
            message=message,
            problems=tuple(read_line_entries(job)) or read_named_lines(message),
            quote=read_number(metadata, "cost"),
            currency=read_text(metadata, "cost_currency") or "USD",
            document=job,
        )

    def find_failure(self, job: Mapping[str, Any]) -> str:
        """Why a job failed, where its description has that elsewhere than in `error` or `message`."""
        del job
        return ""

    def read_event(self, document: Mapping[str, Any]) -> JobEvent:
        """A message about a job."""
        return JobEvent(
            read_text(document, "id", "hash") or name_document(document),
            read_time(document, "created_at"),
            read_text(document, "level") or "info",
            read_text(document, "type").casefold(),
            redact(read_text(document, "message")),
            as_mapping(document.get("data")),
        )

    def _require(self, document: Any) -> RemoteJob:
        job = self.read_job(document)
        if job is None:
            raise TransientServiceError(
                f"{self.client.address} described a job without id or status; check --api-url. Nothing is lost."
            )
        return job


def read_checkpoint(document: Mapping[str, Any]) -> Checkpoint:
    """A checkpoint of a job."""
    return Checkpoint(
        read_text(document, "id", "path") or name_document(document),
        read_count(document, "step_number", "step"),
        read_text(document, "fine_tuned_model_checkpoint"),
        as_mapping(document.get("metrics")),
    )


_MARKED = ("suffix", "user_provided_suffix", "model_output_name", "output_name", "fine_tuned_model")
_FILE_FIELDS = ("training_file", "training_files", "validation_file", "validation_files")


def _list_files(job: Mapping[str, Any]) -> Iterator[str]:
    for name in _FILE_FIELDS:
        value = job.get(name)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and entry:
                yield entry
            elif isinstance(entry, Mapping):
                yield read_text(entry, "file_id", "id")
