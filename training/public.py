"""`goldspan.train`: from a frozen bundle to a signed model directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.training.config import TrainingConfig, parse_config, read_config
from goldspan.training.launch import TrainedModel, start_training


def ignore_line(line: str) -> None:
    """Where nobody wants to hear from a run."""
    del line


def train(
    bundle: str | Path | None = None,
    config: TrainingConfig | str | Path | None = None,
    *,
    name: str = "",
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    on_line: Callable[[str], None] = ignore_line,
) -> TrainedModel:
    """Train on a bundle, evaluate, quantise, sign, and return the finished model directory.

    An interrupted run goes on with `goldspan train resume`.

    Args:
        bundle: a bundle's folder or its name in the workspace; None: what the settings say, else the newest one.
        config: settings, or a TOML file of them; None: the defaults.
        name: of the run and the model; default: the next number.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        on_line: gets a line whenever a step says something.

    Raises:
        InputError: there is no bundle, or it cannot be trained on.
        ConfigurationError: a setting is wrong, or the encoder, the device or a library is missing.
        StateError: the run failed; the message ends with what it said.

    """
    if config is None:
        config = parse_config({})
    elif not isinstance(config, TrainingConfig):
        config = read_config(Path(config))
    return start_training(
        Path(bundle) if bundle else None,
        config,
        name=name,
        labels_file=Path(labels_file) if labels_file else None,
        workspace=find_workspace(data),
        report=on_line,
    )


train_async = run_in_thread(train)
