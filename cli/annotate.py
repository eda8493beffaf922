"""`goldspan annotate`: pre-annotate your own texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.console import err, print_json, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import HELP, DataOption, JsonOption, LabelsOption
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, open_from_command
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.types import Sample
    from goldspan.predictors.base import Predictor

app = typer.Typer(context_settings=HELP)


@app.command()
def annotate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".txt, .md, .csv, .tsv, .jsonl or .json")],
    predictor: Annotated[str, typer.Option("--predictor", "-p", help=PREDICTOR_HELP)] = "regex",
    option: OptionsOption = None,
    language: Annotated[str, typer.Option(help="ISO 639-1 code of texts that do not say: en, de …")] = "",
    country: Annotated[str, typer.Option(help="ISO 3166-1 code of texts that do not say: GB, DE …")] = "",
    document_type: Annotated[str, typer.Option(help="Document type of texts that do not say")] = "",
    by_line: Annotated[bool, typer.Option("--by-line", help="In .txt: every line is a text of its own")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: annotation_samples/<name>-<predictor>.jsonl")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an output that exists")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Texts read at a time")] = 4,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read your own texts with a predictor and write them as samples with pre-annotations, ready for review.

    Long texts are read in overlapping windows; nothing is cut off. A text that the predictor fails on is written
    without a pre-annotation and named (exit code 3). Answers of a language model are kept: a second run of the same
    command does not pay for them again.
    """
    from goldspan.annotation.formats.importing import ImportDefaults, import_texts
    from goldspan.annotation.tasks.store import write_samples
    from goldspan.annotation.tasks.workspace import check_file_name, find_workspace

    schema, workspace = load_labels(labels), find_workspace(data)
    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    name = f"{file.stem}-{Path(predictor).stem.replace('+', '-')}.jsonl"
    target = output or workspace.annotation_samples / check_file_name(name)
    if target.exists() and not force:
        raise InputError(f"{target} exists. Give another --output, or --force to replace it.")
    reader = open_from_command(predictor, schema, option, workspace, workers)
    refusals = Refusals()
    samples = import_texts(file, schema, ImportDefaults(language, country, document_type), refusals, by_line=by_line)
    first = next(samples, None)
    if first is None:
        raise InputError(f"{file} gave no sample ({len(refusals.errors)} refused). Nothing was written.")
    work = _Work(reader)
    written = write_samples(target, work.annotate(chain([first], samples), workers), schema, refusals)
    if as_json:
        counts = work.counts(refusals)
        print_json({"file": str(target), "model_version": reader.model_version, "written": written, **counts})
    else:
        say(f"{written} samples, {work.entities} entities by {reader.model_version} → {target}")
        say(f"Next: goldspan samples show {target} · goldspan studio push {target}")
    raise typer.Exit(Exit.REFUSED_SOME if work.failures else refusals.exit_code)


class _Work:
    """Annotates samples, shows how far it is, and names the texts that could not be read."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.entities = 0
        self.failures: list[str] = []

    def annotate(self, samples: Iterable[Sample], workers: int) -> Iterator[Sample]:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        from goldspan.predictors.run import add_prediction, iter_outcomes

        columns = SpinnerColumn(), TextColumn("{task.completed} texts"), TimeElapsedColumn()
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task("read", total=None)
            for outcome in iter_outcomes(self._predictor, samples, workers=workers):
                progress.advance(task)
                if outcome.annotation is None:
                    self._name_failure(outcome.sample, str(outcome.error))
                    yield outcome.sample
                else:
                    self.entities += len(outcome.annotation.entities)
                    yield add_prediction(outcome.sample, outcome.annotation, self._predictor)

    def counts(self, refusals: Refusals) -> dict[str, object]:
        return {
            "entities": self.entities,
            "without_prediction": self.failures,
            "refused": [str(error) for error in refusals.errors],
        }

    def _name_failure(self, sample: Sample, reason: str) -> None:
        self.failures.append(sample.sample_id)
        warn(f"{sample.sample_id} has no pre-annotation: {reason}")
