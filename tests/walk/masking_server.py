"""A masking server in a thread of its own, with a predictor that knows a few values."""

from __future__ import annotations

import asyncio
import threading

import uvicorn

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Sample
from goldspan.serving.app import build_app
from goldspan.serving.host import PredictorHost
from goldspan.serving.state import SampleSink, ServerSettings, ServerState, Tell
from tests.serving.conftest import Sources
from tests.waiting import SECONDS


class RunningServer:
    """The server; `sent` are the samples of the page, `trained` counts trainings."""

    def __init__(self, sink: SampleSink | None = None) -> None:
        self._sink = sink or self._keep
        self.sent: list[Sample] = []
        self.trained = 0
        self._sources = {"lexicon": "lexicon", "missing": "missing"}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(SECONDS)

    async def _serve(self) -> None:
        host = PredictorHost(load_labels(), self._sources, opener=Sources().open)
        app = build_app(ServerState(host, ServerSettings(), sink=self._sink, trainer=self))
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        task = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self._ready.set()
        await task

    async def _keep(self, sample: Sample) -> str:
        self.sent.append(sample)
        return "Saved."

    async def train(self, tell: Tell) -> str:
        self.trained += 1
        return f"model-{1 + self.trained}"

    async def finish(self, source: str, tell: Tell) -> None:
        tell(f"serves {source}")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
