"""Client of the Label Studio REST API: one method per request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, TypeVar

import orjson

from goldspan.annotation.errors import ServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.backends import BackendRequests
from goldspan.annotation.labelstudio.api.transport import Json, Transport
from goldspan.annotation.wording import format_count

T = TypeVar("T")

PAGE_SIZE = 1000
SNAPSHOT_LIMIT = 900.0
"""Seconds to wait for a snapshot; 30,000 tasks took less than six minutes on a busy machine."""


class StudioClient:
    """Requests to one Label Studio as one user.

    `url` may lead to a sub-path; `token` is a personal access token or a legacy token. `timeout` is in seconds and
    holds for each single request. Every method raises:

        ConfigurationError: the token is not accepted, or the address is not a Label Studio.
        TransientServiceError: no answer, a dropped connection, or a 5xx; after a POST it may have been done.
        TerminalServiceError: refused for good; `status` tells 404 (not there) from the rest.
    """

    def __init__(self, url: str, token: str, timeout: float = 600.0) -> None:
        transport = Transport(url, token, timeout)
        self._ask, self._ask_any, self._send = transport.ask_object, transport.ask, transport.send
        self._download = transport.download
        self.url, self.backends = transport.url, BackendRequests(transport)

    # -- server -------------------------------------------------------------------------------------------------------

    def read_version(self) -> Json:
        """Release, edition and components of the server."""
        return self._ask("GET", "api/version", "read the version")

    def read_user(self) -> Json:
        """The user that the token belongs to: `id`, `email` and names."""
        return self._ask("GET", "api/current-user/whoami", "sign in")

    def download(self, path: str, target: IO[bytes]) -> None:
        """Download a path of the server, such as an uploaded text, into a file."""
        self._download(path, "read a file", target, {})

    def list_users(self) -> dict[int, str]:
        """E-mail by user id."""
        return {user["id"]: user.get("email", "") for user in self._ask_any("GET", "api/users/", "list the users")}

    def wait_until_up(self, patience: float) -> None:
        """Return as soon as the server answers its health check; `patience` is in seconds.

        Raises:
            TransientServiceError: it did not answer in time.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                self._send("GET", "health", timeout=5.0)
            except ServiceError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    # -- projects -----------------------------------------------------------------------------------------------------

    def find_project(self, title: str) -> Json | None:
        """The oldest project with exactly this title, or None."""
        page = self._ask("GET", "api/projects/", "look for the project", params={"title": title, "page_size": 1000})
        found = [project for project in page["results"] if project["title"] == title]
        return min(found, key=_by_id) if found else None

    def list_projects(self) -> list[Json]:
        """All projects that the token's user sees, in order of id."""
        page = self._ask(
            "GET", "api/projects/", "list the projects", params={"page_size": 10000, "include": "id,title"}
        )
        return sorted(page["results"], key=_by_id)

    def read_project(self, project: int) -> Json:
        """Settings and counts of a project."""
        return self._ask("GET", f"api/projects/{project}/", f"read project {project}")

    def create_project(self, fields: Mapping[str, Any]) -> Json:
        """Create a project; `title` needs three characters or more."""
        return self._ask("POST", "api/projects/", f"create the project {fields.get('title')!r}", body=fields)

    def update_project(self, project: int, fields: Mapping[str, Any]) -> Json:
        """Change settings of a project."""
        return self._ask("PATCH", f"api/projects/{project}/", f"change project {project}", body=fields)

    def delete_project(self, project: int) -> None:
        """Delete a project and everything in it."""
        self._ask_any("DELETE", f"api/projects/{project}/", f"delete project {project}")

    def reset_summary(self, project: int) -> None:
        """Recompute the project's summary of columns and labels."""
        self._ask_any("POST", f"api/projects/{project}/summary/reset/", f"refresh the summary of project {project}")

    # -- tasks --------------------------------------------------------------------------------------------------------

    def import_tasks(self, project: int, tasks: Sequence[bytes]) -> Json:
        """Import tasks, each one JSON document; the answer has `task_ids` in order, and both counts."""
        return self._ask(
            "POST",
            f"api/projects/{project}/import",
            f"import {format_count(len(tasks), 'task')}",
            params={"return_task_ids": "true"},
            content=b"[" + b",".join(tasks) + b"]",
        )

    def count_tasks(self, project: int, filters: Sequence[Json] = ()) -> int:
        """The number of tasks in the project that pass all filters."""
        return int(self._list_page(project, 0, filters, "id", 1)["total"])

    def iter_tasks(
        self,
        project: int,
        include: str,
        *,
        filters: Sequence[Json] = (),
        after: int = 0,
        page_size: int = PAGE_SIZE,
        advance: Callable[[int, int], None] | None = None,
    ) -> Iterator[Json]:
        """Tasks in order of id, fetched in pages, starting after the id `after`.

        `include` names the fields wanted, those of nested objects too. Pages by keyset,
        not by number: tasks added or deleted meanwhile do not shift them. `advance(seen, total)` is called once a page.
        """
        seen = 0
        while True:
            page = self._list_page(project, after, filters, include, page_size)
            tasks = page["tasks"]
            if advance is not None:
                advance(seen + len(tasks), seen + page["total"])
            yield from tasks
            if len(tasks) >= page["total"] or not tasks:
                return
            seen += len(tasks)
            after = tasks[-1]["id"]

    def list_newest(self, project: int, include: str, filters: Sequence[Json], size: int) -> tuple[list[Json], int]:
        """The `size` tasks with the newest `updated_at` of those that pass all filters, and how many pass."""
        query = {"filters": {"conjunction": "and", "items": list(filters)}, "ordering": ["-tasks:updated_at"]}
        page = self._list(project, query, include, size)
        return page["tasks"], int(page["total"])

    def read_tasks(self, project: int, ids: Sequence[int], include: str) -> list[Json]:
        """The tasks with these ids that still exist, in order of id."""
        found: list[Json] = []
        for chunk in split_chunks(ids, 500):
            query = {"selectedItems": {"all": False, "included": list(chunk)}, "ordering": ["tasks:id"]}
            found += self._list(project, query, include, len(chunk))["tasks"]
        return found

    def fill_drafts(self, task: Json) -> Json:
        """The task with the drafts of everybody; listings only show those of the token's user.

        The task must have been listed with `draft_exists`.
        """
        return {**task, "drafts": self.list_drafts(task["id"])} if task["draft_exists"] else task

    def update_task(self, task: int, fields: Mapping[str, Any]) -> Json:
        """Change a task's data or settings."""
        return self._ask("PATCH", f"api/tasks/{task}/", f"change task {task}", body=fields)

    def delete_tasks(self, project: int, ids: Sequence[int]) -> None:
        """Delete tasks with their annotations and predictions; unknown ids are ignored."""
        self._act(project, "delete_tasks", ids)

    # -- predictions and annotations ----------------------------------------------------------------------------------

    def import_predictions(self, project: int, predictions: Sequence[Json]) -> int:
        """Add predictions (`task`, `result`, `model_version`, `score`); the number stored, as reported."""
        reply = self._ask(
            "POST",
            f"api/projects/{project}/import/predictions",
            f"add {format_count(len(predictions), 'prediction')}",
            body=list(predictions),
        )
        return int(reply["created"])

    def delete_task_predictions(self, project: int, ids: Sequence[int]) -> None:
        """Delete every prediction of these tasks."""
        self._act(project, "delete_tasks_predictions", ids)

    def delete_prediction(self, prediction: int) -> None:
        """Delete one prediction."""
        self._ask_any("DELETE", f"api/predictions/{prediction}/", f"delete prediction {prediction}")

    def update_prediction(self, project: int, prediction: int, fields: Mapping[str, Any]) -> Json:
        """Change one prediction; Label Studio needs the project to validate it."""
        body = {**fields, "project": project}
        return self._ask("PATCH", f"api/predictions/{prediction}/", f"change prediction {prediction}", body=body)

    def create_annotation(self, task: int, fields: Mapping[str, Any]) -> Json:
        """Add an annotation to a task as the token's user."""
        return self._ask("POST", f"api/tasks/{task}/annotations/", f"annotate task {task}", body=fields)

    def update_annotation(self, annotation: int, fields: Mapping[str, Any]) -> Json:
        """Change one annotation."""
        return self._ask("PATCH", f"api/annotations/{annotation}/", f"change annotation {annotation}", body=fields)

    def create_draft(self, task: int, fields: Mapping[str, Any]) -> Json:
        """Save a draft on a task, as the editor does while an annotator works."""
        return self._ask("POST", f"api/tasks/{task}/drafts", f"save a draft on task {task}", body=fields)

    def list_drafts(self, task: int) -> list[Json]:
        """The drafts of everybody on a task."""
        return list(self._ask_any("GET", f"api/tasks/{task}/drafts", f"list the drafts of task {task}"))

    def update_draft(self, draft: int, fields: Mapping[str, Any]) -> Json:
        """Change one draft."""
        return self._ask("PATCH", f"api/drafts/{draft}/", f"change draft {draft}", body=fields)

    # -- views --------------------------------------------------------------------------------------------------------

    def list_views(self, project: int) -> list[Json]:
        """The tabs of the project's Data Manager."""
        return list(self._ask_any("GET", "api/dm/views/", "list the views", params={"project": project}))

    def create_view(self, project: int, data: Mapping[str, Any]) -> Json:
        """Add a tab to the project's Data Manager."""
        return self._ask("POST", "api/dm/views/", "create a view", body={"project": project, "data": data})

    # -- snapshots ----------------------------------------------------------------------------------------------------

    def create_snapshot(self, project: int, *, annotated_only: bool, limit: float = SNAPSHOT_LIMIT) -> int:
        """Export all tasks, or those with annotations, to a snapshot; its id once it is complete.

        A worker that died leaves a snapshot in progress for ever, so one that is not complete after `limit` seconds
        is deleted, and a `TransientServiceError` is raised.
        """
        fields = {
            "title": "Goldspan pull",
            "serialization_options": {"predictions": {"only_id": False}, "drafts": {"only_id": False}},
            "task_filter_options": {"only_with_annotations": annotated_only},
        }
        snapshot = self._ask("POST", f"api/projects/{project}/exports/", "make a snapshot", body=fields)
        number, deadline = int(snapshot["id"]), time.monotonic() + limit
        while snapshot["status"] not in ("completed", "failed") and time.monotonic() < deadline:
            time.sleep(0.5)
            snapshot = self._ask("GET", f"api/projects/{project}/exports/{number}", "look at the snapshot")
        if snapshot["status"] != "completed":
            self.delete_snapshot(project, number)
            state = "failed" if snapshot["status"] == "failed" else f"was not complete after {limit:.0f} s"
            raise TransientServiceError(f"A snapshot of project {project} at {self.url} {state}.")
        return number

    def download_snapshot(self, project: int, snapshot: int, target: IO[bytes]) -> None:
        """Copy a snapshot, one JSON list of tasks, into a file."""
        path = f"api/projects/{project}/exports/{snapshot}/download"
        self._download(path, "read the snapshot", target, {"exportType": "JSON"})

    def delete_snapshot(self, project: int, snapshot: int) -> None:
        """Delete a snapshot; Label Studio keeps them for ever otherwise."""
        self._ask_any("DELETE", f"api/projects/{project}/exports/{snapshot}", "delete the snapshot")

    # -- storages and webhooks -----------------------------------------------------------------------------------------

    def list_storages(self, kind: str, project: int) -> list[Json]:
        """The storages that the project reads tasks from; `kind` is `localfiles` or `s3`."""
        return list(self._ask_any("GET", f"api/storages/{kind}/", "list the storages", params={"project": project}))

    def create_storage(self, kind: str, project: int, title: str, place: Mapping[str, str]) -> Json:
        """Let the project read tasks from JSONL files in a folder of the server's disk, or in a bucket."""
        fields = {
            "project": project,
            "title": title,
            "use_blob_urls": False,
            "regex_filter": r".*\.jsonl",
            **place,
        }
        return self._ask("POST", f"api/storages/{kind}/", "create a storage", body=fields)

    def sync_storage(self, kind: str, storage: int) -> Json:
        """Import the files added since the last sync; `last_sync_count` is the number of tasks imported."""
        return self._ask("POST", f"api/storages/{kind}/{storage}/sync", "read the storage", body={})

    def create_webhook(self, project: int, url: str) -> Json:
        """Register a webhook for created, changed and deleted annotations."""
        fields = {
            "project": project,
            "url": url,
            "send_payload": False,
            "send_for_all_actions": False,
            "actions": ["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"],
        }
        return self._ask("POST", "api/webhooks/", "create a webhook", body=fields)

    def delete_webhook(self, webhook: int) -> None:
        """Delete a webhook."""
        self._ask_any("DELETE", f"api/webhooks/{webhook}/", "delete the webhook")

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _list_page(self, project: int, after: int, filters: Sequence[Json], include: str, page_size: int) -> Json:
        items = [*filters, make_filter("id", "greater", after)]
        query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
        return self._list(project, query, include, page_size)

    def _list(self, project: int, query: Json, include: str, page_size: int) -> Json:
        params = {
            "project": project,
            "fields": "all",
            "include": include,
            "page_size": page_size,
            "resolve_uri": "false",
            "query": orjson.dumps(query).decode(),
        }
        return self._ask("GET", "api/tasks/", f"list the tasks of project {project}", params=params)

    def _act(self, project: int, action: str, ids: Sequence[int]) -> None:
        for chunk in split_chunks(ids, 500):
            self._ask(
                "POST",
                "api/dm/actions/",
                f"{action.replace('_', ' ')} ({len(chunk)})",
                params={"id": action, "project": project},
                body={"selectedItems": {"all": False, "included": list(chunk)}},
            )


def make_filter(column: str, operator: str, value: object, kind: str = "Number") -> Json:
    """A condition on a column of the Data Manager; `kind` is Number, String, Datetime or Boolean."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}


def split_chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _by_id(item: Mapping[str, Any]) -> int:
    return int(item["id"])
