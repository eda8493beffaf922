"""Projects: a folder with `goldspan.toml`, found by walking up from the working directory.

The file names the label schema, the workspace, and what the annotations are for. Paths in it are relative to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import ConfigurationError

FILE = "goldspan.toml"
VARIABLE = "GOLDSPAN_PROJECT_DIR"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the annotations are for; prompts, instructions and reports take their words from it.

    `kind` is `pii` (personal data is found and masked) or `entities`. `subject` is what annotators mark, in the plural.
    `phrases` is the folder of the project's own phrases for the offline author.
    """

    kind: str = "pii"
    subject: str = "personal data"
    instructions: str = ""
    document_types: tuple[str, ...] = ()
    phrases: Path | None = None

    @property
    def is_pii(self) -> bool:
        """True where the labels mark personal data."""
        return self.kind == "pii"


ENTITIES = Purpose("entities", "named entities")
"""The purpose of a label schema without a project in which no label identifies a person."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its folder, and what `goldspan.toml` says. Ports are 0 and texts empty where nothing is said."""

    folder: Path
    name: str
    labels: Path
    data: Path
    purpose: Purpose = Purpose()
    languages: tuple[str, ...] = ("en",)
    studio_project: str = ""
    studio_url: str = ""
    studio_port: int = 0
    dashboard_port: int = 0
    provider: str = ""
    model: str = ""
    seeds: Path | None = None
    examples: Path | None = None
    predictor: str = ""
    raw_answers_days: int | None = None
    parents: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def file(self) -> Path:
        """The project file."""
        return self.folder / FILE


def find_project(start: str | Path | None = None) -> Project | None:
    """The project that contains `start` (None: `GOLDSPAN_PROJECT_DIR`, else the working directory).

    The nearest `goldspan.toml` counts; `Project.parents` names the folders of projects around it. None: there is none.

    Raises:
        ConfigurationError: the file is broken, or the folder that was named holds none.
    """
    named = os.environ.get(VARIABLE, "") if start is None else ""
    try:
        folder = Path(start or named or Path.cwd()).resolve()
    except FileNotFoundError:
        return None
    found = [place for place in (folder, *folder.parents) if (place / FILE).is_file()]
    if named and (not found or found[0] != folder):
        raise ConfigurationError(
            f"{named} is not the folder of a project: it holds no {FILE}. `goldspan init {named}` makes one."
        )
    if not found:
        return None
    file = found[0] / FILE
    return _read_project(file, file.stat().st_mtime_ns, tuple(found[1:]))


def require_project(start: str | Path | None = None) -> Project:
    """`find_project`, for what needs a project.

    Raises:
        ConfigurationError: there is none, or its file is broken.
    """
    project = find_project(start)
    if project is None:
        raise ConfigurationError(
            f"There is no {FILE} in {Path(start or Path.cwd()).resolve()} or above. "
            "`goldspan init` makes this folder a project; --project-dir names another."
        )
    return project


@cache
def _read_project(file: Path, changed: int, parents: tuple[Path, ...]) -> Project:
    document = read_configuration(file, "project", ConfigurationError)
    return build_project(file.parent, document, parents)


def build_project(folder: Path, document: Mapping[str, Any], parents: tuple[Path, ...] = ()) -> Project:
    """A project from its parsed file."""
    studio, generate = document.get("label_studio", {}), document.get("generate", {})
    kind = document.get("purpose", "pii")
    purpose = Purpose(
        kind,
        document.get("subject", Purpose().subject if kind == "pii" else ENTITIES.subject),
        document.get("instructions", "").strip(),
        tuple(document.get("document_types", ())),
        folder / generate["phrases"] if "phrases" in generate else None,
    )
    return Project(
        folder=folder,
        name=document["name"],
        labels=folder / document.get("labels", "labels.toml"),
        data=folder / document.get("data", "data"),
        purpose=purpose,
        languages=tuple(document.get("languages", ("en",))),
        studio_project=studio.get("project", ""),
        studio_url=studio.get("url", ""),
        studio_port=studio.get("port", 0),
        dashboard_port=document.get("dashboard", {}).get("port", 0),
        provider=generate.get("provider", ""),
        model=generate.get("model", ""),
        seeds=folder / generate["seeds"] if "seeds" in generate else None,
        examples=folder / generate["examples"] if "examples" in generate else None,
        predictor=document.get("predictor", ""),
        raw_answers_days=document.get("privacy", {}).get("raw_answers_days"),
        parents=parents,
    )
