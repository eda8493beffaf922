"""Mask files and folders: each into a new file that appears only when it is whole and checked."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from goldspan.annotation.errors import GoldspanError, InputError, MaskingError
from goldspan.annotation.files import explain_disk, suggest_path
from goldspan.annotation.identity import digest
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.wording import describe_error
from goldspan.masking.ledger import NAMES
from goldspan.masking.mask import Masker
from goldspan.predictors.base import LocalPredictor
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.registry import find_document_masker
from goldspan.serving.documents.report import REPORT, MaskingReport, digest_file

_TELLING = NAMES | {"EMAIL", "USERNAME"}
_SEPARATORS = re.compile(r"[_/\\]+")
_PREFIX, _SUFFIX = ".masking-", ".tmp"
"""Ends of the name of an unfinished output."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file to mask, where the result goes, and the name it has in the report.

    `outside`: it is a link of a folder to a file that lies elsewhere, which nobody asked to mask.
    """

    source: Path
    target: Path
    name: str
    outside: bool = False


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of a file: its report record, or the error that left it without an output."""

    job: FileJob
    record: dict[str, Any]
    error: GoldspanError | None = None
    skipped: bool = False


def plan_jobs(paths: Iterable[Path], output: Path) -> list[FileJob]:
    """Every file of the paths; those of a folder keep their place below `output`, which itself is left out.

    With one file, an `output` with an ending that is no existing folder names the masked file itself.

    Raises:
        InputError: a path does not exist, a file given by name has a format that is not masked, two results would
            have one name, or a result would replace its source.
    """
    paths = list(paths)
    if names_file(paths, output):
        find_document_masker(paths[0])
        return _check_jobs([FileJob(paths[0], output, output.name)])
    jobs: list[FileJob] = []
    for path in paths:
        if path.is_dir():
            jobs += [_plan_inside(path, file, output) for file in sorted(_list_files(path, output))]
        elif path.is_file():
            find_document_masker(path)
            jobs.append(FileJob(path, output / path.name, path.name))
        else:
            raise InputError(f"There is no file or folder {path}.{suggest_path(path)}")
    return _check_jobs(jobs)


def names_file(paths: Sequence[Path], output: Path) -> bool:
    """True if `output` is the masked file of the only path, and not a folder."""
    return len(paths) == 1 and paths[0].is_file() and bool(output.suffix) and not output.is_dir()


def _plan_inside(folder: Path, file: Path, output: Path) -> FileJob:
    outside = file.is_symlink() and not file.resolve().is_relative_to(folder.resolve())
    return FileJob(file, output / file.relative_to(folder), str(file.relative_to(folder)), outside)


def _check_jobs(jobs: list[FileJob]) -> list[FileJob]:
    targets: dict[Path, Path] = {}
    jobs = list({(job.source, job.target): job for job in jobs}.values())
    for job in jobs:
        if job.target.resolve() == job.source.resolve():
            raise InputError(f"{job.source} would be replaced by its own masked version; give another --output.")
        if targets.setdefault(job.target, job.source) != job.source:
            raise InputError(f"{job.source} and {targets[job.target]} would both become {job.target}.")
    return [job for job in jobs if job.target.name != REPORT]


@contextmanager
def hold_output(folder: Path, jobs: Iterable[FileJob]) -> Iterator[None]:
    """Be the only command that masks into a folder while the block runs.

    Temporary files that a killed command left beside the targets are removed.

    Raises:
        StateError: another command masks into it.
    """
    with hold_lock(f"mask {folder.resolve()}", patience=0):
        for parent in {job.target.parent for job in jobs}:
            for left in parent.glob(f"{_PREFIX}*{_SUFFIX}"):
                left.unlink(missing_ok=True)
        yield


async def mask_file(
    source: Path,
    target: Path,
    masker: Masker,
    settings: FileSettings,
    on_checked: Callable[[Path, FileCounts], None] = lambda checked, counts: None,
) -> FileCounts:
    """Mask one file into another, which appears only when it was checked.

    `on_checked` is told what will appear, before it does.

    Raises:
        GoldspanError: the file cannot be read, masked or checked; there is no output.
    """
    work = find_document_masker(source)
    shared = masker.share_replacements()
    with _stage(target) as temporary:
        try:
            counts = await work(source, temporary, shared, settings)
        except OSError as error:
            raise InputError(f"{source} cannot be masked: {describe_error(error)}.") from None
        except GoldspanError:
            raise
        except Exception as error:  # noqa: BLE001
            raise MaskingError(f"{source} cannot be masked ({type(error).__name__}).") from None
        on_checked(temporary, counts)
    return counts


