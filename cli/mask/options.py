"""Options and the vault that the commands of `goldspan mask` share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import ConfigurationError
from goldspan.cli.shared.predictors import PREDICTOR_HELP

if TYPE_CHECKING:
    from goldspan.masking.keys import MaskingKey
    from goldspan.masking.vault import Vault

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


@contextmanager
def open_vault(path: Path | None) -> Iterator[tuple[MaskingKey | None, Vault | None]]:
    """The masking key of the environment, and the vault of that path while the block runs.

    Raises:
        ConfigurationError: a vault is named, and there is no key.
        StateError: another process has the vault open, the key is not the vault's, or the file was changed.
    """
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
