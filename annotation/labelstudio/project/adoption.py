"""Projects that a team set up by itself, taken over as they are.

    studio/adopted/<name>/
    ├── mapping.toml     the projects, their labels and what each means; edit it by hand
    ├── labels.toml      a label schema made from the projects' labels (unless one was given)
    └── project-<n>.jsonl, .state.json     what was pulled from each project

Several projects of one adoption make one data set: the same text in two of them is one sample with the annotations
of both. Nothing of a project is ever changed by an adoption.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldspan.annotation.configuration import parse_toml
from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.project.mapping import ProjectMapping, map_tags
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.wording import describe_error


@dataclass(frozen=True, slots=True)
class AdoptedProject:
    """A project of an adoption. `annotator` names whose work it is, where all share one account."""

    id: int
    title: str
    created_at: str
    annotator: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """How the projects of one data set are read.

    `codes` gives the label code of each of the team's labels; an empty one keeps regions of the label verbatim.
    `coreference` is the relation that links mentions. `hosts` are servers from which texts may be fetched, where tasks
    hold addresses instead of texts; the Label Studio itself always may.
    """

    name: str
    folder: Path
    labels: Path
    projects: tuple[AdoptedProject, ...]
    codes: Mapping[str, str] = field(default_factory=dict)
    coreference: str = ""
    language: str = ""
    country: str = ""
    hosts: tuple[str, ...] = ()

    def find(self, project: int | str) -> AdoptedProject | None:
        """The project with this number or title."""
        return next((item for item in self.projects if project in (item.id, item.title)), None)

    def map_project(self, project: Mapping[str, Any], labels: LabelSchema) -> ProjectMapping:
        """The mapping of one of the projects, by its present labelling config.

        Raises:
            StateError: the number belongs to another project than the one that was adopted.
            ConfigurationError: its config cannot be read, or has labels that the adoption does not know.
        """
        adopted = self.find(project["id"])
        if adopted is None or adopted.created_at != project["created_at"]:
            raise StateError(
                f"Project {project['id']} is not the one that was adopted as {self.name!r} (it was created "
                f"{project['created_at']}). Adopt it under another --name."
            )
        mapping = map_tags(
            parse_tags(project["label_config"]),
            labels,
            self.codes,
            text_name=adopted.text,
            coreference=self.coreference,
        )
        if mapping.unmapped:
            raise ConfigurationError(
                f"Project {project['id']} has labels without a meaning: {', '.join(mapping.unmapped)}. Run `goldspan "
                f"studio adopt {' '.join(str(item.id) for item in self.projects)} --name {self.name}` again, or add "
                f"them to {self.folder / 'mapping.toml'}."
            )
        return mapping


def find_adoptions_folder(workspace: Workspace) -> Path:
    """Where the adoptions of a workspace are."""
    return workspace.studio / "adopted"


def list_adoptions(workspace: Workspace) -> list[Adoption]:
    """Every adoption of the workspace, by name."""
    return [load_adoption(path.parent) for path in sorted(find_adoptions_folder(workspace).glob("*/mapping.toml"))]


def find_adoption(workspace: Workspace, project: int | str) -> Adoption | None:
    """The adoption that holds a project, by the project's number or title or by the adoption's own name."""
    return next((item for item in list_adoptions(workspace) if item.name == project or item.find(project)), None)


def load_adoption(folder: Path) -> Adoption:
    """Read an adoption.

    Raises:
        ConfigurationError: its mapping is not readable.
    """
    path = folder / "mapping.toml"
    try:
        document = parse_toml(path.read_text(encoding="utf-8"))
        return Adoption(
            name=folder.name,
            folder=folder,
            labels=folder / document["labels_file"],
            projects=tuple(AdoptedProject(**item) for item in document["projects"]),
            codes={str(label): str(code) for label, code in document["labels"].items()},
            coreference=str(document.get("coreference", "")),
            language=str(document.get("language", "")),
            country=str(document.get("country", "")),
            hosts=tuple(map(str, document.get("hosts", ()))),
        )
    except (OSError, UnicodeDecodeError, KeyError, TypeError, AttributeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"{path} is not readable as an adoption ({describe_error(error)}). Correct it, or delete it and adopt "
            "the projects again."
        ) from None


def save_adoption(adoption: Adoption) -> None:
    """Write the mapping of an adoption."""
    labels = adoption.labels.absolute()
    folder = adoption.folder.absolute()
    head = {
        "labels_file": labels.name if labels.parent == folder else str(labels),
        "coreference": adoption.coreference,
        "language": adoption.language,
        "country": adoption.country,
    }
    lines = ["# Made by `goldspan studio adopt`: what a team's labels mean. Edit it, then pull with --full."]
    lines += [f"{name} = {quote_toml(value)}" for name, value in head.items()]
    lines += [f"hosts = [{', '.join(map(quote_toml, adoption.hosts))}]", "", "[labels]"]
    lines += [f"{quote_toml(label)} = {quote_toml(code)}" for label, code in adoption.codes.items()]
    for project in adoption.projects:
        lines += ["", "[[projects]]"]
        lines += [
            f"{name} = {value if isinstance(value, int) else quote_toml(value)}"
            for name, value in asdict(project).items()
        ]
    write_atomic(adoption.folder / "mapping.toml", ("\n".join(lines) + "\n").encode())


def quote_toml(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
