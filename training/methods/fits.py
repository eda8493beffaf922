"""`goldspan.fit`: run a method on a bundle; resume an interrupted fit, time it, and publish the artifact as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import GoldspanError, InputError, StateError
from goldspan.annotation.files import explain_disk, make_private_folder, swap_folder
from goldspan.annotation.labels.schema import find_label_file, load_labels
from goldspan.annotation.locks import try_lock
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import Workspace, check_file_name, find_workspace
from goldspan.predictors.artifact import MethodArtifact, read_artifact, write_record
from goldspan.training.bundle.verify import Bundle
from goldspan.training.bundle.withdrawal import open_for_training
from goldspan.training.config import TrainingConfig
from goldspan.training.inputs import choose_bundle
from goldspan.training.methods.base import FitContext, Fitted, make_settings
from goldspan.training.methods.registry import open_method
from goldspan.training.methods.state import INTERRUPTED, LOCK, STATE, FitState, clear_work, find_fits_folder
from goldspan.training.runs import DONE, FAILED, find_models_folder


def fit(
    method: str,
    bundle: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    on_line: Callable[[str], None] = lambda _: None,
) -> MethodArtifact:
    """Fit a method on a bundle; the artifact's folder opens with `open_predictor`, whatever the method.

    The same call with the name of an unfinished fit resumes it.

    Args:
        method: its name; `goldspan method list` shows them with their options.
        bundle: a bundle's folder or its name in the workspace; None: the newest.
        options: the method's settings.
        name: of the artifact, `models/<name>` in the workspace; empty: the method with the next number.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        on_line: gets a line whenever the method says something.

    Raises:
        UnknownNameError: there is no such method.
        InputError: there is no bundle, or it cannot be trained on.
        ConfigurationError: an option is wrong, or what the method needs is missing.
        StateError: there is a finished or a different fit of that name, it runs already, or the disk refused.
        ServiceError: a provider did not answer as it should.
    """
    workspace = find_workspace(data)
    chosen = open_method(method)
    settings = make_settings(chosen, options or {})
    labels_path = find_label_file(labels_file)
    labels = load_labels(labels_path)
    found = choose_bundle(Path(bundle) if bundle else None, TrainingConfig(), workspace, labels_path, workspace.root)
    if found is None:
        raise InputError("There is no bundle to fit on. Make one with `goldspan bundle`.")
    opened = open_for_training(found, labels, workspace.root)
    name = check_file_name(name or _number_name(workspace, method))
    work, output = find_fits_folder(workspace) / name, find_models_folder(workspace).resolve() / name
    with explain_disk(work):
        make_private_folder(work)
        lock = try_lock(work / LOCK)
    if lock is None:
        raise StateError(f"The fit {name} is running already: `goldspan method status {name}`.")
    try:
        state = FitState(work / STATE, _describe(method, opened.manifest, settings), on_line)
        state.start(name, output)
        context = FitContext(name, labels, labels_path, workspace, work, output, state.report)
        try:
            fitted = chosen.fit(opened, settings, context)
            artifact = _publish(fitted, opened, context, state)
        except BaseException as error:
            said = str(error) if isinstance(error, GoldspanError) else type(error).__name__
            state.finish(FAILED if isinstance(error, Exception) else INTERRUPTED, said)
            raise
        state.finish(DONE)
        clear_work(work)
        return artifact
    finally:
        lock.release()


fit_async = run_in_thread(fit)


def _publish(fitted: Fitted, bundle: Bundle, context: FitContext, state: FitState) -> MethodArtifact:
    seconds, cpu = state.seconds
    described = state.described
    record = {
        "name": context.name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "goldspan": version("goldspan"),
        **described,
        "training": {
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu, 3),
            "documents": _count_documents(bundle) if fitted.documents is None else fitted.documents,
            "usage": dict(fitted.usage),
            "price": asdict(fitted.price) if fitted.price else None,
        },
        "details": dict(fitted.details),
    }
    write_record(fitted.folder, record)
    if fitted.folder.resolve() != context.output:
        with explain_disk(context.output):
            context.output.parent.mkdir(parents=True, exist_ok=True)
            swap_folder(fitted.folder, context.output)
    return read_artifact(context.output)


def _count_documents(bundle: Bundle) -> int:
    sizes = bundle.manifest["split"]["sizes"]
    return sum(sizes.get(name, 0) for name in ("train", "validation"))


def _describe(method: str, manifest: Mapping[str, Any], settings: Any) -> dict[str, Any]:
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()}
    return {
        "method": method,
        "bundle": {
            "name": manifest["name"],
            "fingerprint": manifest["fingerprint"],
            "documents": sum(manifest["split"]["sizes"].values()),
        },
        "settings": plain,
    }


def _number_name(workspace: Workspace, method: str) -> str:
    roots = (find_fits_folder(workspace), find_models_folder(workspace))
    taken = {entry.name for root in roots if root.is_dir() for entry in root.iterdir()}
    number = 1
    while f"{method}-{number}" in taken:
        number += 1
    return f"{method}-{number}"
