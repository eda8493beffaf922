from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, TerminalServiceError
from goldspan.annotation.labelstudio.project.backend import (
    connect_backend,
    disconnect_backend,
    list_connected,
    predict_open_tasks,
)
from goldspan.annotation.tasks.workspace import Workspace

URL = "http://127.0.0.1:7860"


class FakeProject:
    """A project with its backends and webhooks, as Label Studio 1.23 keeps them; `dies_at` breaks the n-th change."""

    def __init__(self) -> None:
        self.url, self.backends = "http://studio/", self
        self.project: dict[str, Any] = {
            "id": 1,
            "title": "Team",
            "model_version": "v1",
            "show_collab_predictions": False,
            "evaluate_predictions_automatically": True,
            "min_annotations_to_start_training": 5,
        }
        self.versions = {"v1"}
        self.models: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.state, self.guarded, self.count, self.dies_at = "CO", False, 0, -1

    def _change(self) -> None:
        self.count += 1
        if self.count == self.dies_at:
            raise KeyboardInterrupt

    def list_all(self, project: int) -> list[dict[str, Any]]:
        return [model | {"state": self.state, "model_version": "m-1", "error_message": "gone"} for model in self.models]

    def create(self, fields: dict[str, Any]) -> dict[str, Any]:
        self._change()
        self.models.append({**fields, "id": len(self.models) + 1})
        if self.guarded:
            raise ConfigurationError("URL resolves to a reserved network address (block: 127.0.0.0/8)")
        self.hooks.append({"id": 7, "url": f"{fields['url']}/webhook", "send_for_all_actions": True})
        return self.models[-1]

    def update(self, number: int, fields: dict[str, Any]) -> dict[str, Any]:
        self._change()
        assert {"url", "project"} <= fields.keys()
        [found] = [model for model in self.models if model["id"] == number]
        found.update(fields)
        return found

    def delete(self, number: int) -> None:
        self._change()
        self.models = [model for model in self.models if model["id"] != number]
        if self.project["model_version"] == "goldspan":
            self.project["model_version"] = ""

    def list_webhooks(self, project: int) -> list[dict[str, Any]]:
        return self.hooks

    def delete_webhook(self, number: int) -> None:
        self._change()
        self.hooks = [hook for hook in self.hooks if hook["id"] != number]

    def update_project(self, number: int, fields: dict[str, Any]) -> None:
        self._change()
        version = fields.get("model_version")
        if version and version not in self.versions | {str(model["title"]) for model in self.models}:
            raise TerminalServiceError("no such version", 400)
        self.project.update(fields)

    def iter_tasks(self, project: int, include: str) -> Iterator[dict[str, Any]]:
        yield from self.tasks

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [task for task in self.tasks if task["id"] in ids]

    def retrieve_predictions(self, project: int, ids: list[int]) -> None:
        for task in self.tasks:
            if task["id"] in ids and not task.get("unreadable"):
                task["predictions"].append({"model_version": "m-1"})


@pytest.fixture
def workspace(tmp_path: Any) -> Workspace:
    return Workspace(tmp_path)


def connect(studio: FakeProject, workspace: Workspace, url: str = URL, **options: Any) -> Any:
    return connect_backend(studio, workspace, dict(studio.project), url, **options)  # type: ignore[arg-type]


def disconnect(studio: FakeProject, workspace: Workspace) -> bool:
    return disconnect_backend(studio, workspace, dict(studio.project))  # type: ignore[arg-type]


@pytest.mark.parametrize("guarded", [False, True])
def test_connecting_shows_the_model_and_disconnecting_leaves_nothing(workspace: Workspace, guarded: bool) -> None:
    studio = FakeProject()
    studio.guarded = guarded
    before = dict(studio.project)
    found = connect(studio, workspace, train_every=20)
    assert (found.version, found.was_connected) == ("m-1", False)
    assert studio.project == before | {
        "model_version": "goldspan",
        "show_collab_predictions": True,
        "evaluate_predictions_automatically": False,
        "min_annotations_to_start_training": 20,
    }
    assert studio.hooks == []
    changes = studio.count
    assert connect(studio, workspace, train_every=20).was_connected
    assert studio.count == changes + 1
    assert connect(studio, workspace, "http://127.0.0.1:7999/").url == "http://127.0.0.1:7999"
    assert [model["url"] for model in studio.models] == ["http://127.0.0.1:7999"]
    assert list_connected(studio, workspace) == [1]  # type: ignore[arg-type]
    assert disconnect(studio, workspace)
    assert (studio.models, studio.hooks, studio.project) == ([], [], before)
    assert not list(workspace.root.rglob("backends.json"))
    assert not disconnect(studio, workspace)


@pytest.mark.parametrize("step", range(1, 9))
def test_both_can_be_interrupted_at_each_step_and_run_again(workspace: Workspace, step: int) -> None:
    studio = FakeProject()
    before = dict(studio.project)
    studio.dies_at = step
    for call in (connect, disconnect):
        try:
            call(studio, workspace)
        except KeyboardInterrupt:
            call(studio, workspace)
    assert (studio.models, studio.hooks, studio.project) == ([], [], before)
    assert not list(workspace.root.rglob("backends.json"))


def test_the_token_goes_with_the_backend_and_into_no_file(workspace: Workspace) -> None:
    studio = FakeProject()
    connect(studio, workspace, token="s3cret")
    assert (studio.models[0]["auth_method"], studio.models[0]["basic_auth_pass"]) == ("BASIC_AUTH", "s3cret")
    assert all(b"s3cret" not in path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())


def test_a_version_that_is_gone_gives_way_to_the_one_that_was_served(workspace: Workspace) -> None:
    studio = FakeProject()
    connect(studio, workspace)
    studio.versions = {"m-1"}
    disconnect(studio, workspace)
    assert studio.project["model_version"] == "m-1"


def test_a_team_s_own_backend_is_left_alone(workspace: Workspace) -> None:
    studio = FakeProject()
    studio.models = [{"id": 1, "title": "theirs", "url": "http://model.example"}]
    with pytest.raises(ConfigurationError, match="theirs"):
        connect(studio, workspace)
    assert not disconnect(studio, workspace)
    assert len(studio.models) == 1


def test_a_model_that_does_not_serve_is_told_with_its_reason(workspace: Workspace) -> None:
    studio = FakeProject()
    studio.state = "ER"
    with pytest.raises(ServiceError, match="gone"):
        connect(studio, workspace)


def test_predictions_are_counted_and_not_believed(workspace: Workspace) -> None:
    studio = FakeProject()
    studio.tasks = [
        {"id": 1, "total_annotations": 0, "predictions": []},
        {"id": 2, "total_annotations": 0, "predictions": [{"model_version": "m-1"}]},
        {"id": 3, "total_annotations": 1, "predictions": []},
        {"id": 4, "total_annotations": 0, "predictions": [], "unreadable": True},
    ]
    assert predict_open_tasks(studio, 1, "m-1") == (2, 1)  # type: ignore[arg-type]
