"""Which sources a training set is mixed from, and how much of each: read from `mix.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import SchemaError, UnknownNameError
from goldspan.generators.noise.apply import REGISTERS
from goldspan.generators.surrogates.world import COUNTRIES

_EXACT = 1e-6


@dataclass(frozen=True, slots=True)
class MixSource:
    """One source: samples of files, or of the offline author where there are none.

    `share` is of the whole mix; the shares of all sources add up to 1. `noise` names a register of noise
    (`goldspan.generators.noise.apply.REGISTERS`) that every sample of the source gets. With `paraphrase` the source
    gives other texts about the facts of its samples, written by the offline author. `licence` and `attribution` go
    into the provenance of its samples.
    """

    name: str
    share: float
    files: tuple[Path, ...] = ()
    languages: tuple[str, ...] = ()
    noise: str = ""
    paraphrase: bool = False
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class MixPlan:
    """All sources. Without `samples`, as many as the scarcest source allows."""

    sources: tuple[MixSource, ...]
    samples: int = 0
    seed: int = 0


def load_mix(path: Path) -> MixPlan:
    """Read a `mix.toml`; its files are taken from its folder.

    Raises:
        SchemaError: the file cannot be read, a key is unknown or wrong, or the shares do not add up to 1.
        UnknownNameError: a language or a register of noise that is not known.
    """
    if not path.exists():
        raise SchemaError(f"There is no file {path}.")
    document = read_configuration(path, "mix", SchemaError)
    sources = tuple(
        MixSource(
            name,
            float(entry["share"]),
            tuple(path.parent / file for file in entry.get("files", ())),
            tuple(entry.get("languages", ())),
            entry.get("noise", ""),
            entry.get("paraphrase", False),
            entry.get("licence", ""),
            entry.get("attribution", ""),
        )
        for name, entry in document["sources"].items()
    )
    for source in sources:
        _check(source, path)
    if abs((total := sum(source.share for source in sources)) - 1) > _EXACT:
        raise SchemaError(f"{path}: the shares of the sources add up to {total:g}; they must add up to 1.")
    plan = MixPlan(sources, document.get("samples", 0), document.get("seed", 0))
    if not plan.samples and not any(source.files for source in sources):
        raise SchemaError(f"{path}: no source has files, so `samples` must say how many to write.")
    return plan


def _check(source: MixSource, path: Path) -> None:
    if source.noise and source.noise not in REGISTERS:
        raise UnknownNameError("register of noise", source.noise, REGISTERS)
    if source.paraphrase and not source.files:
        raise SchemaError(f"{path}: the source {source.name} has no files to paraphrase; name them in `files`.")
    for language in source.languages:
        if not source.files and language not in COUNTRIES:
            raise UnknownNameError("language", language, COUNTRIES)
    for file in source.files:
        if not file.exists():
            raise SchemaError(f"{path}: the source {source.name} names {file}, which does not exist.")
