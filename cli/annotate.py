"""`goldspan annotate`: pre-annotate your own texts."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.project import find_project
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import print_json, quote, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption, make_app
from goldspan.cli.shared.outputs import SAMPLES, ForceOption, output_option, refuse_existing
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, open_from_command
from goldspan.cli.shared.progress import ProgressBar
from goldspan.cli.shared.refusals import Refusals
from goldspan.cli.shared.sharding import (
    EngineOption,
    EngineValues,
    describe_predictor,
    find_shard_command,
    is_address,
    need_engine,
)

if TYPE_CHECKING:
    from goldspan.annotation.types import Sample
    from goldspan.predictors.base import Outcome

app = make_app()


@app.command()
def annotate(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help=".txt, .md, .csv, .tsv, .jsonl or .json, or a folder of such files"),
    ],
    predictor: Annotated[
        str, typer.Option("--predictor", "-p", help=f"{PREDICTOR_HELP}. Default: the project's, else regex")
    ] = "",
    option: OptionsOption = None,
    language: Annotated[str, typer.Option(help="ISO 639-1 code of texts that do not say: en, de …")] = "",
    country: Annotated[str, typer.Option(help="ISO 3166-1 code of texts that do not say: GB, DE …")] = "",
    document_type: Annotated[str, typer.Option(help="Document type of texts that do not say")] = "",
    text_key: Annotated[str, typer.Option(metavar="KEY", help="Key or column of the text")] = "",
    by_line: Annotated[bool, typer.Option("--by-line", help="In .txt: every line is a text of its own")] = False,
    output: Annotated[
        Path | None,
        output_option("Default: annotation_samples/<name>-<predictor>.jsonl. A folder for several files", *SAMPLES),
    ] = None,
    force: ForceOption = False,
    workers: Annotated[
        int, typer.Option(min=1, help="Texts read at a time; with --engine: shards worked on at a time")
    ] = 4,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read your own texts with a predictor and write them as samples with pre-annotations, ready for review.

    Long texts are read in overlapping windows; nothing is cut off. A text that the predictor fails on is written
    without a pre-annotation and named (exit code 3). Answers of a language model are kept: a second run of the same
    command does not pay for them again.
    """
    from goldspan.annotation.formats.importing import ImportOptions, import_files
    from goldspan.annotation.tasks.store import drop_erased, write_samples
    from goldspan.annotation.tasks.workspace import check_file_name, find_workspace
    from goldspan.annotation.tombstones import find_tombstones
    from goldspan.predictors.run import annotate as annotate_samples

    schema, workspace, project = load_labels(labels), find_workspace(data), find_project()
    predictor = predictor or (project.predictor if project else "") or "regex"
    file = files[0]
    needed = len(files) > 1 or file.is_dir() or need_engine(files)
    if command := find_shard_command(files, output, engine, engine_option, workers, labels, needed=needed):
        settings = {
            **describe_predictor(predictor, option),
            "language": language,
            "country": country,
            "document_type": document_type,
            "text_key": text_key,
            "by_line": by_line,
            "folder": "" if output is None or is_address(output) else str(output.resolve()),
        }
        raise typer.Exit(command.run("annotate", settings, as_json=as_json))
    if not file.is_file():
        from goldspan.annotation.files import suggest_path

        raise InputError(f"There is no file {file}.{suggest_path(file)}")
    name = f"{file.stem}-{Path(predictor).stem.replace('+', '-')}.jsonl"
    target = output or workspace.annotation_samples / check_file_name(name)
    refuse_existing(target, force=force)
    reader = open_from_command(predictor, schema, option, workspace, workers)
    refusals = Refusals()
    options = ImportOptions("auto", language, country, document_type, text_key=text_key, by_line=by_line)
    samples = import_files([file], schema, options, refusals)
    samples = drop_erased(samples, find_tombstones(target), refusals)
    first = next(samples, None)
    if first is None:
        raise InputError(f"{file} gave no sample ({len(refusals.errors)} refused). Nothing was written.")
    work = _Work()
    annotated = annotate_samples(chain([first], samples), reader, workers=workers, on_outcome=work.note)
    with work:
        written = write_samples(target, annotated, schema, refusals)
    if as_json:
        counts = work.counts(refusals)
        print_json({"file": str(target), "model_version": reader.model_version, "written": written, **counts})
    else:
        entities = format_count(work.entities, "entity")
        say(f"{format_count(written, 'sample')}, {entities} by {reader.model_version} → {target}")
        say(f"Next: goldspan samples show {quote(target)} · goldspan studio push {quote(target)}")
    raise typer.Exit(Exit.REFUSED_SOME if work.failures else refusals.exit_code)


class _Work(ProgressBar):
    """Counts what the predictor found, shows the progress, and names the texts that could not be read."""

    def __init__(self) -> None:
        super().__init__("texts")
        self.entities = 0
        self.failures: list[str] = []

    def note(self, outcome: Outcome) -> None:
        self.update(advance=1)
        if outcome.annotation is None:
            self._name_failure(outcome.sample, str(outcome.error))
        else:
            self.entities += len(outcome.annotation.entities)

    def counts(self, refusals: Refusals) -> dict[str, object]:
        return {
            "entities": self.entities,
            "without_prediction": self.failures,
            "refused": [str(error) for error in refusals.errors],
        }

    def _name_failure(self, sample: Sample, reason: str) -> None:
        self.failures.append(sample.sample_id)
        warn(f"{sample.sample_id} has no pre-annotation: {reason}")
