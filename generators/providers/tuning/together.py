"""Together's fine-tuning API (`/v1/fine-tunes`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from goldspan.annotation.errors import TerminalServiceError
from goldspan.generators.providers.fields import as_mapping, list_mappings, read_count, read_number, read_text
from goldspan.generators.providers.tuning.values import (
    JobEvent,
    JobRequest,
    JobState,
    Quote,
    RowsUpload,
)
from goldspan.generators.providers.tuning.wire import TuningWire

_NO_SUCH_PATH = frozenset({404, 405})
_FIGURES = ("step", "total_steps", "token_count")
_NOT_QUOTED = frozenset({"n_checkpoints", "suffix", "random_seed", "learning_rate"})
"""Settings of a job without a part in its price."""


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
        body = {name: value for name, value in self.make_body(request).items() if name not in _NOT_QUOTED}
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

    def find_failure(self, job: Mapping[str, Any]) -> str:
        """Why a job failed, from its events."""
        return "; ".join(
            read_text(event, "message")
            for event in list_mappings(job.get("events"))
            if "error" in read_text(event, "type").casefold() or read_text(event, "level") == "error"
        )

    def read_event(self, document: Mapping[str, Any]) -> JobEvent:
        """A message about a job; its figures stand beside it."""
        figures = {name: document[name] for name in _FIGURES if document.get(name) is not None}
        return replace(super().read_event(document), data=figures)
