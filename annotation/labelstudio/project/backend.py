"""Connect a served model to a Label Studio project, and disconnect it without leaving anything behind.

What the project's settings were before is written to `studio/backends.json` of the workspace before they are changed,
so that both calls can be interrupted and run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError, TransientServiceError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labelstudio.api.client import StudioClient, split_chunks
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.tasks.workspace import Workspace

TITLE = "goldspan"
"""Title of the backend, which is also the `model_version` of a project that shows its predictions."""

CONNECTED = "CO"
"""State of a backend that answers."""

USER = "goldspan"
"""User name that Label Studio sends together with the server's token."""

PREDICT_TASKS = 50
"""Tasks in one request for predictions: Label Studio sends all of them in one body and waits 100 s."""

_SETTINGS = (
    "model_version",
    "show_collab_predictions",
    "evaluate_predictions_automatically",
    "min_annotations_to_start_training",
)
"""Settings of a project that connecting changes."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A model that serves a project. `version` is the one that it names now."""

    project: int
    title: str
    url: str
    version: str
    was_connected: bool = False
    webhooks_removed: int = 0


def shows_live_model(project: Mapping[str, Any], backends: Sequence[Mapping[str, Any]]) -> bool:
    """True if annotators see what a connected model predicts: the project's version is the model's title."""
    shown = str(project.get("model_version") or "")
    return bool(shown) and shown in {str(backend.get("title")) for backend in backends}


def connect_backend(
    client: StudioClient,
    workspace: Workspace,
    project: Mapping[str, Any],
    url: str,
    *,
    token: str = "",
    train_every: int = 0,
) -> Connection:
    """Make a project show what the model at `url` predicts; calling it again changes only what differs.

    Annotators see the predictions of the version that serves (live mode), and marking words asks the model. Label
    Studio's webhook to the model is removed: nothing needs it, and it would outlive the connection.

    Args:
        client: a client of the project's Label Studio.
        workspace: remembers what to restore.
        project: the project as Label Studio describes it.
        url: address of `goldspan serve`, as Label Studio reaches it.
        token: what the server asks for, if it does.
        train_every: ask for training whenever the number of annotations is a multiple of this; 0: never.

    Raises:
        ConfigurationError: another model is connected, or Label Studio may not reach the address.
        ServiceError: the model does not answer, or refuses the labelling config; the message has the reason.
    """
    number, url = int(project["id"]), url.rstrip("/")
    backends = client.backends.list_all(number)
    own = [backend for backend in backends if _is_own(backend, url)]
    if foreign := [backend for backend in backends if not _is_own(backend, url)]:
        raise ConfigurationError(
            f"Project {number} is connected to the model {foreign[0].get('title') or foreign[0]['url']!r}, and Label "
            "Studio uses only one. Remove it in the project's settings under Model first."
        )
    _remember(client, workspace, number, project, url)
    fields: dict[str, Any] = {"url": url, "project": number, "title": TITLE, "is_interactive": True}
    if token:
        fields |= {"auth_method": "BASIC_AUTH", "basic_auth_user": USER, "basic_auth_pass": token}
    else:
        fields["auth_method"] = "NONE"
    try:
        if own:
            client.backends.update(int(own[0]["id"]), fields)
            for extra in own[1:]:
                client.backends.delete(int(extra["id"]))
        else:
            _create(client, number, url, fields)
    except (ConfigurationError, ServiceError) as error:
        if not own:
            _forget(client, workspace, number)
        raise explain_failure(error, url) from None
    wanted = {
        "model_version": TITLE,
        "show_collab_predictions": True,
        "evaluate_predictions_automatically": False,
        "min_annotations_to_start_training": train_every,
    }
    if changes := {name: value for name, value in wanted.items() if project.get(name) != value}:
        client.update_project(number, changes)
    removed = _delete_webhooks(client, number, {url, *(str(backend["url"]) for backend in own)})
    found = next((backend for backend in client.backends.list_all(number) if _is_own(backend, url)), None)
    if found is None or found.get("state") != CONNECTED:
        reason = str((found or {}).get("error_message") or "it does not answer")[:300]
        raise ServiceError(f"The model at {url} is connected to project {number} but does not serve: {reason}")
    return Connection(number, str(project["title"]), url, str(found["model_version"]), bool(own), removed)


def disconnect_backend(client: StudioClient, workspace: Workspace, project: Mapping[str, Any]) -> bool:
    """Remove the model from a project, its webhook too, and put the settings back; True if anything was there.

    Predictions stay: reviews refer to them. If the version that was shown before is gone, the newest stored one of
    the model is shown.

    Raises:
        ServiceError: Label Studio refused or could not be reached; run it again.
    """
    number = int(project["id"])
    remembered = _read(workspace).get(_name(client, number), {})
    known_url = str(remembered.get("url", ""))
    own = [backend for backend in client.backends.list_all(number) if _is_own(backend, known_url)]
    served = next((str(backend["model_version"]) for backend in own if backend.get("model_version")), "")
    for backend in own:
        client.backends.delete(int(backend["id"]))
    removed = _delete_webhooks(client, number, {known_url, *(str(backend["url"]) for backend in own)})
    before = dict(remembered.get("before", {}))
    if own or before:
        _restore(client, number, before, served)
    _forget(client, workspace, number)
    return bool(own or removed or before)


