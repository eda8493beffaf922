from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError, ServiceError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.trainer import find_served, make_trainer


def make_command(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def test_lines_are_progress_and_the_last_names_the_model(tmp_path: Path) -> None:
    told: list[str] = []
    trainer = make_trainer(make_command("print('pull: 3 new\\n\\nmodels/x\\n')"), Workspace(tmp_path), "regex")
    assert asyncio.run(trainer.train(told.append)) == "models/x"
    assert told == ["pull: 3 new", "models/x"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (make_command("print('gate: closed'); raise SystemExit(7)"), "exit code 7. It said: gate: closed"),
        (make_command("pass"), "exit code 0"),
        (make_command("print('x' * (1 << 21))"), "bytes"),
        ("/nonexistent/program", "cannot be run"),
    ],
)
def test_a_command_that_gives_no_model_is_an_error_with_its_last_words(tmp_path: Path, command: str, said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        asyncio.run(make_trainer(command, Workspace(tmp_path), "regex").train(lambda _: None))
    assert said in str(raised.value)


def test_a_training_that_is_given_up_ends(tmp_path: Path) -> None:
    flag = tmp_path / "ended"
    code = (
        f"import signal, sys, time; signal.signal(15, lambda *_: (open({str(flag)!r}, 'w'), sys.exit())); "
        "print('train: started', flush=True); time.sleep(60)"
    )

    async def give_up() -> None:
        started = asyncio.Event()
        trainer = make_trainer(make_command(code), Workspace(tmp_path), "regex")
        task = asyncio.create_task(trainer.train(lambda _: started.set()))
        await asyncio.wait_for(started.wait(), 60)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert flag.exists()


def test_a_restart_goes_on_with_the_trained_model(tmp_path: Path) -> None:
    workspace, model = Workspace(tmp_path), tmp_path / "models" / "retrain-1"
    assert find_served(workspace, "regex") == "regex"
    asyncio.run(make_trainer("x", workspace, "regex").finish(str(model), lambda _: None))
    assert find_served(workspace, "regex") == "regex"
    model.mkdir()
    assert find_served(workspace, "regex") == str(model)
    assert find_served(workspace, "models/retrain-0") == "models/retrain-0"


def test_a_combination_with_the_trained_model_is_remembered_too(tmp_path: Path) -> None:
    workspace, model = Workspace(tmp_path), tmp_path / "models" / "loop-1"
    model.mkdir(parents=True)
    asyncio.run(make_trainer("x", workspace, "regex").finish(f"regex+{model}", lambda _: None))
    assert find_served(workspace, "regex") == f"regex+{model}"
    model.rmdir()
    assert find_served(workspace, "regex") == "regex"


def test_a_blank_command_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        make_trainer(" ", Workspace(tmp_path), "regex")
