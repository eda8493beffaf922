"""Small fine-tuning runs against a simulated provider, in this process and in processes that are killed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.finetuning.hosted import HostedEngine, Patience
from goldspan.training.finetuning.public import finetune
from goldspan.training.finetuning.run import TuningSchedule, TuningSummary
from goldspan.training.finetuning.settings import TuningSettings

MODELS = {
    "openai": "gpt-4o-mini-2024-07-18",
    "mistral": "open-mistral-nemo",
    "together": "meta-llama/Llama-3.1-8B-Instruct",
}
FAST = TuningSchedule(first_poll=0.01, last_poll=0.05, outage=30.0)
RUN = "small"


def make_settings(provider: str, url: str, **changes: Any) -> TuningSettings:
    values = {"provider": provider, "model": MODELS[provider], "api_url": url, "max_cost": 10.0, **changes}
    return TuningSettings(**values)


def tune(root: Path, provider: str, url: str, *, grace: float = 0.1, **changes: Any) -> TuningSummary:
    """Begin or go on with the run, and drive it to its end; `root` holds the workspace `data` and the labels."""
    HostedEngine.patience = Patience(grace=grace, vanish=30.0)
    options = {name: changes.pop(name) for name in ("wait", "schedule", "on_job", "halt") if name in changes}
    return finetune(
        "tiny",
        make_settings(provider, url, **changes),
        run=RUN,
        labels_file=root / "labels.toml",
        data=root / "data",
        **{"schedule": FAST, **options},
    )


def tune_until_killed(point: str, root: Path, provider: str, url: str) -> None:
    """What a process does that shall be killed at a commit point."""
    os.environ["GOLDSPAN_KILL_AT"] = point
    tune(root, provider, url)


def find_run(root: Path) -> Path:
    """The folder of the run."""
    return Workspace(root / "data").root / "finetuning" / RUN
