"""May the model of a finished run take its place? What `gate.toml` asks of it, and the files that this takes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import GateClosedError, InputError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.predictors.model.directory import MANIFEST, QUANTIZED
from goldspan.training import stages
from goldspan.training.config import TrainingConfig
from goldspan.training.gate.commands import find_commands
from goldspan.training.gate.model import TEST, judge_model, read_model_requirements
from goldspan.training.gate.verdict import Criterion, show_bound, show_found
from goldspan.training.runs import REFUSED, TrainingRun


def list_external(config: TrainingConfig, workspace: Workspace) -> list[Path]:
    """Files of external gold: those of the settings, and those that `gate.toml` asks for.

    Raises:
        InputError: two have the same name, or one has the name of the bundle's test split.
    """
    required = [one.file for one in read_model_requirements(workspace) if one.file]
    files = {path.resolve(): path for path in [*map(Path, config.evaluation.external), *required]}
    names = Counter(path.stem for path in files.values())
    for path in files.values():
        if names[path.stem] > 1 or path.stem == TEST:
            taken = "the bundle's test split" if path.stem == TEST else "another file"
            raise InputError(f"{path}: results are filed under {path.stem}, the name of {taken} too. Rename the file.")
    return list(files.values())


def judge_folder(folder: Path, workspace: Workspace) -> tuple[Criterion, ...]:
    """The criteria of `gate.toml` for a model directory or the folder of a training run.

    Raises:
        InputError: the folder holds no evaluation, or `gate.toml` asks nothing of models.
    """
    requirements = read_model_requirements(workspace)
    if not requirements:
        raise InputError("gate.toml asks nothing of a model. Add a table [[model]]; `goldspan gate --init` shows how.")
    return judge_model(_read_rows(folder), requirements)


def require_open_gate(run: TrainingRun, workspace: Workspace, output: Path) -> None:
    """Raise unless the model of a finished flow reaches what `gate.toml` asks of it.

    Raises:
        GateClosedError: it does not; the run keeps the model, and what stands at `output` stays.
    """
    requirements = read_model_requirements(workspace)
    if not requirements:
        return
    closed = [one for one in judge_model(_read_rows(run.folder), requirements) if not one.passed]
    if closed:
        run.update_state({"status": REFUSED})
        commands = find_commands(workspace)
        again = commands.on_workspace(f"goldspan train resume {run.name}")
        older = f" {output} is unchanged." if output.is_dir() else ""
        raise GateClosedError(
            [f"{one.question} {show_found(one)}, wanted {show_bound(one)}" for one in closed],
            commands.on_workspace(f"goldspan gate --model {run.folder}"),
            f"The new model stays in {run.folder}; `{again}` judges it again.{older}",
        )


def _read_rows(folder: Path) -> list[dict[str, Any]]:
    try:
        if (rows := folder / stages.EVALUATION / stages.ROWS).is_file():
            found: list[dict[str, Any]] = orjson.loads(rows.read_bytes())
            return found
        manifest = orjson.loads((folder / QUANTIZED / MANIFEST).read_bytes())
        return list(manifest["metrics"].get("evaluations", ()))
    except (OSError, orjson.JSONDecodeError, KeyError):
        raise InputError(f"{folder} is neither a model directory nor a finished training run.") from None
