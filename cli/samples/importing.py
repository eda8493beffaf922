"""`goldspan samples import, convert`: files of other tools as samples."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.cli.samples.import_report import ImportResult, TextTally, write_draft, write_rejections
from goldspan.cli.shared.console import print_json
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption
from goldspan.cli.shared.outputs import SAMPLES, ForceOption, output_option, refuse_existing
from goldspan.cli.shared.refusals import Refusals
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, find_shard_command

if TYPE_CHECKING:
    from goldspan.annotation.formats.importing import ImportOptions

_LANGUAGE = re.compile("[a-z]{2,3}")

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Files or folders of any format that is read")]
FormatOption = Annotated[str, typer.Option("--format", "-f", help="auto, or a name of --list-formats")]
LanguageOption = Annotated[str, typer.Option(help="ISO 639-1 code of texts that give none: en, de …")]
CountryOption = Annotated[str, typer.Option(help="ISO 3166-1 code of texts that give none: GB, DE …")]
TypeOption = Annotated[str, typer.Option(help="Document type of texts that give none")]
TextKeyOption = Annotated[str, typer.Option(metavar="KEY", help="Key or column of the text")]
ColumnsOption = Annotated[list[str] | None, typer.Option(metavar="NAME=KEY", help="Rename a column; repeatable")]
MapOption = Annotated[
    list[str] | None,
    typer.Option(metavar="A=B", help="Map a label (A= drops it), or a .toml or .json file of pairs; repeatable"),
]
TaxonomyOption = Annotated[str, typer.Option(help="Label mapping by name: see goldspan labels map")]
TagNamesOption = Annotated[str, typer.Option(metavar="O,B-X,", help="Names of ClassLabel numbers, in their order")]
EncodingOption = Annotated[str, typer.Option(help="utf-8, utf-16, latin-1, cp1252 …; recognised if possible")]
ByLineOption = Annotated[bool, typer.Option("--by-line", help="Treat each line of a .txt file as one text")]
SplitOption = Annotated[
    int, typer.Option("--split-over", metavar="N", min=0, help="Split texts of more than N characters into parts")
]
AnnotatorOption = Annotated[
    bool, typer.Option("--annotator-by-file", help="Each file is one annotator's work, named by the file")
]
FormatsOption = Annotated[
    bool,
    typer.Option(
        "--list-formats", help="List the formats that are read", is_eager=True, callback=lambda on: _show_formats(on)
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `samples`."""
    app.command("import")(import_samples)
    app.command("convert")(convert)


