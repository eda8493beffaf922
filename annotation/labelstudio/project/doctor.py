"""Diagnose the connection and the project, and name the command that fixes each problem.

Problems are findings, not exceptions: a server that is down, a refused token, a missing project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldspan.annotation.checks import CODES
from goldspan.annotation.errors import ConfigurationError, GoldspanError, ServiceError, TerminalServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.credentials import Credentials, load_account, resolve_credentials
from goldspan.annotation.labelstudio.project.config import compare_config
from goldspan.annotation.labelstudio.project.find import find_project
from goldspan.annotation.labelstudio.project.survey import AffectedTasks, ProjectSurvey, survey_project
from goldspan.annotation.labelstudio.server.database import describe_database
from goldspan.annotation.labelstudio.server.ownership import require_own_server
from goldspan.annotation.labelstudio.server.start import server_status
from goldspan.annotation.tasks.workspace import Workspace

KNOWN_RELEASE = "1.23"
ADVISED_TASKS = 100_000
"""Tasks in one project up to which Label Studio advises to import them directly."""

ADVISED_TASKS_SQLITE = 20_000
"""Tasks from which several annotators at once are better served by PostgreSQL."""


class Severity(StrEnum):
    """An error loses or corrupts work, a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `command` fixes it; empty if there is nothing to fix."""

    code: str
    severity: Severity
    message: str
    command: str = ""


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
    labels: LabelSchema,
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

    `project` is an id or a title; without it the one named by the credentials, else the one
    titled `fallback`, if there is one. `quick` does not read regions.
    `fix` sets the project to show the commonest pre-annotations when it hides them; nothing else is changed.
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
    labels: LabelSchema,
    workspace: Workspace,
    credentials: Credentials,
    *,
    quick: bool,
    fix: bool,
    advance: Callable[[int, int], None] | None,
) -> Iterator[Finding]:
    yield _check_config(project, labels)
    found = survey_project(client, project["id"], labels, quick=quick, advance=advance)
    yield _check_size(found)
    yield from _check_database(workspace, credentials, found)
    yield _check_visibility(client, project, found, fix=fix)
    push, pull = f"goldspan studio push --project {project['id']}", f"goldspan studio pull --project {project['id']}"
    page = f"goldspan studio open --project {project['id']}"
    yield from _report("duplicate_samples", found.duplicates, "with a sample that is there already", push)
    yield from _report("no_text", found.without_text, "without text", page)
    yield from _report("text_changed", found.changed_text, "with another text than was pushed", f"{pull} --full")
    yield from _report("no_sample_id", found.without_sample_id, "without sample_id", pull, Severity.WARNING)
    for code, trouble in sorted(found.broken.items()):
        yield from _report(code, trouble, f"with a region that cannot be used: {CODES[code]}", f"{pull} --full")
    if not quick and not found.broken:
        yield Finding("regions", Severity.OK, "every region and relation can be used")


def _check_config(project: dict[str, Any], labels: LabelSchema) -> Finding:
    migrate = f"goldspan studio migrate --plan --project {project['id']}"
    try:
        drift = compare_config(labels, project["label_config"])
    except ConfigurationError as error:
        return Finding("config_drift", Severity.ERROR, str(error), migrate)
    if drift.removed or drift.changed:
        return Finding("config_drift", Severity.ERROR, f"The labelling config is not the schema's ({drift})", migrate)
    if drift.added:
        message = f"The labelling config lacks what the schema has ({drift})"
        return Finding("config_drift", Severity.WARNING, message, f"goldspan studio push --project {project['id']}")
    looks = f"; {len(drift.cosmetic)} colours or hotkeys differ" if drift.cosmetic else ""
    return Finding("config", Severity.OK, f"the labelling config is the label schema's{looks}")


def _check_size(found: ProjectSurvey) -> Finding:
    if found.tasks > ADVISED_TASKS:
        message = f"{_count(found.tasks)}; beyond {ADVISED_TASKS:,} a project gets slow. Use several projects."
        return Finding("size", Severity.WARNING, message, "goldspan studio push --project NEW_TITLE")
    return Finding("size", Severity.OK, f"{_count(found.tasks)}, {found.predicted:,} with pre-annotations")


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


def _check_visibility(client: StudioClient, project: dict[str, Any], found: ProjectSurvey, *, fix: bool) -> Finding:
    """Label Studio shows annotators the pre-annotations of one model version: the project's."""
    if not found.versions:
        return Finding("predictions", Severity.OK, "no pre-annotations to show")
    shown = str(project.get("model_version") or "")
    hidden = found.predicted - found.versions[shown]
    switched_on = project.get("show_collab_predictions", True)
    if switched_on and hidden <= 0:
        return Finding("predictions", Severity.OK, f"annotators see the pre-annotations of {shown}")
    commonest = max(found.versions, key=lambda version: (found.versions[version], version))
    if fix:
        client.update_project(project["id"], {"model_version": commonest, "show_collab_predictions": True})
        return Finding("predictions", Severity.OK, f"fixed: annotators now see the pre-annotations of {commonest}")
    listed = ", ".join(f"{version} ({count:,})" for version, count in found.versions.most_common(5))
    what = (
        f"annotators see the version {shown or 'none'}; {_count(hidden)} with others only"
        if switched_on
        else "the project does not show pre-annotations"
    )
    severity = Severity.WARNING if switched_on and found.versions[shown] else Severity.ERROR
    command = f"goldspan studio doctor --fix --project {project['id']}"
    return Finding("hidden_predictions", severity, f"{what}. There are: {listed}", command)


def _report(
    code: str, trouble: AffectedTasks, what: str, command: str, severity: Severity = Severity.ERROR
) -> Iterator[Finding]:
    if trouble.count:
        shown = ", ".join(map(str, trouble.tasks)) + (" …" if trouble.count > len(trouble.tasks) else "")
        yield Finding(code, severity, f"{_count(trouble.count)} {what} (task {shown})", command)


def _count(tasks: int) -> str:
    return f"{tasks:,} task{'' if tasks == 1 else 's'}"
