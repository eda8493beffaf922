"""`goldspan mask`: mask files and folders, restore originals, check masked files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.mask.checking import register
from goldspan.cli.mask.options import (
    CountryOption,
    LanguageOption,
    PolicyOption,
    PredictorOption,
    VaultOption,
    open_vault,
)
from goldspan.cli.shared.console import fail, print_json, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, RunGroup, make_app
from goldspan.cli.shared.outputs import check_output
from goldspan.cli.shared.pipes import mask_stdin
from goldspan.cli.shared.predictors import OptionsOption, open_from_command
from goldspan.cli.shared.progress import ProgressBar
from goldspan.cli.shared.sharding import (
    EngineOption,
    EngineValues,
    describe_predictor,
    find_shard_command,
    need_engine,
)

if TYPE_CHECKING:
    from goldspan.masking.mask import Masker
    from goldspan.serving.documents.base import FieldChoice
    from goldspan.serving.documents.files import FileOutcome


app = make_app(
    cls=RunGroup,
    no_args_is_help=True,
    help="Mask personal data in files and folders, restore it, and check masked files. "
    "`goldspan mask FILE` is short for `goldspan mask run FILE`.",
)

_STDIN = Path("-")
_EQUAL = ((".htm", ".html"), (".md", ".txt"))
"""Endings that name one format."""


@app.command("run")
def run(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|FOLDER", help="Files to mask, or folders of them; - masks stdin to stdout"),
    ],
    predictor: PredictorOption,
    policy: PolicyOption = "pseudonymise",
    option: OptionsOption = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the masked files; with one FILE, also the name of a file")
    ] = Path("masked"),
    vault: VaultOption = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME[=LABEL]",
            help="Of tables: a column, or a JSON path like /user/name, to mask; with =LABEL its values are entities of "
            "the label. May be repeated. Default: every value",
        ),
    ] = None,
    pdf: Annotated[
        str,
        typer.Option(
            metavar="keep|raster|scan",
            help="PDF pages keep their layout and text, or become pictures; with scan, OCR reads them too",
        ),
    ] = "keep",
    ocr: Annotated[
        str,
        typer.Option(
            metavar="ENGINE",
            help="Reads pictures and scanned pages: auto (rapidocr, else tesseract), rapidocr, tesseract, off, or "
            "mistral, which sends them to its server",
        ),
    ] = "auto",
    language: LanguageOption = "",
    country: CountryOption = "",
    workers: Annotated[int, typer.Option(min=1, help="Files masked at a time")] = 2,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    force: Annotated[bool, typer.Option("--force", help="Mask again, and replace outputs that exist")] = False,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mask files. Each output appears only when it is whole and checked; a file that fails has none (exit code 3).

    With a folder, run the same command again to resume: files that are masked already are skipped. A report without
    text is written beside the outputs (masking-report.jsonl). The predictor decides what is found: `regex` alone
    finds no names. `-` masks text from stdin to stdout, as soon as it is safe.
    """
    from goldspan.annotation.loops import iterate_sync, run_sync
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.masking.policy import load_policy
    from goldspan.serving.documents.base import make_settings
    from goldspan.serving.documents.files import hold_output, mask_files, names_file, plan_jobs
    from goldspan.serving.documents.report import REPORT, MaskingReport

    schema = load_labels(labels)
    rules = load_policy(policy, schema)
    settings = make_settings(language, country, _read_fields(field, schema), pdf, ocr)
    needed = need_engine(paths)
    if command := find_shard_command(paths, output, engine, engine_option, workers, labels, needed=needed):
        if vault:
            raise InputError("A vault has one writer; with --engine, replacements agree within each document only.")
        choices: dict[str, Any] = {
            **describe_predictor(predictor, option),
            "policy": str(Path(policy).resolve()) if Path(policy).is_file() else policy,
            "policy_fingerprint": rules.fingerprint,
            "fields": {choice.name: choice.label for choice in settings.fields},
            "pdf": pdf,
            "ocr": ocr,
            "language": language,
            "country": country,
        }
        raise typer.Exit(command.run("mask", choices, as_json=as_json))
    piped = paths == [_STDIN]
    if _STDIN in paths and not piped:
        raise InputError("Standard input (-) is masked alone.")
    jobs = [] if piped else plan_jobs(paths, output)
    if not jobs and not piped:
        raise InputError("The folders hold no file.")
    if not piped and names_file(paths, output):
        suffix = paths[0].suffix.lower()
        check_output(output, suffix, *next((group for group in _EQUAL if suffix in group), ()))
    reader = open_from_command(predictor, schema, option, find_workspace(data), workers)
    with open_vault(vault) as (key, ledger):
        from goldspan.masking.mask import Masker

        masker = Masker(reader, rules, schema, key=key, ledger=ledger)
        _warn_of_limits(masker, vault)
        if piped:
            run_sync(mask_stdin(masker, language, country))
            return
        folder = output.parent if names_file(paths, output) else output
        outcomes = _Outcomes(len(jobs))
        with hold_output(folder, jobs), outcomes:
            masked = mask_files(jobs, masker, settings, MaskingReport(folder / REPORT), workers=workers, force=force)
            for outcome in iterate_sync(_close_after(masked, masker)):
                outcomes.take(outcome)
    outcomes.print(output, as_json)
    raise typer.Exit(Exit.REFUSED_SOME if outcomes.failed else Exit.OK)


