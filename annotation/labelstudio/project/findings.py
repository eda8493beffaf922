"""Single checks of `doctor` on a project's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.backend import CONNECTED, TITLE, find_leftovers, shows_live_model
from goldspan.annotation.labelstudio.project.config import compare_config, is_own_config
from goldspan.annotation.labelstudio.project.survey import ProjectSurvey
from goldspan.annotation.wording import format_count


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


def check_config(project: dict[str, Any], labels: LabelSchema) -> Finding:
    """Compare the labelling config with the label schema."""
    number, xml = project["id"], str(project["label_config"])
    try:
        drift = compare_config(labels, xml)
        is_own = is_own_config(xml)
    except ConfigurationError as error:
        return Finding("config_drift", Severity.ERROR, str(error), f"goldspan studio open --project {number}")
    if drift.removed or drift.changed:
        migrate = f"goldspan studio migrate --plan --project {number}"
        command = migrate if is_own else f"goldspan studio adopt {number}"
        return Finding("config_drift", Severity.ERROR, f"The labelling config is not the schema's ({drift})", command)
    if drift.added:
        message = f"The labelling config lacks what the schema has ({drift})"
        return Finding("config_drift", Severity.WARNING, message, f"goldspan studio push --project {number}")
    looks = f"; {len(drift.cosmetic)} colours or hotkeys differ" if drift.cosmetic else ""
    return Finding("config", Severity.OK, f"the labelling config is the label schema's{looks}")


def check_backends(
    client: StudioClient, project: Mapping[str, Any], found: ProjectSurvey, backends: Sequence[Mapping[str, Any]]
) -> Iterator[Finding]:
    """Whether the connected models answer, and whether annotators see what they predict."""
    shown = str(project.get("model_version") or "")
    for backend in backends:
        title, url = str(backend.get("title") or backend.get("url")), str(backend.get("url"))
        connect = f"goldspan studio connect {url} --project {project['id']}"
        if backend.get("state") != CONNECTED:
            reason = str(backend.get("error_message") or "it does not answer")[:200]
            message = f"the live model {title} at {url} is not connected: {reason}"
            yield Finding("backend", Severity.WARNING, message, connect if title == TITLE else "")
        elif title == TITLE and shown != TITLE:
            message = f"the live model {title} is connected, but annotators see {shown or 'any version'}"
            yield Finding("backend", Severity.WARNING, message, connect)
        else:
            version = str(backend.get("model_version") or "")
            seen = f", version {version} on {format_count(found.versions[version], 'task')}" if version else ""
            yield Finding("backend", Severity.OK, f"the live model {title} is connected{seen}")


def check_webhooks(
    client: StudioClient, project: Mapping[str, Any], backends: Sequence[Mapping[str, Any]], *, fix: bool
) -> Iterator[Finding]:
    """Webhooks that outlived a model: every submission waits for an address that nobody answers."""
    leftovers = find_leftovers(client, int(project["id"]), backends)
    if not leftovers:
        return
    shown = ", ".join(str(hook["url"]) for hook in leftovers)
    if fix:
        for hook in leftovers:
            client.delete_webhook(int(hook["id"]))
        yield Finding("webhooks", Severity.OK, f"fixed: webhooks of models that are gone are deleted ({shown})")
        return
    command = f"goldspan studio doctor --fix --project {project['id']}"
    yield Finding("webhooks", Severity.WARNING, f"webhooks of models that are not connected: {shown}", command)


def check_visibility(
    client: StudioClient,
    project: dict[str, Any],
    found: ProjectSurvey,
    backends: Sequence[dict[str, Any]],
    *,
    fix: bool,
) -> Finding:
    """Whether annotators see pre-annotations: those of one stored version, or of a live model named by its title."""
    shown = str(project.get("model_version") or "")
    if shows_live_model(project, backends):
        return Finding("predictions", Severity.OK, f"annotators see the live model {shown}")
    if not found.versions:
        return Finding("predictions", Severity.OK, "no pre-annotations to show")
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
        f"annotators see the version {shown or 'none'}; {format_count(hidden, 'task')} with others only"
        if switched_on
        else "the project does not show pre-annotations"
    )
    severity = Severity.WARNING if switched_on and found.versions[shown] else Severity.ERROR
    command = f"goldspan studio doctor --fix --project {project['id']}"
    return Finding("hidden_predictions", severity, f"{what}. There are: {listed}", command)
