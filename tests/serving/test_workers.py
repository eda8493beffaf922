from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import Prediction
from goldspan.serving import worker_process
from goldspan.serving.host import PredictorHost
from goldspan.serving.worker_process import WorkerTask
from goldspan.serving.workers import WorkerPredictor, open_in_workers
from tests.serving.worker_predictors import ObedientPredictor, open_obedient
from tests.waiting import wait_until_async

TEXT = "Ann wrote from Berlin."


@pytest.fixture
async def predictor(labels: LabelSchema) -> AsyncIterator[WorkerPredictor]:
    opened = await open_in_workers(WorkerTask(open_obedient, "obedient", labels), 1)
    assert opened is not None
    yield opened
    await opened.aclose()


def list_labels(prediction: Prediction) -> list[str]:
    return [entity.label for entity in prediction.annotation.entities]


async def wait_for_start(folder: Path) -> int:
    """The number of the process that waits in the folder."""
    await wait_until_async(lambda: (folder / "started").exists() and (folder / "started").read_text())
    return int((folder / "started").read_text())


async def test_it_reads_as_the_predictor_does_and_a_text_that_kills_it_fails_alone(
    predictor: WorkerPredictor, labels: LabelSchema
) -> None:
    direct = ObedientPredictor(labels)
    assert (predictor.name, predictor.model_version, predictor.labels) == ("lexicon", "lexicon-1", direct.labels)
    texts = [TEXT, "CRASH", "Bob", "DIE", "BUSY", "x" * 30_000, "Ann and Bob"]
    answers = await asyncio.gather(*(predictor.predict(text) for text in texts), return_exceptions=True)
    kinds = [type(answer) for answer in answers]
    assert kinds[:5] == [Prediction, ServiceError, Prediction, worker_process.WorkerDiedError, TransientServiceError]
    assert [list_labels(answers[n]) for n in (0, 2, 5, 6)] == [
        ["FIRSTNAME", "CITY"],
        ["FIRSTNAME"],
        [],
        ["FIRSTNAME", "FIRSTNAME"],
    ]
    assert not any(text in str(answer) for text, answer in zip(texts, answers, strict=True) if text in ("CRASH", "DIE"))


async def test_a_process_that_is_killed_at_work_loses_no_answer(predictor: WorkerPredictor, tmp_path: Path) -> None:
    waiting = asyncio.create_task(predictor.predict(f"WAIT {tmp_path} then Ann"))
    others = [asyncio.create_task(predictor.predict(TEXT)) for _ in range(20)]
    os.kill(await wait_for_start(tmp_path), signal.SIGKILL)
    (tmp_path / "go").touch()
    async with asyncio.timeout(60):
        assert list_labels(await waiting) == ["FIRSTNAME"]
        assert [list_labels(one) for one in await asyncio.gather(*others)] == [["FIRSTNAME", "CITY"]] * 20


async def test_a_process_that_hangs_is_replaced(
    predictor: WorkerPredictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "BATCH_SECONDS", 0.2)
    with pytest.raises(worker_process.WorkerDiedError, match="did not answer"):
        await predictor.predict(f"WAIT {tmp_path}")
    monkeypatch.undo()
    assert list_labels(await predictor.predict(TEXT)) == ["FIRSTNAME", "CITY"]


async def test_a_process_never_comes_back_with_another_version(labels: LabelSchema, tmp_path: Path) -> None:
    (tmp_path / "version").write_text("1")
    predictor = await open_in_workers(WorkerTask(open_obedient, str(tmp_path), labels), 1)
    assert predictor is not None
    try:
        assert predictor.model_version == "lexicon-1"
        (tmp_path / "version").write_text("2")
        for text in ("DIE", TEXT, TEXT):
            with pytest.raises(StateError, match="replaced on disk"):
                await predictor.predict(text)
        (tmp_path / "version").write_text("1")
        assert list_labels(await predictor.predict(TEXT)) == ["FIRSTNAME", "CITY"]
    finally:
        await predictor.aclose()


async def test_processes_with_different_versions_do_not_serve(labels: LabelSchema, tmp_path: Path) -> None:
    (tmp_path / "version").write_text("1")
    (tmp_path / "next").write_text("2")
    with pytest.raises(StateError, match="while it was loaded"):
        await open_in_workers(WorkerTask(open_obedient, str(tmp_path), labels), 2)


async def test_a_closed_predictor_answers_what_waits_with_an_error(predictor: WorkerPredictor, tmp_path: Path) -> None:
    waiting = [asyncio.create_task(predictor.predict(text)) for text in (f"WAIT {tmp_path}", TEXT)]
    await wait_for_start(tmp_path)
    await predictor.aclose()
    async with asyncio.timeout(60):
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, ServiceError)


async def test_a_host_opens_local_predictors_in_processes_and_others_in_its_own(labels: LabelSchema) -> None:
    host = PredictorHost(labels, {"a": "obedient", "b": "missing"}, opener=open_obedient, processes=1)
    await host.start()
    try:
        assert (host.methods["a"].healthy, host.methods["b"].healthy) == (True, False)
        assert host.methods["a"].describe()["runs"] == "this machine"
        with pytest.raises(ConfigurationError, match="no model at missing"):
            await host.reload("b")
        assert host.methods["b"].error == "There is no model at missing."
        async with host.lend("a") as predictor:
            assert list_labels(await predictor.predict(TEXT)) == ["FIRSTNAME", "CITY"]
        assert await open_in_workers(WorkerTask(open_obedient, "remote", labels), 1) is None
    finally:
        await host.close()
