"""The loop of a project on disk: `loop/state.json` in the workspace, which model serves, and every round so far.

The state holds names, counts and figures, never a text. Queues of rounds lie beside it (`round-<n>.jsonl`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
from goldspan.annotation.tasks.workspace import Workspace

FORMAT = 1
MODELS = "models/"


@dataclass(frozen=True, slots=True)
class LoopRound:
    """One retraining: the model, the reviews of its bundle, and the verdict of the door with its figures."""

    number: int
    model: str
    trained_on: int
    promoted: bool
    at: str
    verdict: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoopState:
    """What serves, how many reviews the last round had, and the rounds.

    `serving` names models relative to the workspace (`regex+models/loop-1-crf`); `locate_source` gives what
    `open_predictor` takes.
    """

    serving: str
    trained_on: int = 0
    rounds: tuple[LoopRound, ...] = ()

    def add(self, one: LoopRound, source: str) -> LoopState:
        """The state after a round; `source` opens its model."""
        return LoopState(source if one.promoted else self.serving, one.trained_on, (*self.rounds, one))


def locate_source(workspace: Workspace, source: str) -> str:
    """A source with the models of the workspace by their absolute paths."""
    parts = source.split("+")
    return "+".join(str((workspace.root / part).resolve()) if part.startswith(MODELS) else part for part in parts)


def find_loop_folder(workspace: Workspace) -> Path:
    """The folder of the loop."""
    return workspace.root / "loop"


def read_state(workspace: Workspace, serving: str) -> LoopState:
    """The state of a workspace; before the first round `serving` serves.

    Raises:
        StateError: it cannot be read.
    """
    path = find_loop_folder(workspace) / "state.json"
    try:
        document = orjson.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise StateError(f"{path} was written by another version of Goldspan.")
        rounds = tuple(LoopRound(**one) for one in document["rounds"])
        return LoopState(document["serving"], document["trained_on"], rounds)
    except FileNotFoundError:
        return LoopState(serving)
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise StateError(f"{path} is not the state of a loop. Move it away to begin anew.") from None


def write_state(workspace: Workspace, state: LoopState) -> None:
    """Write the state whole.

    Raises:
        StateError: the disk refused.
    """
    folder = find_loop_folder(workspace)
    document = {"format": FORMAT, **asdict(state)}
    with explain_disk(folder):
        make_private_folder(folder)
        write_atomic(folder / "state.json", orjson.dumps(document, option=orjson.OPT_INDENT_2), mode=0o600)
