from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from goldspan.annotation.errors import ConfigurationError, TerminalServiceError, TransientServiceError
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.credentials import StudioAccount, save_account
from goldspan.annotation.labelstudio.project import doctor
from goldspan.annotation.labelstudio.project.adopt import AdoptOptions, adopt_projects
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.doctor import Diagnosis, Finding, Severity, diagnose
from goldspan.annotation.labelstudio.project.survey import MAX_EXAMPLES
from goldspan.annotation.tasks.workspace import Workspace

LABELS = load_labels()
TEXT = "Ann is here."


def make_task(number: int, text: Any = TEXT, version: str = "model-1", **region: Any) -> dict[str, Any]:
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["FIRSTNAME"]} | region
    item = {"id": "e0", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
    return {
        "id": number,
        "data": {"text": text, "sample_id": f"s{number}", "text_sha256": hash_text(text) if text else None},
        "predictions": [{"model_version": version, "result": [item]}] if version else [],
        "annotations": [],
        "predictions_model_versions": version,
        "total_predictions": int(bool(version)),
    }


class FakeClient:
    """Answers as Label Studio would, from memory."""

    def __init__(self, tasks: list[dict[str, Any]]) -> None:
        self.url = "http://127.0.0.1:1/"
        self.release = "1.23.2"
        self.tasks = tasks
        self.project = {
            "id": 1,
            "title": "Goldspan",
            "label_config": build_config(LABELS),
            "model_version": "model-1",
            "show_collab_predictions": True,
        }
        self.failures: dict[str, Exception] = {}
        self.models: list[dict[str, Any]] = []
        self.hooks: list[dict[str, Any]] = []
        self.backends = self

    def list_all(self, project: int) -> list[dict[str, Any]]:
        return self.models

    def list_webhooks(self, project: int) -> list[dict[str, Any]]:
        return self.hooks

    def delete_webhook(self, number: int) -> None:
        self.hooks = [hook for hook in self.hooks if hook["id"] != number]

    def _fail(self, name: str) -> None:
        if name in self.failures:
            raise self.failures[name]

    def read_user(self) -> dict[str, Any]:
        self._fail("read_user")
        return {"email": "ann@goldspan.test"}

    def read_version(self) -> dict[str, Any]:
        return {"release": self.release, "edition": "Community"}

    def read_project(self, project: int) -> dict[str, Any]:
        if project != self.project["id"]:
            raise TerminalServiceError("not there", 404)
        return self.project

    def find_project(self, title: str) -> dict[str, Any] | None:
        return self.project if title == self.project["title"] else None

    def update_project(self, project: int, fields: dict[str, Any]) -> dict[str, Any]:
        self.project |= fields
        return self.project

    def iter_tasks(self, project: int, include: str, *, advance: Any = None) -> Iterator[dict[str, Any]]:
        self._fail("iter_tasks")
        return iter(self.tasks)


@pytest.fixture
def own_workspace(workspace: Workspace) -> Workspace:
    save_account(workspace, StudioAccount("http://127.0.0.1:1", "owner@goldspan.test", "p", "t", project_id=1))
    return workspace


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    client = FakeClient([make_task(1), make_task(2)])
    monkeypatch.setattr(doctor, "StudioClient", lambda *_: client)
    monkeypatch.setattr(doctor, "require_own_server", lambda *_: None)
    return client


def find(diagnosis: Diagnosis, code: str) -> Finding:
    return next(finding for finding in diagnosis.findings if finding.code == code)


def test_sound_project_has_no_complaint(own_workspace: Workspace, client: FakeClient) -> None:
    diagnosis = diagnose(own_workspace, LABELS)
    assert [finding.code for finding in diagnosis.findings] == [
        *("version", "token", "config", "size", "predictions", "regions")
    ]
    assert {finding.severity for finding in diagnosis.findings} == {Severity.OK}
    assert (diagnosis.project, diagnosis.has_errors) == (1, False)


def test_unknown_server_is_a_finding(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.root.parent)
    monkeypatch.delenv("LABEL_STUDIO_URL", raising=False)
    diagnosis = diagnose(workspace, LABELS)
    assert find(diagnosis, "no_server").command == "goldspan studio up"
    assert diagnosis.has_errors


@pytest.mark.parametrize(
    ("error", "code", "command"),
    [
        (ConfigurationError("does not accept the token"), "token_refused", "goldspan studio doctor --token TOKEN"),
        (TransientServiceError("does not answer"), "not_reachable", "goldspan studio up"),
    ],
)
def test_no_access_is_a_finding(
    own_workspace: Workspace, client: FakeClient, error: Exception, code: str, command: str
) -> None:
    client.failures["read_user"] = error
    diagnosis = diagnose(own_workspace, LABELS)
    assert [(finding.code, finding.command) for finding in diagnosis.findings] == [(code, command)]


def test_missing_project_is_told_from_no_choice(own_workspace: Workspace, client: FakeClient) -> None:
    assert find(diagnose(own_workspace, LABELS, project=9), "project_missing").severity is Severity.ERROR
    assert find(diagnose(own_workspace, LABELS, project="Other"), "project_missing").severity is Severity.ERROR
    save_account(own_workspace, StudioAccount("http://127.0.0.1:1", "owner@goldspan.test", "p", "t"))
    assert find(diagnose(own_workspace, LABELS, fallback="Other"), "no_project").severity is Severity.WARNING
    assert diagnose(own_workspace, LABELS, fallback="Goldspan").project == 1


def test_server_that_goes_away_is_a_finding(own_workspace: Workspace, client: FakeClient) -> None:
    client.failures["iter_tasks"] = TransientServiceError("went away")
    assert find(diagnose(own_workspace, LABELS), "stopped_answering").message == "went away"


def test_other_release_is_a_warning(own_workspace: Workspace, client: FakeClient) -> None:
    client.release = "2.0.0"
    assert find(diagnose(own_workspace, LABELS), "version").severity is Severity.WARNING


def test_config_drift_weighs_by_what_it_can_spoil(own_workspace: Workspace, client: FakeClient) -> None:
    client.project["label_config"] = build_config(LabelSchema(LABELS.labels[1:]))
    missing = find(diagnose(own_workspace, LABELS), "config_drift")
    assert (missing.severity, missing.command) == (Severity.WARNING, "goldspan studio push --project 1")
    client.project["label_config"] = build_config(LABELS).replace('"CITY"', '"TOWN"')
    left_over = find(diagnose(own_workspace, LABELS), "config_drift")
    assert (left_over.severity, left_over.command) == (
        Severity.ERROR,
        "goldspan studio migrate --plan --project 1",
    )
    client.project["label_config"] = "<View>"
    assert find(diagnose(own_workspace, LABELS), "config_drift").severity is Severity.ERROR


FOREIGN = '<View><Labels name="ner" toName="t"><Label value="Town"/></Labels><Text name="t" value="$body"/></View>'


def test_a_teams_project_is_to_be_adopted_and_is_sound_afterwards(own_workspace: Workspace, client: FakeClient) -> None:
    client.project |= {"label_config": FOREIGN, "created_at": "2026-01-01T00:00:00.000001Z", "model_version": ""}
    region = {"from_name": "ner", "to_name": "t", "type": "labels", "value": {"start": 0, "end": 3, "labels": ["Town"]}}
    review = {"id": 1, "result": [region]}
    client.tasks[:] = [{"id": 7, "data": {"body": TEXT}, "predictions": [], "annotations": [review]}]
    assert find(diagnose(own_workspace, LABELS), "config_drift").command == "goldspan studio adopt 1"
    server: Any = client
    adopt_projects(server, own_workspace, [1], AdoptOptions())
    diagnosis = diagnose(own_workspace)
    assert [finding.code for finding in diagnosis.findings if finding.severity is not Severity.OK] == []
    assert find(diagnosis, "regions")


def test_a_region_whose_own_text_is_stale_is_sound(own_workspace: Workspace, client: FakeClient) -> None:
    """Pull slices the text anew, so that nothing is to be fixed."""
    stale = make_task(3, "Ann  Lee", end=8)
    stale["predictions"][0]["result"][0]["value"]["text"] = "Ann Lee"
    client.tasks.append(stale)
    assert find(diagnose(own_workspace, LABELS), "regions").severity is Severity.OK


def test_a_project_without_readable_text_is_not_called_sound(own_workspace: Workspace, client: FakeClient) -> None:
    client.tasks[:] = [make_task(1, text="", version="")]
    assert "regions" not in {finding.code for finding in diagnose(own_workspace, LABELS).findings}


def test_a_live_model_is_left_alone(own_workspace: Workspace, client: FakeClient) -> None:
    client.models = [{"title": "goldspan", "url": "http://127.0.0.1:9090", "state": "CO"}]
    client.project["model_version"] = "goldspan"
    diagnosis = diagnose(own_workspace, LABELS, fix=True)
    assert not diagnosis.has_errors
    assert "live model goldspan" in find(diagnosis, "predictions").message
    assert client.project["model_version"] == "goldspan"
    client.models[0] |= {"state": "DI", "error_message": "Read timed out"}
    found = find(diagnose(own_workspace, LABELS), "backend")
    assert (found.severity, "Read timed out" in found.message) == (Severity.WARNING, True)
    assert found.command == "goldspan studio connect http://127.0.0.1:9090 --project 1"
    client.models[0]["state"], client.project["model_version"] = "CO", "model-1"
    assert find(diagnose(own_workspace, LABELS), "backend").severity is Severity.WARNING


def test_webhooks_of_models_that_are_gone_are_found_and_deleted(own_workspace: Workspace, client: FakeClient) -> None:
    client.models = [{"title": "goldspan", "url": "http://127.0.0.1:9090/", "state": "CO"}]
    client.project["model_version"] = "goldspan"
    client.hooks = [
        {"id": 1, "url": "http://127.0.0.1:9090/webhook", "send_for_all_actions": True},
        {"id": 2, "url": "http://127.0.0.1:9091/webhook", "send_for_all_actions": True},
        {"id": 3, "url": "https://team.example/webhook", "send_for_all_actions": False},
    ]
    assert "9091" in find(diagnose(own_workspace, LABELS), "webhooks").message
    diagnose(own_workspace, LABELS, fix=True)
    assert [hook["id"] for hook in client.hooks] == [1, 3]


def test_hidden_predictions_are_found_and_fixed(own_workspace: Workspace, client: FakeClient) -> None:
    client.tasks.append(make_task(3, version="model-2"))
    assert find(diagnose(own_workspace, LABELS), "hidden_predictions").severity is Severity.WARNING
    client.project["model_version"] = ""
    assert find(diagnose(own_workspace, LABELS), "hidden_predictions").severity is Severity.ERROR
    client.project |= {"model_version": "model-1", "show_collab_predictions": False}
    finding = find(diagnose(own_workspace, LABELS), "hidden_predictions")
    assert finding.severity is Severity.ERROR
    assert finding.command.startswith("goldspan studio doctor --fix")
    client.tasks.pop()
    assert find(diagnose(own_workspace, LABELS, fix=True), "predictions").message.startswith("fixed")
    assert client.project["show_collab_predictions"] is True
    assert not diagnose(own_workspace, LABELS).has_errors


def test_troubles_of_tasks_are_counted_with_examples(own_workspace: Workspace, client: FakeClient) -> None:
    twice = make_task(3)
    twice["data"]["sample_id"] = "s1"
    changed = make_task(4)
    changed["data"]["text"] = "Ann was here."
    unnamed = make_task(5)
    del unnamed["data"]["sample_id"]
    reused = make_task(7, text="Bob left.", version="")
    reused["data"]["sample_id"] = "s1"
    client.tasks += [twice, changed, unnamed, make_task(6, text="", version=""), reused]
    diagnosis = diagnose(own_workspace, LABELS, quick=True)
    found = {finding.code: finding for finding in diagnosis.findings if finding.severity is not Severity.OK}
    assert {code: finding.message[-9:] for code, finding in found.items()} == {
        "duplicate_samples": " (task 3)",
        "reused_sample_id": " (task 7)",
        "text_changed": " (task 4)",
        "no_text": " (task 6)",
    }
    assert all(finding.command for finding in found.values())


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ({"end": 99}, "unplaced_region"),
        ({"start": 3, "end": 3}, "unplaced_region"),
        ({"labels": []}, "unlabelled_region"),
        ({"labels": ["NO_SUCH_LABEL"]}, "unknown_label"),
    ],
)
def test_region_that_no_longer_slices_is_found(
    own_workspace: Workspace, client: FakeClient, region: dict[str, Any], code: str
) -> None:
    client.tasks += [make_task(number, **region) for number in range(10, 20)]
    finding = find(diagnose(own_workspace, LABELS), code)
    assert finding.severity is Severity.ERROR
    assert finding.message.startswith("10 tasks")
    assert finding.message.endswith(f"{', '.join(map(str, range(10, 10 + MAX_EXAMPLES)))} …)")
    assert code not in {finding.code for finding in diagnose(own_workspace, LABELS, quick=True).findings}


def test_project_beyond_the_advised_size_is_named(
    own_workspace: Workspace, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ADVISED_TASKS", 1)
    assert find(diagnose(own_workspace, LABELS), "size").severity is Severity.WARNING


@pytest.mark.usefixtures("fake_label_studio")
def test_database_of_the_own_server_is_named(
    workspace: Workspace, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from goldspan.annotation.labelstudio.server.start import start_server

    start_server(workspace)
    assert find(diagnose(workspace, LABELS, project=1), "database").message == "database sqlite"
    monkeypatch.setattr(doctor, "ADVISED_TASKS_SQLITE", 1)
    assert "--database-url" in find(diagnose(workspace, LABELS, project=1), "database").command
