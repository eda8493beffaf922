"""Adopt projects: read their labelling configs, write a label schema and a mapping."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labels.schema import MENTION_KINDS, LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.adoption import (
    AdoptedProject,
    Adoption,
    find_adoptions_folder,
    load_adoption,
    quote_toml,
    save_adoption,
)
from goldspan.annotation.labelstudio.project.find import make_file_stem, require_project
from goldspan.annotation.labelstudio.project.mapping import KEPT_VERBATIM, ProjectMapping, map_tags
from goldspan.annotation.labelstudio.project.tags import ConfigTags, parse_tags, walk_xml
from goldspan.annotation.tasks.workspace import Workspace, check_file_name

COREFERENCE_NAMES = frozenset({"refers-to", "refers_to", "coref", "coreference", "same-as"})
"""Names of relations that are taken for coreference without being told."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_MAX_CODE, _MAX_NAME = 40, 60


@dataclass(frozen=True, slots=True)
class AdoptOptions:
    """How to adopt projects; what is left out keeps the value of an earlier adoption of this name.

    `labels` is a label schema to map onto; without it one is made from the projects' labels. `codes` maps the team's
    labels to codes, `annotators` a project's number to a person, `text` names the object tag where several hold text.
    """

    name: str = ""
    labels: Path | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    annotators: Mapping[int, str] = field(default_factory=dict)
    coreference: str | None = None
    language: str | None = None
    country: str | None = None
    text: str = ""
    hosts: tuple[str, ...] = ()


def adopt_projects(
    client: StudioClient, workspace: Workspace, projects: Sequence[int | str], options: AdoptOptions
) -> Adoption:
    """Read the labelling configs of projects and write their mapping; run it again after the team changed its labels.

    Raises:
        InputError, TerminalServiceError: there is no such project.
        ConfigurationError: a project shows no text or marks no spans of it, or a label has no place in the given label
            schema.
        StateError: the name belongs to an adoption of other projects.
    """
    found = [require_project(client, project) for project in projects]
    name = check_file_name(options.name or make_file_stem(found[0]["title"]))
    folder = find_adoptions_folder(workspace) / name
    before = load_adoption(folder) if (folder / "mapping.toml").exists() else None
    if before and {item.id for item in before.projects} - {project["id"] for project in found}:
        numbers = ", ".join(str(item.id) for item in before.projects)
        raise StateError(f"{folder} is an adoption of the projects {numbers}. Name them all, or choose another --name.")
    tags = [parse_tags(project["label_config"]) for project in found]
    mappings = [map_tags(item, LabelSchema(()), text_name=options.text) for item in tags]
    for project, mapping in zip(found, mappings, strict=True):
        if not mapping.controls:
            raise ConfigurationError(
                f"Project {project['id']} marks no spans of its text {mapping.text.name!r}: no <Labels> of its "
                f'labelling config has toName="{mapping.text.name}".'
            )
    known = {**(before.codes if before else {}), **options.codes}
    team_labels = list(
        dict.fromkeys(
            label
            for project, mapping in zip(found, mappings, strict=True)
            for label in (*mapping.codes, *_list_task_labels(client, project["id"], mapping))
        )
    )
    own = options.labels is None and (before is None or before.labels.parent == folder)
    labels_file = options.labels or (before.labels if before else folder / "labels.toml")
    coreference = options.coreference if options.coreference is not None else before.coreference if before else None
    if coreference is None:
        coreference = _guess_coreference(tags)
    if own:
        codes = _make_codes(team_labels, known)
        _write_labels(labels_file, codes, [project["label_config"] for project in found], mentions=bool(coreference))
    else:
        codes = _match_codes(team_labels, known, load_labels(labels_file))
    adoption = Adoption(
        name=name,
        folder=folder,
        labels=labels_file,
        projects=tuple(
            AdoptedProject(
                project["id"],
                project["title"],
                project["created_at"],
                options.annotators.get(project["id"], _former(before, project["id"], "annotator")),
                options.text or _former(before, project["id"], "text"),
            )
            for project in found
        ),
        codes=codes,
        coreference=coreference,
        language=_take(options.language, before.language if before else ""),
        country=_take(options.country, before.country if before else ""),
        hosts=options.hosts or (before.hosts if before else ()),
    )
    schema = load_labels(labels_file)
    for project in found:
        adoption.map_project(project, schema)
    save_adoption(adoption)
    return adoption