def import_samples(
    files: Files,
    format: FormatOption = "auto",
    language: LanguageOption = "",
    country: CountryOption = "",
    document_type: TypeOption = "",
    text_key: TextKeyOption = "",
    columns: ColumnsOption = None,
    labels_map: MapOption = None,
    taxonomy: TaxonomyOption = "",
    tag_names: TagNamesOption = "",
    encoding: EncodingOption = "",
    by_line: ByLineOption = False,
    split_over: SplitOption = 0,
    annotator_by_file: AnnotatorOption = False,
    output: Annotated[
        Path | None, output_option("Default: annotation_samples/<name>.jsonl in the workspace", *SAMPLES)
    ] = None,
    force: ForceOption = False,
    list_formats: FormatsOption = False,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import texts and annotations; the format is recognised, refused records are listed with their reasons.

    Plain text, tables, JSONL, and the exports of Label Studio, Prodigy, Doccano, Argilla, spaCy, Hugging Face, brat,
    INCEpTION and others. Refused records go to <output>.rejections.jsonl.
    """
    schema = load_labels(labels)
    options = _make_options(
        schema,
        labels_map,
        columns,
        format=format,
        language=language,
        country=country,
        document_type=document_type,
        text_key=text_key,
        taxonomy=taxonomy,
        tag_names=tuple(name.strip() for name in tag_names.split(",") if name.strip()),
        encoding=encoding,
        by_line=by_line,
        split_over=split_over,
        annotator_by_file=annotator_by_file,
    )
    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(command.run("import", asdict(options), as_json=as_json))
    for target, sources in _choose_targets(files, output, data).items():
        exit_code = _import(target, sources, schema, options, force=force, as_json=as_json)
    raise typer.Exit(exit_code)


def convert(
    files: Files,
    output: Annotated[Path, output_option("JSONL file to write", *SAMPLES)],
    format: FormatOption = "auto",
    language: LanguageOption = "",
    text_key: TextKeyOption = "",
    labels_map: MapOption = None,
    taxonomy: TaxonomyOption = "",
    tag_names: TagNamesOption = "",
    encoding: EncodingOption = "",
    force: ForceOption = False,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Convert files of another format to samples outside a workspace; otherwise like import."""
    schema = load_labels(labels)
    options = _make_options(
        schema,
        labels_map,
        None,
        format={"bioes": "conll"}.get(format, format),
        language=language,
        text_key=text_key,
        taxonomy=taxonomy,
        tag_names=tuple(name.strip() for name in tag_names.split(",") if name.strip()),
        encoding=encoding,
    )
    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(command.run("import", asdict(options), as_json=as_json))
    raise typer.Exit(_import(output, files, schema, options, force=force, as_json=as_json))


def _make_options(
    schema: LabelSchema, labels_map: list[str] | None, columns: list[str] | None, **values: Any
) -> ImportOptions:
    from goldspan.annotation.formats.importing import ImportOptions
    from goldspan.annotation.formats.mapping import read_label_map
    from goldspan.annotation.names import find_language

    if broken := [entry for entry in columns or () if "=" not in entry]:
        raise InputError(f"--columns {broken[0]}: give NAME=KEY, for example --columns Body=text.")
    if values["language"] and not _LANGUAGE.fullmatch(values["language"]):
        values["language"] = find_language(values["language"])
    renamed = {name.strip(): key.strip() for name, _, key in (entry.partition("=") for entry in columns or ())}
    return ImportOptions(columns=renamed, labels_map=read_label_map(labels_map or (), schema), **values)


def _choose_targets(files: list[Path], output: Path | None, data: Path | None) -> dict[Path, list[Path]]:
    from goldspan.annotation.tasks.workspace import check_file_name, find_workspace

    if output:
        return {output: files}
    targets: dict[Path, list[Path]] = {}
    for file in files:
        target = find_workspace(data).annotation_samples / check_file_name(f"{file.stem}.jsonl")
        if target in targets:
            raise InputError(f"{targets[target][0]} and {file} would both be written to {target}. Give --output.")
        targets[target] = [file]
    return targets


def _import(
    target: Path, files: Iterable[Path], schema: LabelSchema, options: ImportOptions, *, force: bool, as_json: bool
) -> int:
    from goldspan.annotation.formats.importing import ImportReport, import_files
    from goldspan.annotation.tasks.store import write_samples

    refuse_existing(target, force=force)
    refusals, report = Refusals(), ImportReport()
    found = import_files(files, schema, options, refusals, report)
    first = next(found, None)
    if first is None:
        draft = write_draft(target, report, schema)
        if refusals.has_hidden:
            write_rejections(target, refusals)
        hint = f" Complete {draft} and give it with --labels-map, or add the labels to the schema." if draft else ""
        raise InputError(
            f"{', '.join(map(str, files))} gave no sample ({len(refusals.errors)} refused). Nothing was written.{hint}"
        )
    tally = TextTally()
    written = write_samples(target, tally.watch(chain([first], found)), schema, refusals, replace=force)
    result = ImportResult(target, written, report, tally, refusals, options)
    result.draft, result.rejections = write_draft(target, report, schema), write_rejections(target, refusals)
    if as_json:
        print_json(result.to_json())
    else:
        result.show()
    return refusals.exit_code


def _show_formats(wanted: bool) -> None:
    if not wanted:
        return
    from goldspan.annotation.formats.source import list_formats
    from goldspan.cli.shared.console import print_table

    print_table(["format", "content"], list_formats().items())
    raise typer.Exit
