from __future__ import annotations

import contextlib
import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.predictors.mock_model import build_mock_model
from goldspan.training.finetuning.hosted import HostedEngine
from tests.training.tiny_model import TOML, make_bundle

Start = Callable[..., str]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tuning")
    (root / "labels.toml").write_text(TOML)
    make_bundle(root / "data" / "bundles" / "tiny", 30)
    return root


@pytest.fixture
def root(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `labels.toml` and a workspace `data` that holds the bundle `tiny`."""
    for name in ("OPENAI_API_KEY", "MISTRAL_API_KEY", "TOGETHER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(HostedEngine, "patience", HostedEngine.patience)
    return Path(shutil.copytree(prepared, tmp_path / "root"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a provider: start("together", [{"kind": …}], tuning_seconds=…) gives its URL."""
    with contextlib.ExitStack() as stack:

        def begin(profile: str, faults: Any = (), **settings: Any) -> str:
            plan = build_plan({"seed": 1, "faults": list(faults)})
            options = {"validation_seconds": 0.0, "tuning_seconds": 0.05, **settings}
            made = SimulatorSettings(find_profile(profile), tmp_path / "provider.db", plan, **options)
            return stack.enter_context(serving(made, writer=build_mock_model(load_labels())))

        yield begin


def ask(url: str, path: str, body: Any = None) -> Any:
    """What the simulator says under `/_simulate/`."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/{path}", data, timeout=60) as reply:
        return json.load(reply)