def _list_task_labels(client: StudioClient, project: int, mapping: ProjectMapping) -> list[str]:
    """The labels that a project's tasks bring with them, for controls such as `<Labels value="$labels">`."""
    sources = {control.source for control in mapping.controls.values() if control.source}
    if not sources:
        return []
    listed = (task["data"].get(source) for task in client.iter_tasks(project, "id,data") for source in sources)
    entries = (entry for given in listed if isinstance(given, list) for entry in given)
    names = (entry.get("alias") or entry.get("value") if isinstance(entry, Mapping) else entry for entry in entries)
    return list(dict.fromkeys(str(name) for name in names if name))


def make_code(label: str) -> str:
    """A label code from a team's name for a label: `Person name` becomes `PERSON_NAME`; empty if nothing is left."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    code = re.sub(r"[^A-Z0-9]+", "_", plain.upper()).strip("_")
    return (f"L_{code}" if code[:1].isdigit() else code)[: _MAX_CODE - 3]


def _make_codes(labels: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    codes: dict[str, str] = {}
    for number, label in enumerate(labels, start=1):
        code = known.get(label)
        if code is None:
            stem = code = make_code(label) or f"LABEL_{number}"
            taken, suffix = {*codes.values(), *known.values()}, 2
            while code in taken:
                code, suffix = f"{stem}_{suffix}", suffix + 1
        codes[label] = code
    return codes


def _match_codes(labels: Iterable[str], known: Mapping[str, str], schema: LabelSchema) -> dict[str, str]:
    names = {label.name.casefold(): label.code for label in schema.labels}
    codes = {
        label: known.get(label, label if label in schema else names.get(label.casefold(), make_code(label)))
        for label in labels
    }
    if missing := [label for label, code in codes.items() if code != KEPT_VERBATIM and code not in schema]:
        example = missing[0]
        raise ConfigurationError(
            f"These labels of the project have no place in the label schema: {', '.join(missing)}. Say what each "
            f'means: --labels-map "{example}=CODE", or --labels-map "{example}=" to keep its regions verbatim.'
        )
    return codes


def _guess_coreference(tags: Iterable[ConfigTags]) -> str:
    names = [name for item in tags for name in item.relations if name.casefold() in COREFERENCE_NAMES]
    return names[0] if names else ""


def _former(before: Adoption | None, project: int, name: str) -> str:
    adopted = before.find(project) if before else None
    return str(getattr(adopted, name)) if adopted else ""


def _take(given: str | None, before: str) -> str:
    return before if given is None else given


def _write_labels(path: Path, codes: Mapping[str, str], configs: Iterable[str], *, mentions: bool) -> None:
    """Write the label schema, or append to it the labels that it lacks; what was edited in it stays."""
    present = load_labels(path) if path.exists() else LabelSchema(())
    looks: dict[str, dict[str, str]] = {}
    for config in configs:
        walk_xml(config, lambda tag, attributes: _collect_looks(looks, tag, attributes))
    entities: dict[str, str] = {}
    for label, code in codes.items():
        if code != KEPT_VERBATIM:
            entities.setdefault(code, label)
    names = {code for code in entities if code in MENTION_KINDS and mentions}
    blocks = [] if path.exists() else ["# Made by `goldspan studio adopt`. docs/guide/labels.md explains the fields.\n"]
    for code, label in entities.items():
        if code not in present and code not in names:
            found = looks.get(label, {})
            lines = [f"[labels.{code}]", f"name = {quote_toml(' '.join(label.split())[:_MAX_NAME])}"]
            lines += [f'color = "{found["background"]}"'] if _COLOR.match(found.get("background", "")) else []
            lines += [f"hints = [{quote_toml(found['hint'])}]"] if found.get("hint") else []
            blocks.append("\n".join(lines) + "\n")
    if mentions and not present.mentions:
        blocks += [f'[mentions.{kind}]\nname = "{kind.capitalize()}"\n' for kind in MENTION_KINDS]
    if blocks:
        text = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if path.exists() else ""
        write_atomic(path, (text + "\n".join(blocks)).encode())


def _collect_looks(looks: dict[str, dict[str, str]], tag: str, attributes: dict[str, str]) -> None:
    if tag == "Label":
        looks.setdefault(attributes.get("alias") or attributes.get("value", ""), attributes)
