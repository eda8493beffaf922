"""Workspaces for the dashboard: empty, and small with every kind of sample."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from tests.dashboards.sample_data import fill_workspace


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, labels: LabelSchema) -> Workspace:
    """Forty samples: reviewed, drafted, skipped, by two people, without pre-annotation, in both layers."""
    workspace = Workspace(tmp_path_factory.mktemp("small"))
    fill_workspace(workspace, labels, 40)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty one."""
    return Workspace(tmp_path)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit's AppTest puts its script in the place of `__main__`, which later child processes would then load."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def no_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest reads the metadata of every installed package at each run, for Streamlit components; we have none."""
    if scanner := sys.modules.get("streamlit.components.v2.manifest_scanner"):
        monkeypatch.setattr(scanner, "scan_component_manifests", list)