def list_connected(client: StudioClient, workspace: Workspace) -> list[int]:
    """Projects of this Label Studio that were connected from this workspace."""
    return [int(name.rpartition(" ")[2]) for name in _read(workspace) if name.rpartition(" ")[0] == client.url]


def predict_open_tasks(
    client: StudioClient, project: int, version: str, progress: Progress = ignore_progress
) -> tuple[int, int]:
    """Have every task without annotations predicted by the connected model; the numbers wanted and stored.

    Label Studio reports success for batches that the model failed on, so predictions are counted afterwards. Earlier
    predictions stay.
    """
    include = "id,total_annotations,predictions,model_version"
    wanted = [
        int(task["id"])
        for task in client.iter_tasks(project, include)
        if not task.get("total_annotations") and not _has_version(task, version)
    ]
    done = 0
    for chunk in split_chunks(wanted, PREDICT_TASKS):
        client.backends.retrieve_predictions(project, chunk)
        done += len(chunk)
        progress("predicting", done, len(wanted))
    stored = sum(_has_version(task, version) for task in client.read_tasks(project, wanted, include)) if wanted else 0
    return len(wanted), stored


def find_leftovers(client: StudioClient, project: int, backends: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Webhooks that Label Studio made for models which are not connected any more."""
    urls = {_hook_url(str(backend["url"])) for backend in backends}
    return [hook for hook in client.backends.list_webhooks(project) if _is_model_hook(hook) and hook["url"] not in urls]


def explain_failure(error: Exception, url: str) -> Exception:
    """The error of a connection that Label Studio refused, with what would be right."""
    said = str(error)
    if "reserved network" in said or "block:" in said:
        return ConfigurationError(
            f"Label Studio may not ask a model at {url}: it blocks addresses of private networks. Start it with "
            "ML_BLOCK_LOCAL_IP=false (`goldspan studio up` of this workspace does so after `goldspan studio connect`)."
        )
    if "health check failed" in said or "Can't connect" in said:
        return ServiceError(f"No model answers at {url}. Start it with `goldspan serve --predictor NAME`.")
    return error


def _create(client: StudioClient, project: int, url: str, fields: Mapping[str, Any]) -> None:
    """Add a backend. Label Studio answers 403 where it made the backend and may not make a webhook to it."""
    try:
        client.backends.create(fields)
    except (ConfigurationError, TransientServiceError):
        if not any(_is_own(backend, url) for backend in client.backends.list_all(project)):
            raise


def _is_own(backend: Mapping[str, Any], url: str) -> bool:
    return backend.get("title") == TITLE or (bool(url) and str(backend.get("url", "")).rstrip("/") == url)


def _hook_url(url: str) -> str:
    return f"{url.rstrip('/')}/webhook"


def _is_model_hook(hook: Mapping[str, Any]) -> bool:
    """True for the webhook that Label Studio makes with a backend."""
    return str(hook.get("url", "")).endswith("/webhook") and bool(hook.get("send_for_all_actions"))


def _delete_webhooks(client: StudioClient, project: int, urls: set[str]) -> int:
    targets = {_hook_url(url) for url in urls if url}
    found = [hook for hook in client.backends.list_webhooks(project) if hook.get("url") in targets]
    for hook in found:
        client.delete_webhook(int(hook["id"]))
    return len(found)


def _restore(client: StudioClient, project: int, before: dict[str, Any], served: str) -> None:
    settings = {"evaluate_predictions_automatically": False, "min_annotations_to_start_training": 0} | before
    version = str(settings.pop("model_version", "") or "")
    client.update_project(project, settings)
    for choice in dict.fromkeys((version or served, served, "")):
        try:
            client.update_project(project, {"model_version": choice})
        except ServiceError as error:
            if getattr(error, "status", None) != 400:
                raise
        else:
            return


def _has_version(task: Mapping[str, Any], version: str) -> bool:
    return any(prediction.get("model_version") == version for prediction in task.get("predictions") or ())


def _remember(client: StudioClient, workspace: Workspace, number: int, project: Mapping[str, Any], url: str) -> None:
    known, name = _read(workspace), _name(client, number)
    before = known.get(name, {}).get("before") or {key: project[key] for key in _SETTINGS if key in project}
    if before.get("model_version") == TITLE:
        before["model_version"] = ""
    _write(workspace, known | {name: {"url": url, "before": before}})


def _forget(client: StudioClient, workspace: Workspace, number: int) -> None:
    known = _read(workspace)
    if known.pop(_name(client, number), None) is not None:
        _write(workspace, known)


def _name(client: StudioClient, number: int) -> str:
    return f"{client.url} {number}"


def _read(workspace: Workspace) -> dict[str, Any]:
    path = workspace.studio / "backends.json"
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise StateError(f"{path} is not what `goldspan studio connect` writes. Delete it and connect again.")
    return found


def _write(workspace: Workspace, known: Mapping[str, Any]) -> None:
    path = workspace.studio / "backends.json"
    if not known:
        path.unlink(missing_ok=True)
        return
    workspace.studio.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomic(path, orjson.dumps(known, option=orjson.OPT_INDENT_2), mode=0o600)
