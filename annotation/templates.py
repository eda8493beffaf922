"""Start a project: `goldspan.toml`, a label schema, its terms and its phrases, from a template."""

from __future__ import annotations

import json
import shutil
import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.errors import InputError, StateError, UnknownNameError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.annotation.project import FILE, Project, find_project

_PHRASES = "phrases"
_FIRST_STUDIO_PORT, _FIRST_DASHBOARD_PORT, _PORTS = 8200, 9200, 700
"""Where the ports of projects begin, and how many there are of each kind."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its name, what it is for, and the project settings that it brings."""

    name: str
    description: str
    settings: dict[str, Any]
    folder: Path

    @property
    def labels(self) -> Path:
        """The label schema to copy."""
        own = self.folder / "labels.toml"
        return own if own.exists() else schemas.path("labels.toml")

    @property
    def has_phrases(self) -> bool:
        """True if it brings phrases for the offline author."""
        return (self.folder / _PHRASES).is_dir()

    def list_files(self) -> tuple[Path, ...]:
        """The files that the label schema and the offline author read beside it."""
        return (*sorted((self.folder / "terms").glob("*.txt")), *sorted((self.folder / _PHRASES).glob("*.toml")))


def list_templates() -> tuple[Template, ...]:
    """The templates that come with Goldspan, by name."""
    folder = schemas.path("templates")
    found = []
    for file in sorted(folder.glob("*/template.toml")):
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
        found.append(Template(file.parent.name, settings.pop("description"), settings, file.parent))
    return tuple(found)


def find_template(name: str) -> Template:
    """The template of that name.

    Raises:
        UnknownNameError: there is none.
    """
    known = {template.name: template for template in list_templates()}
    if name not in known:
        raise UnknownNameError("template", name, known)
    return known[name]


def create_project(
    folder: Path, template: Template, *, name: str = "", languages: tuple[str, ...] = (), nested: bool = False
) -> Project:
    """Write `goldspan.toml` and a template's labels, terms and phrases into a folder, which may hold other files.

    `goldspan.toml` is written last: a folder without it is no project. Files that are there already are left alone.

    Raises:
        StateError: the folder is a project already, or lies in one and `nested` is False, or it cannot be written to.
        InputError: the folder is a file, or the name is empty.
    """
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder.")
    outer = find_project(folder) if folder.exists() else find_project(_find_existing(folder))
    if outer and outer.folder == folder:
        raise StateError(f"{folder} is a project already ({outer.name}). Edit {outer.file}.")
    if outer and not nested:
        raise StateError(
            f"{folder} lies in the project {outer.name} ({outer.folder}). Choose another folder, or make a project "
            "in a project with --nested; the nearer one counts."
        )
    document = _describe(folder, template, name or folder.name, languages)
    with explain_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for source in (template.labels, *template.list_files()):
            target = folder / ("labels.toml" if source == template.labels else source.relative_to(template.folder))
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source, target)
    write_atomic(folder / FILE, document.encode())
    project = find_project(folder)
    if project is None:
        raise StateError(f"{folder / FILE} was written and is gone.")
    return project


def _find_existing(folder: Path) -> Path:
    return next(parent for parent in folder.parents if parent.is_dir())


def choose_ports(folder: Path) -> tuple[int, int]:
    """Ports for Label Studio and the dashboard: the same for one folder, different for most two."""
    place = zlib.crc32(str(folder).encode()) % _PORTS
    return _FIRST_STUDIO_PORT + place, _FIRST_DASHBOARD_PORT + place


def _describe(folder: Path, template: Template, name: str, languages: tuple[str, ...]) -> str:
    """The project file."""
    settings = {**template.settings} | ({"languages": list(languages)} if languages else {})
    studio_port, dashboard_port = choose_ports(folder)

    def write(key: str, value: Any) -> str:
        return f"{key} = {json.dumps(value, ensure_ascii=False)}"

    lines = [
        "# A Goldspan project: commands and pages find it by walking up from the working directory.",
        "# Paths are relative to this file. `goldspan project` shows what is in force.",
        "",
        write("name", name),
        f"{write('purpose', settings['purpose'])}  # pii: personal data is found and masked; entities: anything else",
        f"{write('subject', settings['subject'])}  # what annotators mark; prompts and instructions say it",
        write("labels", "labels.toml"),
        write("data", "data"),
        write("languages", settings["languages"]),
        write("document_types", settings["document_types"]),
        write("predictor", settings["predictor"]),
    ]
    if instructions := settings.get("instructions"):
        lines.append(write("instructions", instructions))
    lines += [
        "",
        "[label_studio]",
        write("project", name),
        f"{write('port', studio_port)}  # of this project's own server",
        "",
        "[dashboard]",
        write("port", dashboard_port),
        "",
        "[generate]",
        f"{write('provider', 'offline')}  # or openai, doubleword, compatible",
        *([f"{write('phrases', _PHRASES)}  # how the offline author writes about this subject"] * template.has_phrases),
        "",
    ]
    return "\n".join(lines)
