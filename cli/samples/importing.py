"""`goldspan samples import, convert`: files of other tools as samples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, is_code, load_labels
from goldspan.cli.shared.console import out, print_json, say, warn
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption
from goldspan.cli.shared.outputs import SAMPLES, ForceOption, output_option, refuse_existing
from goldspan.cli.shared.refusals import Refusals
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, find_shard_command

if TYPE_CHECKING:
    from goldspan.annotation.formats.importing import ImportOptions, ImportReport
    from goldspan.annotation.types import Sample

_LANGUAGE = re.compile("[a-z]{2,3}")
_CODE = 2
"""Characters of a language code; a longer name is that of a script."""

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


_SHOWN = 20
"""Refused records that the terminal shows."""
_NAMED = 10
"""Files that are named each with its format."""
_LONG = 10_000
"""Characters beyond which a text is tiring to annotate whole."""


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


def _count_other_languages(samples: Iterable[Sample]) -> Counter[tuple[str, str]]:
    """Texts by the language that they are said to be in and the one that they clearly are in instead."""
    from goldspan.annotation.text.language import find_other_language

    found = ((sample.language, find_other_language(sample.text, sample.language)) for sample in samples)
    return Counter((said, other) for said, other in found if other)


def _warn_of_languages(strange: Counter[tuple[str, str]], samples: int, given: str) -> None:
    for (said, found), count in strange.most_common(3):
        known = said == given and len(found) == _CODE
        cure = f"import again with --language {found} --force" if known else "correct the language in the file"
        warn(f"{count} of {samples} texts said to be {said!r} look like {found!r}. If so, {cure}.")


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

    for file in files:
        if not file.exists():
            from goldspan.annotation.files import suggest_path

            raise InputError(f"There is no file {file}.{suggest_path(file)}")
    refuse_existing(target, force=force)
    refusals, report = Refusals(), ImportReport()
    samples = list(import_files(files, schema, options, refusals, report))
    draft = _write_draft(target, report, schema)
    rejections = _write_rejections(target, refusals) if samples or len(refusals.errors) > _SHOWN else None
    if not samples:
        hint = f" Complete {draft} and give it with --labels-map, or add the labels to the schema." if draft else ""
        raise InputError(
            f"{', '.join(map(str, files))} gave no sample ({len(refusals.errors)} refused). Nothing was written.{hint}"
        )
    written = write_samples(target, samples, schema, refusals, replace=force)
    strange = _count_other_languages(samples)
    if as_json:
        print_json(
            {
                "file": str(target),
                "written": written,
                "refused": [str(error) for error in refusals.errors],
                "rows": report.rows,
                "joined": report.joined,
                "spans": report.spans,
                "formats": {file: found._asdict() for file, found in report.detected.items()},
                "taxonomies": report.taxonomies,
                "unmapped": dict(report.unmapped),
                "nested": dict(report.nested),
                "left_out": dict(report.left_out),
                "unknown_labels": dict(report.unknown),
                "other_language": {f"{said} {found}": count for (said, found), count in strange.items()},
                "rejections": str(rejections or ""),
                "labels_draft": str(draft or ""),
            }
        )
        return refusals.exit_code
    _show_report(report, written, refusals, rejections, target, options)
    if long := sum(len(sample.text) > _LONG for sample in samples):
        warn(f"{long} texts have more than {_LONG:,} characters: slow to annotate. --split-over 4000 splits them.")
    _warn_of_languages(strange, len(samples), options.language)
    if any(not sample.language for sample in samples):
        warn("Some samples have no language. Give --language, or a column language.")
    say(f"Next: goldspan samples check {target} · goldspan annotate {target} · goldspan studio push {target}")
    return refusals.exit_code


def _show_report(
    report: ImportReport,
    written: int,
    refusals: Refusals,
    rejections: Path | None,
    target: Path,
    options: ImportOptions,
) -> None:
    if len(report.detected) > _NAMED:
        for name, count in Counter(found.format for found in report.detected.values()).most_common():
            say(f"{count} files read as {name}.")
    else:
        for name, found in report.detected.items():
            sureness = "" if options.format != "auto" else f" ({found.sureness:.0%} sure)"
            say(f"{name}: read as {found.format}{sureness}.")
    say(f"{written} samples with {report.spans} entities → {target}; {len(refusals.errors)} refused.")
    if report.joined:
        say(f"Rows joined to an earlier row of the same text, as the work of another annotator: {report.joined}.")
    for counts, what in (
        (report.unmapped, "Spans left out because their label has no counterpart"),
        (report.nested, "Spans left out because they lie in others"),
        (report.left_out, "Annotations of layers that are not read"),
    ):
        if counts:
            say(f"{what}: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}.")
    if rejections:
        say(f"Refused records: {rejections}")
    if report.split:
        say(f"{report.split} texts were split into parts of at most {options.split_over} characters.")


def _write_draft(target: Path, report: ImportReport, schema: LabelSchema) -> Path | None:
    """Write a mapping of the unknown labels to complete, beside the output; print it."""
    from goldspan.annotation.files import write_atomic
    from goldspan.annotation.formats.mapping import draft_mapping, render_draft

    if not report.unknown:
        return None
    path = target.with_name(f"{target.stem}.labels.toml")
    text = render_draft(draft_mapping(list(report.unknown), schema))
    write_atomic(path, text.encode())
    counts = ", ".join(f"{label} ({count} rows)" for label, count in report.unknown.most_common(20))
    warn(f"Labels that nothing maps: {counts}. A draft mapping to complete for --labels-map: {path}")
    out.out(text, highlight=False)
    codes = dict.fromkeys(re.sub(r"\W+", "_", name).strip("_").upper() for name in report.unknown)
    if addable := [code for code in codes if is_code(code)]:
        say(f"To add them to the label schema instead: goldspan labels add {' '.join(addable)}")
    return path


def _write_rejections(target: Path, refusals: Refusals) -> Path | None:
    import orjson

    from goldspan.annotation.files import write_atomic

    if not refusals.errors:
        return None
    path = target.with_name(f"{target.stem}.rejections.jsonl")
    lines = (
        orjson.dumps(
            {"file": error.file, "line": error.line, "pointer": error.pointer, "reason": error.reason},
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for error in refusals.errors
    )
    write_atomic(path, b"".join(lines))
    return path


def _show_formats(wanted: bool) -> None:
    if not wanted:
        return
    from goldspan.annotation.formats.source import list_formats
    from goldspan.cli.shared.console import print_table

    print_table(["format", "content"], list_formats().items())
    raise typer.Exit
