"""Label Studio: the workspace's own server with its database and files, and the one that is configured."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import ConfigurationError, ServiceError, StateError
from goldspan.annotation.files import find_json
from goldspan.annotation.labelstudio.api.credentials import Credentials, load_account, resolve_credentials
from goldspan.annotation.labelstudio.server.folder import find_data, find_log, read_record
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, Store, iter_files
from goldspan.privacy.stores.records import count_records, drop_records, is_ours
from goldspan.privacy.subject import Subject

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.api.client import StudioClient

_FIELDS = "id,data,annotations,predictions,drafts,draft_exists"
_DELETE = "delete tasks"
_RECORDS = ("adopted", "backups", "storage")
_UPLOADS = ("media", "export")
_DATABASE = "label_studio.sqlite3"


class StudioStore(Store):
    """The folder `studio/` and the tasks of its server."""

    name, holds, entries = "Label Studio", "database, uploads, exports, storage, backups, log", ("studio",)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count tasks in the database (SQLite) or over the API (PostgreSQL), and files."""
        if database := _find_database(place):
            if tasks := list(_read_tasks(database, subject)):
                yield Hit(self.name, place.name(database), len(tasks), f"{_DELETE}, then VACUUM")
        elif account := load_account(place.workspace):
            if read_record(place.workspace) is None:
                advice = "cannot be searched: start it with `goldspan studio up`"
                yield Hit(self.name, account.url, 0, advice, remains=True)
            else:
                with _open_own(place) as client:
                    if count := sum(len(tasks) for tasks in _find_tasks(client, subject).values()):
                        yield Hit(self.name, client.url, count, _DELETE)
        for file in self._list_records(place):
            if count := count_records(file, subject):
                yield Hit(self.name, place.name(file), count, "remove records")
        for file in _list_uploads(place):
            if search_file(file, subject):
                yield Hit(self.name, place.name(file), 1, "delete")
        log = find_log(place.workspace)
        if log.is_file() and search_file(log, subject):
            yield Hit(self.name, place.name(log), 1, "empty")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete tasks over the API (the server is started for it if need be), rewrite the database, erase files.

        Raises:
            ServiceError: the server does not start or refuses.
        """
        account, database = load_account(place.workspace), _find_database(place)
        if account and (database is None or any(_read_tasks(database, subject))):
            with _open_own(place) as client:
                count, url = _delete_tasks(client, _find_tasks(client, subject)), client.url.rstrip("/")
            yield Hit(self.name, url, count, "deleted tasks")
        if database:
            _compact(database)
        for file in self._list_records(place):
            if is_ours(file) and (count := drop_records(file, subject)):
                yield Hit(self.name, place.name(file), count, "removed records")
        for file in _list_uploads(place):
            if search_file(file, subject):
                file.unlink()
                yield Hit(self.name, place.name(file), 1, "deleted")
        log = find_log(place.workspace)
        if log.is_file() and search_file(log, subject):
            log.write_bytes(b"")
            yield Hit(self.name, place.name(log), 1, "emptied")

    def _list_records(self, place: Place) -> Iterator[Path]:
        for name in _RECORDS:
            yield from iter_files(place.workspace.studio / name)


class ConfiguredStudioStore(Store):
    """A Label Studio elsewhere, which the environment, `.env` or a flag names: the projects that were pushed to."""

    name, holds, entries = "configured Label Studio", "tasks of the projects that were pushed to", ()

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count tasks; a server that does not answer is named."""
        credentials = _find_configured(place)
        if credentials is None:
            return
        try:
            found = _find_tasks(_connect(credentials), subject, _list_pushed(place, credentials))
        except ServiceError as error:
            yield Hit(self.name, credentials.url, 0, f"cannot be searched: {error}", remains=True)
            return
        if count := sum(map(len, found.values())):
            yield Hit(self.name, credentials.url, count, _DELETE)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete the tasks.

        Raises:
            ServiceError: the server refused or did not answer.
        """
        if credentials := _find_configured(place):
            client = _connect(credentials)
            if count := _delete_tasks(client, _find_tasks(client, subject, _list_pushed(place, credentials))):
                yield Hit(self.name, credentials.url, count, "deleted tasks")


def _connect(credentials: Credentials) -> StudioClient:
    from goldspan.annotation.labelstudio.api.client import StudioClient

    return StudioClient(credentials.url, credentials.token)


def _find_configured(place: Place) -> Credentials | None:
    try:
        credentials = resolve_credentials(place.workspace, place.url, place.token)
    except ConfigurationError:
        return None
    return None if credentials.is_own else credentials


def _list_pushed(place: Place, credentials: Credentials) -> list[int]:
    """Projects of the server that this workspace pushed to, and the one that is configured."""
    projects = {credentials.project_id} - {None}
    for file in sorted((place.root / "pushed").glob("*.json")):
        record = find_json(file)
        if str(record.get("url")).rstrip("/") == credentials.url.rstrip("/"):
            projects.add(record.get("project"))
    return sorted(project for project in projects if isinstance(project, int))


@contextmanager
def _open_own(place: Place) -> Iterator[StudioClient]:
    """A client of the workspace's own server, which is started for the block unless it runs."""
    from goldspan.annotation.labelstudio.server.ownership import require_own_server
    from goldspan.annotation.labelstudio.server.start import start_server, stop_server

    account = load_account(place.workspace)
    if account is None:
        raise StateError(f"{place.workspace.studio} has no server.")
    started = read_record(place.workspace) is None
    if started:
        start_server(place.workspace)
        account = load_account(place.workspace) or account
    try:
        credentials = Credentials(account.url, account.token, is_own=True)
        require_own_server(place.workspace, credentials)
        yield _connect(credentials)
    finally:
        if started:
            stop_server(place.workspace)


