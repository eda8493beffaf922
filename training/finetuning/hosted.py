"""Fine-tuning at a provider: files uploaded once, the job created once and paid once, whatever is lost or killed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import ClassVar

from goldspan.annotation.errors import (
    ConfigurationError,
    ServiceError,
    StateError,
    TerminalServiceError,
    TransientServiceError,
)
from goldspan.annotation.uploads import record_upload
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.credentials import find_key, require_address
from goldspan.generators.providers.tuning.profiles import TuningProfile, find_tuning_profile
from goldspan.generators.providers.tuning.values import JobRequest, JobState, RemoteJob, RowsUpload
from goldspan.generators.providers.tuning.wire import TuningWire
from goldspan.generators.providers.tuning.wires import open_wire
from goldspan.training.finetuning.budget import check_estimate, check_quote, estimate_cost
from goldspan.training.finetuning.engine import JobView, PredictorEntry, TuningEngine
from goldspan.training.finetuning.exchange import GONE, explain_refusal, make_request, record_adoption, record_state
from goldspan.training.finetuning.files import list_samples
from goldspan.training.finetuning.journal import (
    ABANDONED,
    CREATING,
    ENDED,
    PLANNED,
    STARTING,
    SUBMITTED,
    UPLOADED,
    FileRecord,
    JobRecord,
    TuningJournal,
)
from goldspan.training.finetuning.reconcile import Patience, find_jobs, keep_one, view_adopted, view_lost, view_record
from goldspan.training.finetuning.settings import TuningEstimate, TuningOrder

_MOST_TRIES = 5
"""How often the events of a job that has ended are asked for, a lost file is uploaded, a silent create is made."""


class HostedEngine(TuningEngine):
    """Runs one job over a provider's fine-tuning API."""

    waits: ClassVar[bool] = True
    patience: ClassVar[Patience] = Patience()

    def __init__(self, order: TuningOrder, journal: TuningJournal) -> None:
        super().__init__(order, journal)
        self.profile: TuningProfile = find_tuning_profile(order.provider)
        self._opened: TuningWire | None = None
        self._tries_at_end = self._creations = 0

    def estimate(self) -> TuningEstimate:
        """Tokens of all epochs at the list's price, or at the one given; at least the provider's least price."""
        return estimate_cost(self.profile, self.order)

    def advance(self) -> JobView:
        """Upload, create, look for a lost job, or poll: whatever is next."""
        record = self.journal.read_job()
        match record.phase:
            case "planned":
                return self._upload()
            case "uploaded":
                return self._create(record)
            case "creating":
                return self._reconcile(record)
            case "submitted" | "starting":
                return self._poll(record)
            case _:
                return view_record(record)

    def cancel(self) -> JobView:
        """Cancel the job, or make sure that there is none."""
        record = self.journal.read_job()
        if record.phase in {PLANNED, UPLOADED}:
            return view_record(self._abandon())
        if record.phase == CREATING:
            found = find_jobs(self._wire, self.order, self.journal)
            if not found:
                is_over = time.time() > record.announced_at + self.patience.grace
                return view_record(self._abandon()) if is_over else view_lost(record, JobState.CANCELLING)
            record = record_adoption(self.journal, keep_one(self._wire, self.journal, found))
        if record.phase not in {SUBMITTED, STARTING}:
            return view_record(record)
        if not record.cancel_sent and self._wire.cancel(record.job_id):
            record = self.journal.update_job(cancel_sent=True)
        return self._poll(record, may_start=False)

    def describe_predictor(self, job: JobView) -> PredictorEntry:
        """The predictor `llm` with the tuned model; it was trained without examples, so it gets none."""
        options: dict[str, str | int | float] = {
            "provider": self.order.provider,
            "model": job.output_model,
            "shots": 0,
            "temperature": 0.0,
        }
        if self.order.address != self.profile.provider.base_url:
            options["api_url"] = self.order.address
        return PredictorEntry("llm", options)

    def close(self) -> None:
        """Close the connections."""
        if self._opened:
            self._opened.client.close()
            self._opened = None

    @property
    def _wire(self) -> TuningWire:
        if self._opened is None:
            provider, address = self.profile.provider, self.order.address
            run = self.journal.run_id
            require_address(
                provider,
                address,
                f"the journal of run {run}",
                f"goldspan finetune resume {run} --api-url {address}",
            )
            self._opened = open_wire(self.order.provider, address, find_key(provider, address))
        return self._opened

    def _upload(self) -> JobView:
        self._require_model()
        for file in self.journal.list_files():
            if file.file_id:
                continue
            upload = RowsUpload(self.order.folder / f"{file.role}.jsonl", file.name, file.size)
            if not upload.path.is_file():
                raise StateError(f"{upload.path} is gone. `goldspan finetune cancel {self.order.run}` ends the run.")
            found = self._send(upload, file)
            self.journal.set_file_id(file.role, found)
            failpoint("upload-recorded")
        self.journal.update_job(phase=UPLOADED)
        return JobView(JobState.CHECKING, message="the rows are uploaded")

    def _send(self, upload: RowsUpload, file: FileRecord) -> str:
        """Upload a file, unless a lost reply hid that it was, with a record of its samples in the workspace; its id."""
        folder, address = self.order.folder, self.order.address
        ids = list_samples(folder, file.role)
        with record_upload(folder.parent.parent, "fine-tuning file", address, upload.name, ids) as record:
            found = self._wire.find_file(upload) if file.announced else ""
            if not found:
                self.journal.announce_upload(file.role)
                failpoint("upload-announced")
                found = self._wire.upload(upload)
                failpoint("file-uploaded")
            record.complete(name=found)
        return found

    def _require_model(self) -> None:
        """Refuse a model that the provider does not have any more, with its day."""
        shutdown = self._wire.find_shutdown(self.order.model)
        if shutdown and shutdown <= datetime.now(UTC).date():
            raise ConfigurationError(
                f"{self.order.provider} has shut {self.order.model} down on {shutdown}. Name another with --model."
            )

    def _create(self, record: JobRecord) -> JobView:
        request = make_request(self.order, self.journal)
        if stop := self._ask_price(request):
            return stop
        self._creations += 1
        if self._creations > _MOST_TRIES:
            raise TransientServiceError(f"{self.order.provider} gave no answer to {_MOST_TRIES} requests for a job.")
        creations = record.creations + 1
        self.journal.update_job(phase=CREATING, creations=creations, announced_at=time.time())
        failpoint("creation-announced")
        try:
            job = self._wire.create(request)
        except TransientServiceError:
            self._creations -= 1
            self.journal.update_job(phase=UPLOADED, creations=record.creations)
            raise
        except TerminalServiceError as error:
            self.journal.update_job(phase=UPLOADED, creations=record.creations)
            if error.status in {400, *GONE} and self._forget_lost_files():
                return JobView(JobState.CHECKING, message="the provider has lost a file; it is uploaded again")
            raise explain_refusal(self.profile, error) from None
        if job is None:
            return view_lost(self.journal.read_job(), JobState.CHECKING)
        failpoint("job-created")
        if creations > 1:
            job = keep_one(self._wire, self.journal, [*find_jobs(self._wire, self.order, self.journal), job])
        return view_adopted(record_adoption(self.journal, job))

    def _ask_price(self, request: JobRequest) -> JobView | None:
        """Why no job is created now: the provider cannot quote yet, or it costs more than the run may spend."""
        try:
            quote = self._wire.quote(request)
        except TerminalServiceError as error:
            if error.status in GONE and self._forget_lost_files():
                return JobView(JobState.CHECKING, message="the provider has lost a file; it is uploaded again")
            raise explain_refusal(self.profile, error) from None
        if quote is None:
            return None if self.profile.quotes else check_estimate(self.journal)
        if quote.pending:
            return JobView(JobState.CHECKING, quote.reason, message="the provider is checking the rows")
        if quote.cost is None:
            return check_estimate(self.journal, quote.reason)
        self.journal.update_job(quote=quote.cost)
        if not quote.allowed:
            limit = f" It lets the account spend {quote.limit:.2f}." if quote.limit is not None else ""
            message = f"the provider quotes {quote.cost:.2f} USD and refuses the account.{limit}"
            return JobView(JobState.READY, message=message, over_budget=True)
        return check_quote(self.journal, quote.cost, "USD")

    def _forget_lost_files(self) -> bool:
        """Have files uploaded again that the provider has no more. False if it has them all, or loses them always."""
        known = self.journal.query("SELECT count(*) FROM event WHERE kind = 'file lost'")[0][0]
        if known >= _MOST_TRIES:
            return False
        lost = [file for file in self.journal.list_files() if not self._wire.has_file(file.file_id)]
        for file in lost:
            self.journal.set_file_id(file.role, "")
            self.journal.write_event("file lost", f"The provider has no file {file.name} any more.")
        if lost:
            self.journal.update_job(phase=PLANNED)
        return bool(lost)

    def _reconcile(self, record: JobRecord) -> JobView:
        """Adopt the job whose reply was lost; let it be created again once it has been missing for long enough."""
        if time.time() > record.announced_at + self.profile.retention:
            raise StateError(
                f"Run {self.order.run} announced a job long ago, and the provider may have forgotten it. Look at its "
                f"list of jobs; `goldspan finetune cancel {self.order.run}` ends the run."
            )
        if found := find_jobs(self._wire, self.order, self.journal):
            return view_adopted(record_adoption(self.journal, keep_one(self._wire, self.journal, found)))
        if time.time() <= record.announced_at + self.patience.grace:
            return view_lost(record, JobState.CHECKING)
        waited = f"{time.time() - record.announced_at:.0f} s"
        self.journal.write_event(
            "asked again", f"No job with the marker {self.order.marker} was listed for {waited}; it is created again."
        )
        return view_record(self.journal.update_job(phase=UPLOADED))

    def _poll(self, record: JobRecord, *, may_start: bool = True) -> JobView:
        try:
            job = self._wire.retrieve(record.job_id)
        except TerminalServiceError as error:
            if error.status not in GONE:
                raise
            return self._wait_for_vanished(record)
        if record.creations > 1:
            keep_one(self._wire, self.journal, [*find_jobs(self._wire, self.order, self.journal), job], job.id)
        if job.state is JobState.UNKNOWN and job.status != record.status:
            self.journal.write_event("unknown status", f"The provider calls the job {job.status[:60]!r}.")
        record = record_state(self.journal, record, job)
        self._record_messages(job)
        if job.state is JobState.READY and may_start:
            return self._start(record, job)
        if job.state.is_final:
            record = self.journal.update_job(phase=ENDED)
            failpoint("outcome-recorded")
        return view_record(record)

    def _record_messages(self, job: RemoteJob) -> None:
        """Keep events and checkpoints; what the provider cannot list now is asked for at the next poll.

        Raises:
            TransientServiceError: the job has ended, and there is no next poll; it may work later.
        """
        try:
            events, checkpoints = self._wire.list_events(job), self._wire.list_checkpoints(job)
        except ServiceError as error:
            self._tries_at_end += job.state.is_final
            if job.state.is_final and isinstance(error, TransientServiceError) and self._tries_at_end < _MOST_TRIES:
                raise
            if job.state.is_final:
                self.journal.write_event("no events", "The provider does not list the events of the job.")
            return
        self.journal.add_events(events)
        self.journal.add_checkpoints(checkpoints)
        failpoint("events-recorded")

    def _start(self, record: JobRecord, job: RemoteJob) -> JobView:
        """Start a job that waits for consent, if the run may pay for it; else leave it waiting, which is free."""
        quoted = job.quote is not None
        if stop := check_quote(self.journal, job.quote, job.currency) if quoted else check_estimate(self.journal):
            return stop
        record = self.journal.update_job(phase=STARTING)
        failpoint("start-announced")
        try:
            self._wire.start(job.id)
        except TerminalServiceError as error:
            if error.status not in {400, 409, 422}:
                raise
        failpoint("job-started")
        return view_record(record)

    def _wait_for_vanished(self, record: JobRecord) -> JobView:
        """The job is unknown to the provider: wait, since reads lag behind writes, but not for ever."""
        if time.time() > record.moved_at + self.patience.vanish:
            raise StateError(
                f"{self.order.provider} has not known job {record.job_id} for an hour. Look at its list of jobs; "
                f"`goldspan finetune cancel {self.order.run}` ends the run."
            )
        return JobView(JobState.UNKNOWN, record.status, record.job_id, message="the provider does not know the job")

    def _abandon(self) -> JobRecord:
        return self.journal.update_job(phase=ABANDONED, state=JobState.CANCELLED, message="no job was created")
