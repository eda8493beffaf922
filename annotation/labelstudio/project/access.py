"""The server and the project that a call names, or that the workspace remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.credentials import resolve_credentials
from goldspan.annotation.labelstudio.project.adoption import find_adoption
from goldspan.annotation.labelstudio.server.ownership import require_own_server
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.api.client import StudioClient

DEFAULT_TITLE = "Goldspan"
"""Title of the project where none is named or remembered."""


def connect(
    workspace: Workspace, url: str | None = None, token: str | None = None, project: int | str | None = None
) -> tuple[StudioClient, int | str]:
    """A client, and the project: the one named by id or title, else the remembered one, else that of the project.

    Raises:
        ConfigurationError: there is no address or no token, or the address is not one that the user named.
        ServiceError: the workspace's own server does not run, or another program has its port.
    """
    from goldspan.annotation.labelstudio.api.client import StudioClient

    number = int(project) if project and str(project).isdigit() else None
    credentials = resolve_credentials(workspace, url, token, number)
    require_own_server(workspace, credentials)
    chosen = project if project and number is None else credentials.project_id or find_title(workspace)
    return StudioClient(credentials.url, credentials.token), chosen


def find_title(workspace: Workspace) -> str:
    """The title that the project whose workspace this is gives to its Label Studio project, else `DEFAULT_TITLE`."""
    project = find_workspace_project(workspace)
    return (project.studio_project or project.name) if project else DEFAULT_TITLE


def find_labels(workspace: Workspace, project: int | str) -> LabelSchema:
    """The label schema of an adopted project, else the one that `load_labels()` finds."""
    adoption = find_adoption(workspace, project)
    return load_labels(adoption.labels if adoption else None)
