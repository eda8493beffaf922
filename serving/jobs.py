"""Files that the server masks: uploaded to a private folder, masked one after the other, removed after a while."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from goldspan.annotation.errors import GoldspanError
from goldspan.masking.mask import Masker
from goldspan.masking.policy import Policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from goldspan.serving.documents.registry import find_document_masker
from goldspan.serving.limits import LimitError
from goldspan.serving.state import ServerState

KEEP_SECONDS = 600.0
"""How long a result can be downloaded."""

MAX_JOBS = 64


@dataclass(slots=True)
class UploadJob:
    """One uploaded file. `state` is queued, running, done or failed; `error` never holds a text."""

    id: str
    name: str
    folder: Path
    method: str
    policy: Policy
    settings: FileSettings
    state: str = "queued"
    error: str = ""
    ended: float = 0.0
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """The uploaded file."""
        return self.folder / "in" / self.name

    @property
    def result(self) -> Path:
        """The masked file, once the job is done."""
        return self.folder / "out" / self.name

    def describe(self) -> dict[str, Any]:
        """The job as JSON."""
        done = self.state == "done"
        return {
            "id": self.id,
            "file": self.name,
            "state": self.state,
            "error": self.error,
            "complete": done,
            "result": f"/v1/jobs/{self.id}/result" if done else None,
            **self.summary,
        }


class JobStore:
    """The jobs of one server, on disk in a folder that is removed with it."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._root = Path(tempfile.mkdtemp(prefix="goldspan-serve-"))
        self._jobs: dict[str, UploadJob] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(2)

    def open(self, name: str, method: str, policy: Policy, settings: FileSettings) -> UploadJob:
        """A job for an upload, with a folder to write it to.

        Raises:
            InputError: files of this format are not masked.
            LimitError: too many files are held.
        """
        self._remove_old()
        if len(self._jobs) >= MAX_JOBS:
            raise LimitError(f"{MAX_JOBS} files are held already; wait until some are removed.", 503, 30)
        safe = clean_name(name)
        find_document_masker(Path(safe))
        identity = secrets.token_urlsafe(16)
        job = UploadJob(identity, safe, self._root / identity, method, policy, settings)
        job.source.parent.mkdir(parents=True, mode=0o700)
        self._jobs[identity] = job
        return job

    def start(self, job: UploadJob) -> None:
        """Mask the uploaded file in the background."""
        task = asyncio.create_task(self._work(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def find(self, identity: str) -> UploadJob:
        """A job.

        Raises:
            LimitError: there is none of that id, or it was removed.
        """
        self._remove_old()
        if identity not in self._jobs:
            raise LimitError("There is no such job; results are removed after ten minutes.", 404)
        return self._jobs[identity]

    def remove(self, identity: str) -> None:
        """Forget a job and remove its files."""
        job = self._jobs.pop(identity, None)
        if job:
            shutil.rmtree(job.folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop all work and remove all files."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._root, ignore_errors=True)

    async def _work(self, job: UploadJob) -> None:
        state = self._state
        try:
            async with self._turn, state.host.lend(job.method) as predictor:
                job.state = "running"
                masker = Masker(predictor, job.policy, state.schema, key=state.settings.key)
                counts = await mask_file(job.source, job.result, masker, job.settings)
            job.summary = {
                "units": counts.units,
                "characters": counts.characters,
                "counts": dict(sorted(counts.labels.items())),
                "notes": counts.notes,
                "policy": job.policy.name,
                "model_version": predictor.model_version,
                "unread_labels": list(masker.unread_labels),
                "verified": True,
            }
            state.metrics.count_masking(counts.labels, counts.characters)
            job.state = "done"
        except GoldspanError as error:
            job.error = str(error).replace(f"{job.source.parent}/", "").replace(f"{job.result.parent}/", "")
            job.state = "failed"
        except Exception as error:  # noqa: BLE001
            job.error = f"The file cannot be masked ({type(error).__name__})."
            job.state = "failed"
        finally:
            job.ended = monotonic()
            removed = job.id not in self._jobs
            shutil.rmtree(job.folder if removed else job.source.parent, ignore_errors=True)

    def _remove_old(self) -> None:
        limit = monotonic() - KEEP_SECONDS
        for identity in [one.id for one in self._jobs.values() if one.ended and one.ended < limit]:
            self.remove(identity)


def clean_name(name: str) -> str:
    """A file name without folders and signs that a file system or header could misread."""
    base = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(character if character.isalnum() or character in "-_. " else "_" for character in base).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[:80] or 'file'}.{ending[:10]}" if dot else kept[:80] or "file"
