"""`goldspan mask restore, verify`: put originals back, check masked files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.wording import format_count
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
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption
from goldspan.cli.shared.predictors import OptionsOption, open_from_command


def register(app: typer.Typer) -> None:
    """Add the commands to the group `mask`."""
    app.command("restore")(restore)
    app.command("verify")(verify)


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
    with open_vault(vault) as (key, ledger):
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
                say(f"{format_count(restored.restored, 'value')} restored → {target}")
    raise typer.Exit(Exit.REFUSED_SOME if unknown else Exit.OK)


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
