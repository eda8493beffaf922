"""Run folders of fine-tuning: `finetuning/<run>/` in the workspace. Begin, find, list and open runs."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import ConfigurationError, GoldspanError, StateError, UnknownNameError
from goldspan.annotation.tasks.workspace import Workspace, check_file_name
from goldspan.annotation.wording import format_count
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.credentials import confirm_address, find_key
from goldspan.generators.providers.profiles import normalise_url
from goldspan.generators.providers.tuning.profiles import TUNING_PROFILES
from goldspan.training.finetuning.engine import JobView, TuningEngine, load_engine
from goldspan.training.finetuning.files import describe_files, digest_rows, write_rows
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.plan import TuningPlan, make_order
from goldspan.training.finetuning.reconcile import view_record
from goldspan.training.finetuning.settings import TokenCount, TuningOrder, TuningSettings

_NUMBER = re.compile(r"finetune-(\d+)\Z")
_MARKER = "gs-"


@dataclass(frozen=True, slots=True)
class TuningStatus:
    """A run as recorded in its journal, whose settings it has; `outcome` is empty while it runs."""

    run: str
    folder: Path
    outcome: str
    phase: str
    job: JobView
    settings: Mapping[str, Any]
    quote: float | None
    currency: str


def find_tuning_folder(workspace: Workspace) -> Path:
    """The folder of all fine-tuning runs."""
    return workspace.root / "finetuning"


def name_run(workspace: Workspace) -> str:
    """The next free name, `finetune-1` and so on; a folder where no run was begun is free."""
    numbers = [int(match[1]) for folder in _list_folders(workspace) if (match := _NUMBER.match(folder.name))]
    return f"finetune-{max(numbers, default=0) + 1}"


def begin_run(workspace: Workspace, plan: TuningPlan, name: str, consent: Mapping[str, Any]) -> Path:
    """Write rows, settings and consent; the folder of the run. A run of that name must be the same.

    Raises:
        StateError: there is a different run of that name, or the disk refused.
        ConfigurationError: there is no key, or the address may not have it.
    """
    folder = find_tuning_folder(workspace) / check_file_name(name)
    settings = plan.settings
    if plan.profile:
        find_key(plan.profile.provider, plan.address)
        if settings.api_url:
            confirm_address(plan.profile.provider, plan.address)
    identity = _describe_identity(plan)
    with TuningJournal(folder, create=True, lock=True) as journal:
        stored = journal.read_settings()
        if "order" in stored:
            _require_same(folder.name, stored["identity"], identity)
            return folder
        write_rows(folder, plan.rows)
        failpoint("rows-written")
        marker = f"{_MARKER}{secrets.token_hex(6)}"
        order = make_order(plan, folder, folder.name, marker)
        with journal.transaction(durable=True):
            for record in describe_files(folder, marker):
                journal.plan_file(record)
            journal.write_settings(
                {
                    "settings": _to_plain(settings),
                    "identity": identity,
                    "order": _to_plain(order),
                    "estimate": asdict(plan.estimate),
                    "bundle": {"folder": str(plan.bundle.folder.resolve()), "name": plan.bundle.manifest["name"]},
                    "max_cost": settings.max_cost,
                    "consent": {**consent, "at": time.time()},
                    "begun_at": time.time(),
                }
            )
            journal.write_event(
                "begun", f"{format_count(plan.counts.rows, 'row')} for {settings.model} at {settings.provider}"
            )
        failpoint("run-planned")
    return folder


def is_begun(workspace: Workspace, name: str) -> bool:
    """True if there is a run of this name."""
    return any(folder.name == name for folder in _list_folders(workspace))


def find_tuning_run(workspace: Workspace, name: str = "", *, unfinished: bool = True) -> Path:
    """The folder of a run; without a name the newest unfinished one (or the newest).

    Raises:
        UnknownNameError: there is no run of this name.
        StateError: there is no unfinished run.
    """
    folders = _list_folders(workspace)
    if name:
        if name not in {folder.name for folder in folders}:
            raise UnknownNameError("fine-tuning run", name, [folder.name for folder in folders])
        return find_tuning_folder(workspace) / name
    runs = list_tuning_runs(workspace)
    open_runs = [run for run in runs if not run.outcome]
    chosen = open_runs or ([] if unfinished else runs)
    if not chosen:
        kind = "unfinished fine-tuning run" if runs else "fine-tuning run"
        raise StateError(
            f"There is no {kind} in {find_tuning_folder(workspace)}. `goldspan finetune start` begins one."
        )
    return chosen[-1].folder


def list_tuning_runs(
    workspace: Workspace, on_error: Callable[[GoldspanError], None] = lambda _: None
) -> list[TuningStatus]:
    """All runs, the newest last; one whose journal cannot be read is reported to `on_error`."""
    found = []
    for folder in _list_folders(workspace):
        try:
            found.append(read_status(folder))
        except StateError as error:
            on_error(error)
    return sorted(found, key=lambda run: (float(run.settings.get("begun_at", 0.0)), run.run))


def read_status(folder: Path) -> TuningStatus:
    """A run as recorded in its journal."""
    with TuningJournal(folder) as journal:
        settings, record = journal.read_settings(), journal.read_job()
    return TuningStatus(
        folder.name,
        folder,
        str(settings.get("outcome", "")),
        record.phase,
        view_record(record),
        settings,
        record.quote,
        record.currency,
    )


@contextmanager
def open_tuning_run(folder: Path, *, max_cost: float | None = None) -> Iterator[tuple[TuningJournal, TuningEngine]]:
    """The journal of a run, locked, and its engine. `max_cost` is a new bound of what it may cost.

    Raises:
        StateError: another process drives the run, or it was never begun.
    """
    with TuningJournal(folder, lock=True) as journal:
        stored = journal.read_settings()
        if "order" not in stored:
            raise StateError(f"Run {folder.name} was never begun: start it again; nothing was sent.")
        if max_cost is not None:
            journal.write_settings({"max_cost": max_cost})
        order = read_order(stored["order"], folder)
        engine = load_engine(order.provider)(order, journal)
        try:
            yield journal, engine
        finally:
            engine.close()


def read_settings(stored: Mapping[str, Any]) -> TuningSettings:
    """The settings of a run from its journal."""
    values = dict(stored["settings"])
    values["tokenizer"] = Path(values["tokenizer"]) if values.get("tokenizer") else None
    return TuningSettings(**values)


def read_order(document: Mapping[str, Any], folder: Path) -> TuningOrder:
    """The order of a run from its journal; the folder may have been moved."""
    values = dict(document)
    for name in ("counts", "validation_counts"):
        values[name] = TokenCount(**values[name])
    values["folder"], values["train"] = folder, folder / "train.jsonl"
    values["validation"] = folder / "validation.jsonl" if values["validation"] else None
    return TuningOrder(**values)


def confirm_run_address(folder: Path, url: str) -> None:
    """Confirm the address of a run for the provider's key.

    Raises:
        ConfigurationError: the run has another address.
    """
    with TuningJournal(folder) as journal:
        order = journal.read_settings().get("order", {})
    own, given = order.get("address", ""), normalise_url(url)
    if given != own:
        raise ConfigurationError(
            f"Run {folder.name} is at {own or 'no address'}, not at {given}; it keeps its address."
        )
    confirm_address(TUNING_PROFILES[order["provider"]].provider, own)


def _list_folders(workspace: Workspace) -> list[Path]:
    """Folders of runs that were begun, and those whose journal cannot be read."""
    root = find_tuning_folder(workspace)
    journals = sorted(root.glob("*/journal.db")) if root.is_dir() else []
    return [path.parent for path in journals if _is_begun(path.parent)]


def _is_begun(folder: Path) -> bool:
    try:
        with TuningJournal(folder) as journal:
            return bool(journal.query("SELECT 1 FROM run WHERE key = 'order'"))
    except StateError:
        return True


def _describe_identity(plan: TuningPlan) -> dict[str, Any]:
    settings = replace(plan.settings, max_cost=None)
    return {
        **{name: value for name, value in _to_plain(settings).items() if name not in {"max_cost", "tokenizer"}},
        "rows": digest_rows(plan.rows.train, plan.rows.validation),
        **plan.prompt,
    }


def _require_same(run: str, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    changed = sorted(name for name in {*stored, *now} if stored.get(name) != now.get(name))
    if changed:
        raise StateError(
            f"There is a run {run} with another {', '.join(changed)}. Give this one its own --run, or go on with that "
            f"one: `goldspan finetune resume {run}`."
        )


def _to_plain(value: Any) -> dict[str, Any]:
    return {name: str(entry) if isinstance(entry, Path) else entry for name, entry in asdict(value).items()}
