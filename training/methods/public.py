"""`goldspan.fit`: make a predictor from a bundle by any method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.predictors.artifact import MethodArtifact
from goldspan.training.methods.fits import fit_method


def ignore_line(line: str) -> None:
    """Where nobody wants to hear from a fit."""
    del line


def fit(
    method: str,
    bundle: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    name: str = "",
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    on_line: Callable[[str], None] = ignore_line,
) -> MethodArtifact:
    """Fit a method on a bundle; the artifact's folder opens with `open_predictor`, whatever the method.

    The same call with the name of an unfinished fit goes on with it.

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
    return fit_method(
        method,
        Path(bundle) if bundle else None,
        options,
        name=name,
        workspace=find_workspace(data),
        labels_file=Path(labels_file) if labels_file else None,
        report=on_line,
    )


fit_async = run_in_thread(fit)