register(app)


@app.command("key")
def key() -> None:
    """Print a fresh masking key. Keep it in the environment or in .env as GOLDSPAN_MASKING_KEY.

    Who loses it cannot restore; who has it can restore encrypted values and open the vault.
    """
    from goldspan.masking.keys import make_key

    typer.echo(make_key())


async def _close_after(
    outcomes: AsyncGenerator[FileOutcome, None], masker: Masker
) -> AsyncGenerator[FileOutcome, None]:
    try:
        async for outcome in outcomes:
            yield outcome
    finally:
        await outcomes.aclose()
        await masker.aclose()


def _read_fields(given: list[str] | None, schema: LabelSchema) -> tuple[FieldChoice, ...]:
    from goldspan.serving.documents.base import FieldChoice

    choices = []
    for text in given or ():
        name, _, label = text.rpartition("=") if "=" in text else (text, "", "")
        choices.append(FieldChoice(name, schema[label].code if label else ""))
    return tuple(choices)


def _warn_of_limits(masker: Masker, vault: Path | None) -> None:
    if masker.unread_labels:
        shown = ", ".join(masker.unread_labels[:10]) + (" …" if len(masker.unread_labels) > 10 else "")
        warn(f"{masker.predictor.model_version} finds none of: {shown}. Such values stay in the files.")
    if masker.policy.reversible and vault is None and any(r.operator != "encrypt" for r in masker.policy.list_rules()):
        warn("Without --vault the replacements are forgotten: the files cannot be restored.")


class _Outcomes(ProgressBar):
    """Shows what became of each file, and counts."""

    def __init__(self, files: int) -> None:
        super().__init__("files", files)
        self.records: list[dict[str, Any]] = []
        self.failed: list[dict[str, str]] = []
        self.skipped = 0

    def take(self, outcome: FileOutcome) -> None:
        self.update(advance=1)
        if outcome.error is not None:
            self.failed.append({"file": outcome.job.name, "reason": str(outcome.error)})
            fail(f"{outcome.job.name} was not masked: {outcome.error}")
        else:
            self.skipped += outcome.skipped
            self.records.append(outcome.record)

    def print(self, output: Path, as_json: bool) -> None:
        replaced = sum(sum(record["labels"].values()) for record in self.records)
        if as_json:
            print_json({"output": str(output), "files": self.records, "failed": self.failed, "skipped": self.skipped})
            return
        skipped = f", {self.skipped} of them masked before" if self.skipped else ""
        masked, values = format_count(len(self.records), "file"), format_count(replaced, "value")
        say(f"{masked} masked and checked{skipped}; {values} replaced → {output}")
        if named := sum("values_in_name" in record for record in self.records):
            names = format_count(named, "file name")
            warn(f"{names} with names or addresses of persons, also in the outputs and the report. Rename the files.")
        if self.failed:
            say(f"{format_count(len(self.failed), 'file')} not masked, without an output.")
