"""What `goldspan serve` does when Label Studio asks for training: run a command, remember the model, predict again."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from goldspan.annotation.errors import GoldspanError, InputError, ServiceError
from goldspan.annotation.files import find_json, write_atomic
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.serving.state import Tell

LINE_LIMIT = 1 << 20
"""Bytes of a line that a training command may print."""


STOP_SECONDS = 20.0
"""How long a training that is given up may take to end by itself."""


class CommandTrainer:
    """Runs a command without a shell. Its lines are progress, and the last of them names the model to load.

    `given` is the predictor that the server was started with; the model that took its place is remembered in
    `models/serving.json` of the workspace, so that a restart serves it again.
    """

    def __init__(self, words: Sequence[str], workspace: Workspace, given: str) -> None:
        self._words, self._workspace, self._given = tuple(words), workspace, given

    async def train(self, tell: Tell) -> str:
        """Run the command; the last line that it prints.

        Raises:
            ServiceError: it cannot be run, failed, or printed nothing.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words, stdout=asyncio.subprocess.PIPE, limit=LINE_LIMIT
            )
        except OSError as error:
            raise ServiceError(f"The training command cannot be run: {error.strerror}.") from None
        last = ""
        try:
            async for line in process.stdout or asyncio.StreamReader():
                if text := line.decode("utf-8", "replace").strip():
                    last = text
                    tell(text)
            code = await process.wait()
        except ValueError:
            await _stop(process)
            raise ServiceError(f"The training command printed a line of more than {LINE_LIMIT:,} bytes.") from None
        except asyncio.CancelledError:
            await _stop(process)
            raise
        if code or not last:
            said = f" It said: {last}" if last else ""
            raise ServiceError(f"The training command ended with exit code {code}.{said}")
        return last

    async def finish(self, source: str, tell: Tell) -> None:
        """Remember the model, and have open tasks of connected projects predicted by it.

        Raises:
            GoldspanError: Label Studio could not be asked.
        """
        remember_served(self._workspace, self._given, source)
        await asyncio.to_thread(_predict_connected, self._workspace, tell)


def make_trainer(command: str, workspace: Workspace, given: str) -> CommandTrainer:
    """The trainer of a command line; empty: `goldspan studio retrain` for this workspace.

    Raises:
        InputError: the command is blank.
    """
    words = shlex.split(command)
    if command and not words:
        raise InputError("--train-command is empty.")
    own = (sys.executable, "-m", "goldspan", "studio", "retrain", "--base", given)
    return CommandTrainer(words or (*own, "--data", str(workspace.root.resolve())), workspace, given)


def find_served(workspace: Workspace, given: str) -> str:
    """The model that took the place of this predictor in an earlier session and is still there, else `given`."""
    source = str(find_json(_find_file(workspace)).get(given, ""))
    gone = [part for part in source.split("+") if "/" in part and not Path(part).exists()]
    return source if source and not gone else given


def remember_served(workspace: Workspace, given: str, source: str) -> None:
    """Record that a model took the place of the predictor that the server was started with."""
    path = _find_file(workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, orjson.dumps(find_json(_find_file(workspace)) | {given: source}, option=orjson.OPT_INDENT_2))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask a process to end, and end it after a while."""
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _predict_connected(workspace: Workspace, tell: Tell) -> None:
    from goldspan.annotation.labelstudio.project.access import connect
    from goldspan.annotation.labelstudio.project.backend import TITLE, list_connected, predict_open_tasks

    try:
        client, _ = connect(workspace)
    except GoldspanError:
        return
    for number in list_connected(client, workspace):
        found = next((one for one in client.backends.list_all(number) if one.get("title") == TITLE), None)
        if found is not None:
            version = str(found["model_version"])
            wanted, stored = predict_open_tasks(
                client, number, version, lambda _, done, total: tell(f"predict: {done} of {total} open tasks")
            )
            tell(f"predict: {stored} of {wanted} open tasks of project {number} have predictions of {version}")


def _find_file(workspace: Workspace) -> Path:
    return workspace.root / "models" / "serving.json"