async def mask_files(
    jobs: Sequence[FileJob],
    masker: Masker,
    settings: FileSettings,
    report: MaskingReport,
    *,
    workers: int = 4,
    force: bool = False,
) -> AsyncGenerator[FileOutcome, None]:
    """Mask files, `workers` at a time, and record each in the report.

    A file whose source, settings and result are as the report says is skipped. A record is written before its file
    appears, so that a run that was killed can be resumed. With a ledger that files share, they are masked one after
    the other.
    """
    slots = asyncio.Semaphore(1 if masker.ledger is not None else workers)
    method = digest([masker.policy.fingerprint, masker.predictor.model_version, asdict(settings)])

    async def work(job: FileJob) -> FileOutcome:
        async with slots:
            return await _mask_job(job, masker, settings, report, method, force=force)

    tasks = [asyncio.create_task(work(job)) for job in jobs]
    try:
        for task in asyncio.as_completed(tasks):
            yield await task
    finally:
        for one in tasks:
            one.cancel()


async def _mask_job(
    job: FileJob, masker: Masker, settings: FileSettings, report: MaskingReport, method: str, *, force: bool
) -> FileOutcome:
    begun = perf_counter()
    ours = False
    record: dict[str, Any] = {}

    def note(checked: Path, counts: FileCounts) -> None:
        digests = {"source": source, "result": digest_file(checked, masker.key), "method": method}
        seconds = round(perf_counter() - begun, 3)
        record.update({"file": job.name, **digests, **_describe(masker, counts), "seconds": seconds})
        report.add(record)

    try:
        find_document_masker(job.source)
        if job.outside:
            raise InputError(f"{job.source} is a link to a file outside of the folder; give that file by name.")
        source = digest_file(job.source, masker.key)
        if job.target.exists():
            result, known = digest_file(job.target, masker.key), report.find(job.name)
            ours = report.holds(job.name, result)
            if (
                result == known.get("result")
                and not force
                and (known.get("source"), known.get("method")) == (source, method)
            ):
                return FileOutcome(job, dict(known), skipped=True)
            if not ours and not force:
                raise InputError(f"{job.target} exists and was not written by this command; --force replaces it.")
        if named := await _count_in_name(job, masker, settings):
            record["values_in_name"] = named
        await mask_file(job.source, job.target, masker, settings, note)
    except GoldspanError as error:
        if ours:
            job.target.unlink(missing_ok=True)
        failed = {"file": job.name, "error": type(error).__name__, "method": method, "complete": False}
        report.add(failed)
        return FileOutcome(job, failed, error)
    return FileOutcome(job, record)


async def _count_in_name(job: FileJob, masker: Masker, settings: FileSettings) -> int:
    """How many names and addresses of persons the name of a file and its folders hold; 0 where asking would cost."""
    if not isinstance(masker.predictor, LocalPredictor):
        return 0
    text = _SEPARATORS.sub(" ", str(Path(job.name).with_suffix("")))
    annotation = await masker.read(text, settings.language, settings.country)
    return sum(span.label in _TELLING for span in masker.find(text, annotation, settings.country))


def _describe(masker: Masker, counts: FileCounts) -> dict[str, Any]:
    return {
        "policy": masker.policy.name,
        "policy_fingerprint": masker.policy.fingerprint,
        "model_version": masker.predictor.model_version,
        "units": counts.units,
        "characters": counts.characters,
        "labels": dict(sorted(counts.labels.items())),
        "below_threshold": counts.below_threshold,
        "unread_labels": list(masker.unread_labels),
        "notes": counts.notes,
        "verified": True,
        "complete": True,
    }


def _list_files(folder: Path, output: Path) -> Iterator[Path]:
    """The files of a folder, but hidden ones and earlier results in it."""
    base, results = folder.resolve(), output.resolve()
    inside = base in results.parents
    for file in folder.rglob("*"):
        place = file.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in place.parts)
        if file.is_file() and not is_hidden and not (inside and results in (base / place).parents):
            yield file


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    """A temporary file beside the target, private, renamed to it when the block ends well, else removed."""
    with explain_disk(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_PREFIX, suffix=_SUFFIX)
        os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with explain_disk(target):
            handle = os.open(temporary, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
