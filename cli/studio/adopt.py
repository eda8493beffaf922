"""`goldspan studio adopt`: take over projects that a team set up by itself."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.wording import describe_error
from goldspan.cli.shared.options import JsonOption, NewDataOption
from goldspan.cli.studio.connection import end_with_refused, show_progress

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.project.adoption import Adoption
    from goldspan.annotation.labelstudio.pull.report import PullReport


def adopt(
    projects: Annotated[list[str], typer.Argument(metavar="PROJECT", help="Numbers or titles")],
    name: Annotated[str, typer.Option(help="Name of the data set. Default: the first project's title")] = "",
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A label schema to map onto. Default: one made from the projects' labels"),
    ] = None,
    labels_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=CODE|FILE",
            help="What a label of the team means; nothing behind = keeps its regions verbatim. Repeatable",
        ),
    ] = None,
    annotator: Annotated[
        list[str] | None,
        typer.Option(metavar="PROJECT=NAME", help="Whose work a project is, under a shared account. Repeatable"),
    ] = None,
    coreference: Annotated[
        str | None, typer.Option(metavar="RELATION", help="The relation that links mentions. Default: by its name")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Language of tasks that do not say, such as en")] = None,
    country: Annotated[str | None, typer.Option(help="Country of tasks that do not say, such as GB")] = None,
    text: Annotated[str, typer.Option(metavar="NAME", help="The object tag, where several hold labelled text")] = "",
    host: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A server that texts may be fetched from. Repeatable")
    ] = None,
    pull: Annotated[bool, typer.Option("--pull/--no-pull", help="Pull at once")] = True,
    url: Annotated[str | None, typer.Option("--url", help="Address of Label Studio (or LABEL_STUDIO_URL)")] = None,
    token: Annotated[str | None, typer.Option("--token", help="Its token (or LABEL_STUDIO_API_KEY)")] = None,
    data: NewDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take over existing Label Studio projects as they are.

    Reads their labelling configs, whatever names they use, and writes a mapping and a label schema to
    studio/adopted/<name>. Several projects become one data set: the same text in two of them is one sample with the
    annotations of both. Nothing is changed in Label Studio. Exit code 3: some tasks could not be read; each is named.

    Example: goldspan studio adopt 3 4 --annotator 3=ann --annotator 4=bob --language en
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project.access import connect
    from goldspan.annotation.labelstudio.project.adopt import AdoptOptions, adopt_projects
    from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
    from goldspan.annotation.tasks.workspace import find_workspace

    workspace = find_workspace(data)
    client, _ = connect(workspace, url, token)
    options = AdoptOptions(
        name=name,
        labels=labels,
        codes=_read_labels_map(labels_map or ()),
        annotators=_read_annotators(annotator or ()),
        coreference=coreference,
        language=language,
        country=country,
        text=text,
        hosts=tuple(host or ()),
    )
    numbers = [int(project) if project.isdigit() else project for project in projects]
    adoption = adopt_projects(client, workspace, numbers, options)
    report = None
    if pull:
        with show_progress() as progress:
            pulling = PullOptions(adoption.name)
            report = pull_annotations(client, workspace, load_labels(adoption.labels), pulling, progress)
    _show(adoption, report, as_json=as_json)
    end_with_refused(report.refused if report else ())


def _show(adoption: Adoption, report: PullReport | None, *, as_json: bool) -> None:
    from dataclasses import asdict

    from goldspan.cli.shared import console
    from goldspan.cli.studio.connection import make_plain
    from goldspan.cli.studio.pull import show_pull

    if as_json:
        pulled = make_plain(asdict(report)) if report else None
        console.print_json({"adoption": make_plain(asdict(adoption)), "pull": pulled})
        return
    rows = [(label, code or "(kept verbatim)") for label, code in adoption.codes.items()]
    console.print_table((f"Adopted as {adoption.name}", "code"), rows)
    console.say(f"Mapping: {adoption.folder / 'mapping.toml'}    Label schema: {adoption.labels}")
    if report:
        show_pull(report)


def _read_labels_map(given: Sequence[str]) -> dict[str, str]:
    from goldspan.annotation.configuration import parse_toml
    from goldspan.annotation.errors import ConfigurationError

    codes: dict[str, str] = {}
    for entry in given:
        label, equals, code = entry.rpartition("=")
        if equals and not Path(entry).exists():
            codes[label.strip()] = code.strip()
            continue
        try:
            document = parse_toml(Path(entry).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(
                f"--labels-map takes LABEL=CODE or a TOML file of them; {entry} is neither ({describe_error(error)})."
            ) from None
        table = document.get("labels", document)
        codes |= {str(label): str(code) for label, code in table.items()}
    return codes


def _read_annotators(given: Sequence[str]) -> dict[int, str]:
    from goldspan.annotation.errors import ConfigurationError

    pairs = [entry.partition("=") for entry in given]
    if broken := [project for project, _, person in pairs if not (project.isdigit() and person)]:
        raise ConfigurationError(f"--annotator takes NUMBER=NAME, not {broken[0]!r}.")
    return {int(project): person for project, _, person in pairs}
