"""Run folders: begin, find, list and open runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import ConfigurationError, GoldspanError, InputError, StateError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.workspace import Workspace, check_file_name
from goldspan.annotation.wording import format_count
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions
from goldspan.generators.providers.credentials import confirm_address
from goldspan.generators.providers.profiles import PROFILES, normalise_url
from goldspan.generators.runs.progress import NEVER_BEGUN, Progress, read_progress
from goldspan.generators.runs.settings import RunSettings, require_same

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")


class OpenRun(NamedTuple):
    """A run opened by this process."""

    journal: Journal
    settings: RunSettings
    labels: LabelSchema


def name_run(settings: RunSettings) -> str:
    """The name that settings give to a run, so that the same command finds the same run."""
    parts = [settings.provider, "-".join(settings.languages), str(settings.samples), f"s{settings.seed}"]
    if settings.review:
        parts.append("review")
    if settings.judge:
        parts.append("judge")
    if settings.plan:
        parts.append("gaps")
    if settings.paraphrase_file:
        parts.append("paraphrase")
    return "-".join(parts)


def check_run_name(name: str) -> str:
    """The name, if it can name a run.

    Raises:
        InputError: it cannot name a folder.
    """
    if not _NAME.match(name):
        raise InputError(f"{name!r} cannot name a run: letters, digits, '.', '_' and '-', at most 80, no leading dot.")
    return check_file_name(name)


def list_run_folders(workspace: Workspace) -> list[Path]:
    """Folders of runs, the newest journal first."""
    journals = workspace.runs.glob("*/journal.db") if workspace.runs.is_dir() else ()
    return [path.parent for path in sorted(journals, key=lambda path: -_age_key(path))]


def _age_key(path: Path) -> float:
    wal = path.with_name("journal.db-wal")
    return max(path.stat().st_mtime, wal.stat().st_mtime if wal.exists() else 0.0)


def list_runs(workspace: Workspace, on_error: Callable[[GoldspanError], None] | None = None) -> list[Progress]:
    """Progress of every run, the newest first.

    An unreadable journal is left out and reported to `on_error`; so is a folder whose run was never begun, silently.
    """
    found = []
    for folder in list_run_folders(workspace):
        try:
            with Journal(folder) as journal:
                progress = read_progress(journal)
                if progress.state != NEVER_BEGUN:
                    found.append(progress)
        except StateError as error:
            if on_error:
                on_error(error)
    return found


def find_run(workspace: Workspace, run_id: str = "", *, unfinished: bool = True) -> Path:
    """The folder of a run; without an id the newest unfinished one (or the newest, when none has to be unfinished).

    Raises:
        UnknownNameError: there is no run of this name.
        StateError: there is no unfinished run.
    """
    folders = list_run_folders(workspace)
    if run_id:
        folder = next((folder for folder in folders if folder.name == run_id), None)
        if folder is None:
            raise UnknownNameError("run", run_id, [folder.name for folder in folders])
        return folder
    runs = list_runs(workspace)
    for progress in runs:
        if progress.state in {"unfinished", "waiting"}:
            return workspace.runs / progress.run
    if unfinished or not runs:
        newest = f"The newest, {runs[0].run}, is {runs[0].state}." if runs else "`goldspan generate start` begins one."
        raise StateError(f"There is no unfinished run in {workspace.runs}. {newest}")
    return workspace.runs / runs[0].run


def find_dead_letters(workspace: Workspace) -> Path:
    """The folder of the newest run that has dead letters.

    Raises:
        StateError: no run has any.
    """
    for progress in list_runs(workspace):
        if progress.dead:
            return workspace.runs / progress.run
    raise StateError(f"No run in {workspace.runs} has dead letters.")


def begin_run(
    workspace: Workspace, settings: RunSettings, labels: LabelSchema, run_id: str = "", *, new: bool = False
) -> Path:
    """The folder of a run with these settings: the existing one, or a new one whose journal holds them.

    `new` starts a new run under a free name. An existing run must have been begun in the same way; what does not change
    its questions (address, window, attempts, prices where they are known) is taken from `settings`. A plan that was
    carried out is followed by a new run, since it is made from what the data lacks now.

    Raises:
        StateError: the existing run was begun differently; the message names the difference. Or a process runs it.
        InputError: the name cannot name a folder.
    """
    folder = workspace.runs / check_run_name(run_id or name_run(settings))
    if new:
        folder = _find_free(folder, _exists)
    elif settings.plan:
        folder = _find_free(folder, _is_finished)
    if settings.provider in PROFILES and settings.api_url:
        confirm_address(PROFILES[settings.provider], normalise_url(settings.api_url))
    with Journal(folder, create=True, lock=True) as journal:
        stored = journal.read_settings()
        if "settings" in stored:
            require_same(folder.name, stored["parts"], settings.parts(labels))
            settings = _merge_settings(journal, RunSettings.from_dict(stored["settings"]), settings)
        with journal.transaction(durable=True):
            if "settings" not in stored:
                journal.write_event("begun", f"{format_count(settings.samples, 'sample')} from {settings.provider}")
                journal.write_settings({"written": 0})
            journal.write_settings({"settings": settings.to_dict(), "parts": settings.parts(labels)})
    return folder


def _exists(folder: Path) -> bool:
    return (folder / "journal.db").exists()


def _is_finished(folder: Path) -> bool:
    if not _exists(folder):
        return False
    with Journal(folder) as journal:
        return read_progress(journal).finished


def _merge_settings(journal: Journal, stored: RunSettings, now: RunSettings) -> RunSettings:
    merged = replace(now.keep_prices(stored), plan=stored.plan)
    if not list_submissions(journal, open_only=True):
        return merged
    if stored.mode != now.mode:
        raise StateError(
            f"Run {journal.run_id} has batches at the provider, so it cannot go on in {now.mode} mode. "
            "Collect them with `goldspan generate reconcile` or cancel them with `goldspan generate cancel` first."
        )
    before, after = (normalise_url(settings.api_url) if settings.api_url else "" for settings in (stored, now))
    if before != after:
        raise StateError(
            f"Run {journal.run_id} has batches at {before or 'the provider'}, which would be lost from sight at "
            f"{after or 'the address of the provider'}. Go on with `goldspan generate resume {journal.run_id}`, or "
            f"cancel them with `goldspan generate cancel {journal.run_id}` first."
        )
    return merged


def confirm_run_address(folder: Path, url: str) -> None:
    """Confirm the address of a run for the provider's key.

    Raises:
        ConfigurationError: the run has another address.
    """
    with Journal(folder) as journal:
        settings = RunSettings.from_dict(journal.read_settings().get("settings", {}))
    if settings.provider not in PROFILES:
        return
    given, own = normalise_url(url), normalise_url(settings.api_url or PROFILES[settings.provider].base_url)
    if given != own:
        raise ConfigurationError(f"Run {folder.name} is at {own}, not at {given}; a run keeps its address.")
    confirm_address(PROFILES[settings.provider], own)


def _find_free(folder: Path, is_taken: Callable[[Path], bool]) -> Path:
    number, free = 2, folder
    while is_taken(free):
        free = folder.with_name(f"{folder.name}-{number}")
        number += 1
    return free


def open_run(folder: Path, labels_file: Path | None = None, *, may_differ: bool = False) -> OpenRun:
    """Open a run, locked, and only if its requests would still be the same.

    `may_differ` is for cancelling, which asks nothing and must always be possible.

    Raises:
        StateError: another process is running it, or prompts, schema, labels or model have changed since.
    """
    journal = Journal(folder, lock=True)
    try:
        stored = journal.read_settings()
        if "settings" not in stored:
            raise StateError(
                f"Run {folder.name} was never begun: its journal holds no settings. Begin it with the same "
                "`goldspan generate start` command as before; nothing was asked yet."
            )
        settings = RunSettings.from_dict(stored["settings"])
        labels = load_labels(labels_file or (Path(settings.labels_file) if settings.labels_file else None))
        if not may_differ:
            require_same(folder.name, stored["parts"], settings.parts(labels))
    except BaseException:
        journal.close()
        raise
    return OpenRun(journal, settings, labels)
