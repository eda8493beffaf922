"""`goldspan.judge`: may the data of a workspace go to training?"""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import open_workspace
from goldspan.training.gate.judge import judge_workspace
from goldspan.training.gate.verdict import GateVerdict


def judge(*, labels_file: str | Path | None = None, data: str | Path | None = None) -> GateVerdict:
    """Judge the reviewed samples of a workspace against its `gate.toml`: every criterion, and what to do about it.

    Args:
        labels_file: the label schema, also named in the commands of the verdict; None: the one `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.

    Raises:
        InputError: there is no such workspace.
        SchemaError: `gate.toml` or the label schema is broken.
    """
    file = Path(labels_file) if labels_file else None
    return judge_workspace(open_workspace(data), load_labels(file), file)
