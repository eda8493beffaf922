"""What a trained model has to reach before it takes its place: the tables `[[model]]` of `gate.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.gate.thresholds import read_gate_file
from goldspan.training.gate.verdict import Criterion

TEST = "test"
"""The name of the bundle's own test split in the rows of an evaluation."""

_METRICS = {
    "f1": ("strict F1", True),
    "recall": ("strict recall", True),
    "character_f2": ("F2 of hidden characters", True),
    "missed": ("the share of entities not fully hidden", False),
}


@dataclass(frozen=True, slots=True)
class ModelRequirement:
    """Bounds for one system on one set.

    `file` holds gold from elsewhere; None is the bundle's test split. `system` is `model` or `regex+model`. `bounds`
    are by metric (see `SystemScores`); of strict F1 the lower end of the 95 % interval counts. `ahead_of` names a
    system that needs no training and may not have a higher strict F1.
    """

    file: Path | None
    system: str
    bounds: Mapping[str, float]
    ahead_of: str = ""

    @property
    def gold(self) -> str:
        """The name of the set in the rows of an evaluation."""
        return self.file.stem if self.file else TEST


def read_model_requirements(workspace: Workspace) -> tuple[ModelRequirement, ...]:
    """The requirements in the workspace's `gate.toml`; files are found beside it.

    Raises:
        SchemaError: `gate.toml` is broken.
        InputError: a file of gold is not there.
    """
    path, document = read_gate_file(workspace)
    requirements = []
    for table in document.get("model", ()):
        file = path.parent / table["file"] if "file" in table else None
        if file is not None and not file.is_file():
            raise InputError(f"{path}: a model is to be evaluated on {file}, which is not there.")
        bounds = {name: float(table[name]) for name in _METRICS if name in table}
        requirements.append(ModelRequirement(file, table.get("system", "model"), bounds, table.get("ahead_of", "")))
    return tuple(requirements)


def judge_model(rows: Sequence[Mapping[str, Any]], requirements: Iterable[ModelRequirement]) -> tuple[Criterion, ...]:
    """A criterion for each bound, from the rows of a model's evaluation (`SystemScores.to_json`).

    Where the gold holds no entity, nothing was measured, and no bound is kept.
    """
    found = {(str(row["gold"]), str(row["system"])): row for row in rows if row.get("entities", 1)}
    return tuple(criterion for one in requirements for criterion in _judge(found, one))


def _judge(rows: Mapping[tuple[str, str], Mapping[str, Any]], one: ModelRequirement) -> Iterator[Criterion]:
    row = rows.get((one.gold, one.system))
    missing = "" if row else f"{one.system} was not evaluated on an entity of {one.gold}"
    fix = f"Evaluate it: goldspan train --external {one.file}" if one.file and not row else ""
    for metric, bound in one.bounds.items():
        title, at_least = _METRICS[metric]
        interval = row.get("f1_interval") if row and metric == "f1" else None
        yield Criterion(
            f"model.{one.gold}.{one.system}.{metric}",
            f"Does {title} of {one.system} on {one.gold} suffice?",
            float(row[metric]) if row else None,
            bound,
            at_least,
            missing,
            fix,
            int(row["documents"]) if row else None,
            (float(interval[0]), float(interval[1])) if interval else None,
        )
    if one.ahead_of:
        other = rows.get((one.gold, one.ahead_of))
        yield Criterion(
            f"model.{one.gold}.{one.system}.ahead_of.{one.ahead_of}",
            f"Is {one.system} on {one.gold} ahead of {one.ahead_of} in strict F1?",
            float(row["f1"]) - float(other["f1"]) if row and other else None,
            0.0,
            True,
            missing or ("" if other else f"{one.ahead_of} was not evaluated on an entity of {one.gold}"),
        )
