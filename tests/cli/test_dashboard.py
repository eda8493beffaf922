"""`goldspan dashboard` shows a workspace with the label schema of its project."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.cli.main import run
from goldspan.dashboards import launch


class Stopped:
    """A dashboard that ends at once; it is its own process."""

    address = "http://127.0.0.1:1/?token=x"

    @property
    def process(self) -> Stopped:
        """What `goldspan dashboard` waits for."""
        return self

    def wait(self) -> None:
        """Nothing to wait for."""

    def stop(self) -> None:
        """Nothing to stop."""


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_workspace_of_another_project_has_its_label_schema(
    elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Path | None] = []

    def start(workspace: object, port: int | None, labels: Path | None) -> Stopped:
        started.append(labels)
        return Stopped()

    monkeypatch.delenv("GOLDSPAN_LABELS", raising=False)
    monkeypatch.delenv("GOLDSPAN_PROJECT_DIR", raising=False)
    monkeypatch.setattr(launch, "start_dashboard", start)
    project = tmp_path / "tickets"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run(["init", str(project), "--template", "support"])
    monkeypatch.chdir(tmp_path if elsewhere else project)
    with pytest.raises(SystemExit):
        run(["dashboard", "--data", str(project / "data")])
    assert started == [project / "labels.toml" if elsewhere else None]