def _find_tasks(client: StudioClient, subject: Subject, projects: list[int] | None = None) -> dict[int, list[int]]:
    """Tasks that hold the subject, by project: in their data, annotations, predictions or drafts."""
    numbers = [int(project["id"]) for project in client.list_projects()] if projects is None else projects
    found: dict[int, list[int]] = {}
    for project in numbers:
        for task in client.iter_tasks(project, _FIELDS):
            if _holds_task({**client.fill_drafts(task)}, subject):
                found.setdefault(project, []).append(int(task["id"]))
    return found


def _holds_task(task: dict[str, Any], subject: Subject) -> bool:
    held = any(subject.holds(_plain(task.get(part))) for part in ("data", "annotations", "predictions", "drafts"))
    texts = [value for value in task["data"].values() if isinstance(value, str)]
    held = held or subject.holds({"data": task["data"]}) or any(map(subject.holds_text, texts))
    if held:
        subject.collect({"data": task["data"]})
    return held


def _plain(value: Any) -> Any:
    """JSON as it is; Label Studio's lists may hold numbers as keys."""
    return json.loads(json.dumps(value))


def _delete_tasks(client: StudioClient, found: dict[int, list[int]]) -> int:
    for project, tasks in found.items():
        client.delete_tasks(project, tasks)
    return sum(map(len, found.values()))


def _find_database(place: Place) -> Path | None:
    """The SQLite database of the own server; None if there is none, or it is PostgreSQL."""
    account = load_account(place.workspace)
    path = find_data(place.workspace) / _DATABASE
    return path if path.is_file() and not (account and account.database_url) else None


def _read_tasks(database: Path, subject: Subject) -> Iterator[int]:
    """Ids of the tasks in the database that hold the subject.

    Raises:
        StateError: the database cannot be read.
    """
    found: set[int] = set()
    try:
        with closing(_open_database(database)) as tables:
            for number, data in tables.execute("SELECT id, data FROM task"):
                if _holds_task({"data": json.loads(data)}, subject):
                    found.add(number)
            for table, column in (
                ("task_completion", "task_id"),
                ("prediction", "task_id"),
                ("tasks_annotationdraft", "task_id"),
            ):
                for number, result in tables.execute(f"SELECT {column}, result FROM {table}"):  # noqa: S608
                    if number not in found and result and subject.holds_line(str(result).encode()):
                        found.add(number)
    except (sqlite3.Error, ValueError) as error:
        raise StateError(f"{database} cannot be read: {error}.") from None
    yield from sorted(number for number in found if number is not None)


def _open_database(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)


def _compact(database: Path) -> None:
    """Rewrite the database: deleted rows stay in its free pages otherwise.

    Raises:
        StateError: another program holds it for longer than half a minute.
    """
    try:
        with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as tables:
            tables.execute("VACUUM")
            [(is_busy, *_)] = tables.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if is_busy:
                raise StateError(f"{database} is in use, and deleted rows are still in its log. Run the command again.")
    except sqlite3.Error as error:
        raise StateError(f"{database} cannot be rewritten: {error}. Run the command again.") from None


def _list_uploads(place: Place) -> Iterator[Path]:
    for name in _UPLOADS:
        yield from iter_files(find_data(place.workspace) / name)
