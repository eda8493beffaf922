"""`goldspan mask`: mask files and folders, restore originals, check masked files."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.cli.shared.console import fail, print_json, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, RunGroup, make_app
from goldspan.cli.shared.outputs import check_output
from goldspan.cli.shared.pipes import mask_stdin
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, open_from_command
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
    from goldspan.masking.vault import Vault
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

PolicyOption = Annotated[
    str,
    typer.Option(
        "--policy", help="A .toml file, or pseudonymise, surrogates, redact, hipaa-safe-harbor or pci", metavar="POLICY"
    ),
]
PredictorOption = Annotated[str, typer.Option("--predictor", "-p", help=PREDICTOR_HELP)]
VaultOption = Annotated[
    Path | None,
    typer.Option("--vault", metavar="FILE", help="Encrypted file of replacements; needs GOLDSPAN_MASKING_KEY"),
]
LanguageOption = Annotated[str, typer.Option(help="ISO 639-1 code of the texts: en, de …")]
CountryOption = Annotated[str, typer.Option(help="ISO 3166-1 code of the texts: GB, DE …")]


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
    with _open_vault(vault) as (key, ledger):
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


@app.command("restore")
def restore(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Masked text files, or answers about them")],
    vault: VaultOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the results; with one FILE, also the name of a file. Default: stdout"
        ),
    ] = None,
) -> None:
    """Put the originals back: placeholders and surrogates from the vault, encrypted values with the key.

    Text, Markdown, HTML, CSV, JSON, e-mail, Office and Parquet. Replacements match exactly, the longest first.
    Placeholders that the vault does not know are named (exit code 3).
    """
    from goldspan.annotation.files import write_atomic
    from goldspan.masking.ledger import Ledger
    from goldspan.serving.documents.files import names_file
    from goldspan.serving.documents.restoring import restore_file

    unknown = 0
    with _open_vault(vault) as (key, ledger):
        for file in files:
            restored = restore_file(file, ledger if ledger is not None else Ledger(), key)
            unknown += len(restored.unknown)
            for placeholder in list(restored.unknown)[:20]:
                warn(f"{file}: there is no original for {placeholder[:60]}")
            if output is None:
                typer.echo(restored.content, nl=False)
            else:
                target = output if names_file(files, output) else output / file.name
                write_atomic(target, restored.content, 0o600)
                say(f"{restored.restored} values restored → {target}")
    raise typer.Exit(Exit.REFUSED_SOME if unknown else Exit.OK)


@app.command("verify")
def verify(
    original: Annotated[Path, typer.Argument(metavar="ORIGINAL", help="The file before masking")],
    masked: Annotated[Path, typer.Argument(metavar="MASKED", help="The masked file")],
    predictor: PredictorOption,
    policy: PolicyOption = "pseudonymise",
    option: OptionsOption = None,
    language: LanguageOption = "",
    country: CountryOption = "",
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a masked file: nothing that the predictor finds in the original may be in it (exit code 1).

    Both files are read as bytes and as text, also unescaped and unquoted. It tells nothing of values that the
    predictor does not find.
    """
    from goldspan.annotation.loops import run_sync
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.masking.mask import Masker
    from goldspan.masking.policy import load_policy
    from goldspan.serving.documents.check import check_masked_file

    schema = load_labels(labels)
    reader = open_from_command(predictor, schema, option, find_workspace(data), 1)
    masker = Masker(reader, load_policy(policy, schema), schema)
    found = run_sync(check_masked_file(original, masked, masker, language, country))
    if as_json:
        print_json({"original": str(original), "masked": str(masked), **found.describe()})
    for label, count in found.standing.items():
        fail(f"{masked}: {count} value{'s' if count > 1 else ''} of {label} still stand in it.")
    if not found.standing:
        say(f"None of {found.searched} values stands in {masked}.")
    raise typer.Exit(Exit.FAILED if found.standing else Exit.OK)


@app.command("key")
def key() -> None:
    """Print a fresh masking key. Keep it in the environment or in .env as GOLDSPAN_MASKING_KEY.

    Who loses it cannot restore; who has it can restore encrypted values and open the vault.
    """
    from goldspan.masking.keys import make_key

    typer.echo(make_key())


@contextmanager
def _open_vault(path: Path | None) -> Iterator[tuple[Any, Vault | None]]:
    from goldspan.masking.keys import VARIABLE, find_key

    found = find_key()
    if path is None:
        yield found, None
        return
    if found is None:
        raise ConfigurationError(f"--vault needs a key in {VARIABLE}. Make one with: goldspan mask key")
    from goldspan.masking.vault import Vault

    with Vault(path, found) as vault:
        yield found, vault


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
        say(f"{len(self.records)} files masked and checked{skipped}; {replaced} values replaced → {output}")
        if self.failed:
            say(f"{len(self.failed)} files were not masked and have no output.")
