"""The workspace folder: `./data` by default."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import exists, suggest_path
from goldspan.annotation.identity import digest
from goldspan.annotation.project import Project, find_project

_VARIABLE = "GOLDSPAN_DATA"
_LONGEST_NAME = 120
_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{device}{n}" for device in ("COM", "LPT") for n in range(1, 10))}
"""Names that Windows gives to devices."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of one workspace."""

    root: Path

    @property
    def annotation_samples(self) -> Path:
        """Generated and imported samples, one JSONL file per run: the input of annotation."""
        return self.root / "annotation_samples"

    @property
    def training_samples(self) -> Path:
        """Reviewed samples, one JSONL file per project: the input of training."""
        return self.root / "training_samples"

    @property
    def runs(self) -> Path:
        """One folder per generation run: journal, raw answers, dead letters."""
        return self.root / "runs"

    @property
    def studio(self) -> Path:
        """Label Studio's own data, credentials and log."""
        return self.root / "studio"

    @property
    def results(self) -> Path:
        """Evaluation results."""
        return self.root / "results"

    @property
    def bundles(self) -> Path:
        """Frozen versions handed to training."""
        return self.root / "bundles"


def find_workspace(path: str | Path | None = None) -> Workspace:
    """The workspace at `path`, else at `GOLDSPAN_DATA`, else the project's, else `./data`; created on first write.

    Raises:
        InputError: the path is a file, or no path.
    """
    root = Path(path or os.environ.get(_VARIABLE) or _find_project_data())
    try:
        is_file = root.exists() and not root.is_dir()
    except OSError:
        raise InputError(f"{str(root)[:80]!r} cannot be the folder of a workspace. Give a path.") from None
    if is_file:
        raise InputError(f"{root} is a file; --data takes the folder of the workspace.")
    return Workspace(root)


def open_workspace(path: str | Path | None = None) -> Workspace:
    """`find_workspace` for what needs a workspace that is there.

    Raises:
        InputError: as `find_workspace` and `check_workspace`.
    """
    check_workspace(path, "data")
    return find_workspace(path)


def check_workspace(path: str | Path | None, option: str) -> None:
    """Refuse a workspace that is not there, unless a project names it: a misspelled name would show an empty one.

    Without a path the variable counts, which also holds for what needs no workspace: it is refused where another name
    is near.

    Raises:
        InputError: there is no such folder.
    """
    named = Path(path or os.environ.get(_VARIABLE) or ".")
    if not exists(named) and not find_workspace_project(Workspace(named)):
        near = suggest_path(named)
        if path or near:
            taker = option if path else _VARIABLE
            raise InputError(f"There is no folder {named}; {taker} takes that of a workspace.{near}")


def find_workspace_project(workspace: Workspace) -> Project | None:
    """The project whose workspace this is.

    Raises:
        ConfigurationError: its file is broken.
    """
    for project in (find_project(), find_project(workspace.root.absolute().parent)):
        if project and project.data.resolve() == workspace.root.resolve():
            return project
    return None


def _find_project_data() -> Path:
    """The project's workspace, written relative to the working directory where it lies in it; `data` without one."""
    project = find_project()
    if project is None:
        return Path("data")
    here = Path.cwd()
    return project.data.relative_to(here) if project.data.is_relative_to(here) else project.data


def check_file_name(name: str) -> str:
    """The name, if it can safely be one file's name inside a folder.

    Raises:
        InputError: it is empty, hidden, too long, a device of Windows, or would leave the folder.
    """
    if (
        not name
        or name != Path(name).name
        or name.startswith(".")
        or len(name) > _LONGEST_NAME
        or not name.isprintable()
        or name.split(".")[0].upper() in _RESERVED
    ):
        raise InputError(f"{name[:120]!r} cannot be a file name; use letters, digits, '-', '_' and '.'.")
    return name


def make_file_name(sample_id: str, suffix: str = ".json") -> str:
    """The file name of a sample: its id with everything but letters, digits and `-_.` percent-encoded (RFC 3986).

    Different ids give different names, except where a name would be longer than 120 characters: it is cut and ends in
    a hash of the id.
    """
    name = quote(sample_id, safe=" ")
    if name.startswith((".", " ")) or name.split(".")[0].upper() in _RESERVED:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) + len(suffix) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 40]}-{digest(sample_id, 32)}"
    return f"{name}{suffix}"
