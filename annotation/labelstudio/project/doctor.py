"""Diagnose the connection and the project, and name the command that fixes each problem.

Problems are findings, not exceptions: a server that is down, a refused token, a missing project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from goldspan.annotation.errors import ConfigurationError, GoldspanError, ServiceError, TerminalServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.credentials import Credentials, load_account, resolve_credentials
from goldspan.annotation.labelstudio.project.access import find_labels
from goldspan.annotation.labelstudio.project.adoption import find_adoption
from goldspan.annotation.labelstudio.project.find import find_project
from goldspan.annotation.labelstudio.project.findings import (
    Finding,
    Severity,
    check_backends,
    check_config,
    check_visibility,
    check_webhooks,
)
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.survey import UNUSABLE, AffectedTasks, ProjectSurvey, survey_project
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.labelstudio.server.database import describe_database
from goldspan.annotation.labelstudio.server.ownership import require_own_server
from goldspan.annotation.labelstudio.server.start import server_status
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.wording import format_count

KNOWN_RELEASE = "1.23"
ADVISED_TASKS = 100_000
"""Tasks in one project up to which Label Studio advises to import them directly."""

ADVISED_TASKS_SQLITE = 20_000
"""Tasks from which several annotators at once are better served by PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The results of all checks, in order; checks that could not run are left out."""

    findings: tuple[Finding, ...]
    url: str = ""
    project: int | None = None

    @property
    def has_errors(self) -> bool:
        """True if any finding is an error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def diagnose(
    workspace: Workspace,
    labels: LabelSchema | None = None,
    *,
    url: str | None = None,
    token: str | None = None,
    project: int | str | None = None,
    fallback: str = "",
    quick: bool = False,
    fix: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Check the server, the token, the project and its tasks.

    `labels` is the label schema; None: that of an adopted project, else the one that `load_labels()` finds.
    `project` is an id or a title; without it the one named by the credentials, else the one
    titled `fallback`, if there is one. `quick` does not read regions.
    `fix` sets the project to show the commonest pre-annotations when it hides them, and deletes webhooks of models
    that are not connected; nothing else is changed.
    """
    number = project if isinstance(project, int) else None
    try:
        credentials = resolve_credentials(workspace, url, token, number)
    except GoldspanError as error:
        return Diagnosis((Finding("no_server", Severity.ERROR, str(error), "goldspan studio up"),))
    findings: list[Finding] = []
    client = _check_access(findings, workspace, credentials)
    if client is None:
        return Diagnosis(tuple(findings), credentials.url)
    chosen = project if project is not None else credentials.project_id
    found = _choose_project(findings, client, chosen, fallback)
    if found is not None:
        try:
            findings += _check_project(
                client, found, labels, workspace, credentials, quick=quick, fix=fix, advance=advance
            )
        except ServiceError as error:
            findings.append(Finding("stopped_answering", Severity.ERROR, str(error), "goldspan studio doctor"))
    return Diagnosis(tuple(findings), credentials.url, found["id"] if found else None)


def _check_access(findings: list[Finding], workspace: Workspace, credentials: Credentials) -> StudioClient | None:
    """Connect and sign in; None, with a finding, if that failed."""
    try:
        require_own_server(workspace, credentials)
        client = StudioClient(credentials.url, credentials.token)
        user, version = client.read_user(), client.read_version()
    except ConfigurationError as error:
        findings.append(Finding("token_refused", Severity.ERROR, str(error), "goldspan studio doctor --token TOKEN"))
        return None
    except ServiceError as error:
        account = load_account(workspace)
        own = account is not None and account.url == credentials.url
        advice = "goldspan studio up" if own else "goldspan studio doctor --url ADDRESS"
        findings.append(Finding("not_reachable", Severity.ERROR, str(error), advice))
        return None
    release, edition = str(version.get("release", "unknown")), str(version.get("edition", "unknown"))
    known = release.startswith(KNOWN_RELEASE)
    note = "" if known else f"; Goldspan is tested with {KNOWN_RELEASE}"
    severity = Severity.OK if known else Severity.WARNING
    findings.append(Finding("version", severity, f"Label Studio {release}, edition {edition}{note}"))
    kind = "personal access token" if credentials.has_personal_token else "legacy token"
    message = f"{kind} of {user.get('email', 'an unknown user')}, from {credentials.source}"
    findings.append(Finding("token", Severity.OK, message))
    return client


def _choose_project(
    findings: list[Finding], client: StudioClient, chosen: int | str | None, fallback: str
) -> dict[str, Any] | None:
    try:
        found = find_project(client, fallback if chosen is None else chosen)
    except TerminalServiceError:
        found = None
    except ServiceError as error:
        findings.append(Finding("stopped_answering", Severity.ERROR, str(error), "goldspan studio doctor"))
        return None
    if found is None and chosen is None:
        message = "No project is chosen, so none was checked."
        findings.append(Finding("no_project", Severity.WARNING, message, "goldspan studio push"))
    elif found is None:
        message = f"There is no project {chosen!r} that this user may see at {client.url}"
        findings.append(Finding("project_missing", Severity.ERROR, message, "goldspan studio push --project TITLE"))
    return found


def _check_project(
    client: StudioClient,
    project: dict[str, Any],
    given: LabelSchema | None,
    workspace: Workspace,
    credentials: Credentials,
    *,
    quick: bool,
    fix: bool,
    advance: Callable[[int, int], None] | None,
) -> Iterator[Finding]:
    number = project["id"]
    adoption = find_adoption(workspace, number)
    labels = given or find_labels(workspace, number)
    try:
        if adoption:
            mapping = adoption.map_project(project, labels)
            yield Finding("config", Severity.OK, f"adopted as {adoption.name}; every label has a meaning")
        else:
            yield check_config(project, labels)
            mapping = map_tags(parse_tags(project["label_config"]), labels)
    except GoldspanError as error:
        yield Finding("config_drift", Severity.ERROR, str(error), f"goldspan studio adopt {number}")
        return
    found = survey_project(client, number, mapping, labels, quick=quick, advance=advance)
    yield _check_size(found)
    yield from _check_database(workspace, credentials, found)
    backends = client.backends.list_all(number)
    yield from check_backends(client, project, found, backends)
    yield from check_webhooks(client, project, backends, fix=fix)
    visibility = check_visibility(client, project, found, backends, fix=fix)
    is_lenient = adoption is not None and visibility.severity is Severity.ERROR
    yield replace(visibility, severity=Severity.WARNING) if is_lenient else visibility
    yield from _check_tasks(found, number, is_foreign=not (adoption or mapping.is_native))
    for code, affected in sorted(found.broken.items()):
        yield from _report(code, affected, f"with a region that cannot be used: {UNUSABLE[code]}", _open_page(number))
    if found.readable and not found.broken:
        yield Finding("regions", Severity.OK, "every region and relation can be used")


def _check_tasks(found: ProjectSurvey, project: int, *, is_foreign: bool) -> Iterator[Finding]:
    adopt = f"goldspan studio adopt {project}"
    yield from _report(
        "duplicate_samples",
        found.duplicates,
        "with a sample that another task has",
        f"goldspan studio push --project {project}",
    )
    reused = "with the sample_id of another task and another text; push takes the first of them for the sample"
    yield from _report("reused_sample_id", found.reused_ids, reused, _open_page(project))
    yield from _report("no_text", found.without_text, "without text", adopt if is_foreign else _open_page(project))
    yield from _report("text_changed", found.changed_text, "with another text than was pushed", _open_page(project))
    if found.without_sample_id.count:
        count = format_count(found.without_sample_id.count, "task")
        yield Finding("no_sample_id", Severity.OK, f"{count} without sample_id; pull gives them one made of the text")


def _open_page(project: int) -> str:
    """Where a person has to look; nothing mends it by itself."""
    return f"goldspan studio open --project {project}"


def _check_size(found: ProjectSurvey) -> Finding:
    if found.tasks > ADVISED_TASKS:
        message = (
            f"{format_count(found.tasks, 'task')}; beyond {ADVISED_TASKS:,} a project gets slow. Use several projects."
        )
        return Finding("size", Severity.WARNING, message, "goldspan studio push --project NEW_TITLE")
    return Finding(
        "size", Severity.OK, f"{format_count(found.tasks, 'task')}, {found.predicted:,} with pre-annotations"
    )


def _check_database(workspace: Workspace, credentials: Credentials, found: ProjectSurvey) -> Iterator[Finding]:
    account = load_account(workspace)
    if account is None or account.url != credentials.url or not server_status(workspace).running:
        return
    kind = describe_database(account.database_url)
    if kind == "sqlite" and found.tasks > ADVISED_TASKS_SQLITE:
        message = f"{found.tasks:,} tasks on SQLite, where one writer blocks all others; use PostgreSQL for a team."
        command = "goldspan studio up --data NEW_FOLDER --database-url postgresql://user:password@host:port/name"
        yield Finding("database", Severity.WARNING, message, command)
    else:
        yield Finding("database", Severity.OK, f"database {kind}")


def _report(
    code: str, trouble: AffectedTasks, what: str, command: str, severity: Severity = Severity.ERROR
) -> Iterator[Finding]:
    if trouble.count:
        shown = ", ".join(map(str, trouble.tasks)) + (" …" if trouble.count > len(trouble.tasks) else "")
        yield Finding(code, severity, f"{format_count(trouble.count, 'task')} {what} (task {shown})", command)
