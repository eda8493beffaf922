"""Find a Label Studio project, or create it from the label schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import (
    ConfigDrift,
    build_config,
    build_instructions,
    compare_config,
    is_current_screen,
    is_own_config,
)
from goldspan.annotation.labelstudio.project.insertion import insert_entries

MAX_TITLE = 50
"""Label Studio takes project titles of 3 to 50 characters."""


def find_project(client: StudioClient, project: int | str) -> dict[str, Any] | None:
    """The project with this id, or the oldest one with this title; None if no title matches.

    Raises:
        TerminalServiceError: there is no project with this id.
    """
    return client.read_project(project) if isinstance(project, int) else client.find_project(project)


def require_project(client: StudioClient, project: int | str) -> dict[str, Any]:
    """The project with this id or title.

    Raises:
        InputError: there is none with this title.
        TerminalServiceError: there is none with this id.
    """
    if (found := find_project(client, project)) is None:
        raise InputError(
            f"There is no project titled {project!r} at {client.url}. "
            "Push samples to create it, or name another with --project."
        )
    return found


def ensure_project(client: StudioClient, project: int | str, labels: LabelSchema) -> dict[str, Any]:
    """The project, created from the label schema when no project has this title.

    What the schema has and the project lacks is added. A config that Goldspan built, today or in an earlier version, is
    built anew if anything is missing; into any other, labels are inserted, and every other byte of it stays.

    Raises:
        ConfigurationError: the project's config differs in a way that could change or lose annotations, or has no
            place for the labels.
        InputError: the title cannot be a title in Label Studio.
    """
    found = find_project(client, project)
    if found is None:
        return _create_project(client, str(project), labels)
    config, missing = str(found["label_config"]), refuse_drift(found, labels).added
    if is_own_config(config):
        wanted = config if is_current_screen(labels, config) and not missing else build_config(labels)
    else:
        wanted = insert_entries(config, missing, labels) if missing else config
    return found if wanted == config else client.update_project(found["id"], {"label_config": wanted})


def refuse_drift(project: Mapping[str, Any], labels: LabelSchema) -> ConfigDrift:
    """The config's differences from the label schema, provided that it only lacks labels.

    Raises:
        ConfigurationError: the difference could change or lose annotations.
    """
    drift = compare_config(labels, project["label_config"])
    if drift.removed or drift.changed:
        raise ConfigurationError(
            f"The labelling config of project {project['id']} is not the label schema's ({drift}). "
            + (
                "See what would change with `goldspan studio migrate --plan`."
                if is_own_config(str(project["label_config"]))
                else f"Take the project over as it is with `goldspan studio adopt {project['id']}`."
            )
        )
    return drift


def make_file_stem(title: str) -> str:
    """A file name for a project's title: lower case, runs of anything but letters and digits become one hyphen."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or "project"


def _create_project(client: StudioClient, title: str, labels: LabelSchema) -> dict[str, Any]:
    if not 3 <= len(title) <= MAX_TITLE:
        raise InputError(f"A project's title needs 3 to {MAX_TITLE} characters; {title[:80]!r} has {len(title)}.")
    created = client.create_project(
        {
            "title": title,
            "label_config": build_config(labels),
            "description": f"Goldspan, label schema {labels.fingerprint}",
            "expert_instruction": build_instructions(labels),
            "show_instruction": True,
            "show_skip_button": True,
            "enable_empty_annotation": True,
            "show_collab_predictions": True,
            "maximum_annotations": 1,
            "sampling": "Sequential sampling",
            "show_overlap_first": True,
            "skip_queue": "REQUEUE_FOR_OTHERS",
        }
    )
    oldest = client.find_project(title)
    if oldest is None or oldest["id"] == created["id"]:
        return created
    client.delete_project(created["id"])
    return oldest
