"""Shared parts of the scoring commands: options, loading, exclusions, differences."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import out, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.refusals import Refusals
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.scores.spans import Scheme

if TYPE_CHECKING:
    from goldspan.evaluation.matching.documents import Pairing
    from goldspan.evaluation.results.worst import DocumentErrors

GoldArgument = Annotated[Path, typer.Argument(metavar="GOLD", help="Samples with reviews (or trusted predictions)")]
LevelOption = Annotated[Level, typer.Option("--level", help="Granularity of labels")]
SchemeOption = Annotated[Scheme, typer.Option("--scheme", help="Which predictions count as correct")]
ModelOption = Annotated[str, typer.Option("--model", help="Model version to score; default: the newest prediction")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME=VALUE", help="Only documents like this: language=de; repeatable"),
]
ShowTextOption = Annotated[bool, typer.Option("--show-text", help="Show the text itself; it may be personal data")]
ChartsOption = Annotated[
    Path | None, typer.Option("--charts", metavar="FOLDER", help="Write charts (PNG and SVG) into this folder")
]
_SHOWN = 20


def load_pairing(gold: Path, predicted: Path | None, labels: LabelSchema, model: str = "") -> tuple[Pairing, Exit]:
    """Both sides paired. What was refused is named on stderr; the exit code says whether anything was."""
    from goldspan.evaluation.matching.documents import read_pairing

    refusals = Refusals()
    pairing = read_pairing(gold, predicted, labels, model=model, on_error=refusals)
    name_unscored(pairing)
    warn_of_unknown_labels(pairing, labels)
    return pairing, Exit.REFUSED_SOME if refusals.errors or pairing.exclusions else Exit.OK


def name_unscored(pairing: Pairing) -> None:
    """Name documents that are not scored and those that failed; warn where gold is not only people's work."""
    name_refusals(f"{exclusion.sample_id} is not scored: {exclusion.reason}" for exclusion in pairing.exclusions)
    failed = [document for document in pairing.documents if document.failure]
    name_refusals(f"{document.sample_id} counts as nothing found: {document.failure}" for document in failed)
    if pairing.gold_source != "review":
        warn(f"Gold of these documents is {pairing.gold_source}, not only people's reviews; the scores trust it.")


def warn_of_unknown_labels(pairing: Pairing, labels: LabelSchema) -> None:
    """Warn of predicted labels that the schema does not have: each of their spans counts as wrong."""
    predicted = {entity.label for document in pairing.documents for entity in document.predicted.entities}
    if unknown := sorted(predicted - labels.entity_codes):
        shown = ", ".join(unknown[:8]) + (" …" if len(unknown) > 8 else "")
        warn(
            f"The label schema has no label {shown}; a span predicted with it counts as wrong. Import the file with "
            "its labels mapped: goldspan samples import --labels-map THEIRS=OURS"
        )


def parse_filters(only: Iterable[str]) -> dict[str, str]:
    """`language=de` and the like as a mapping.

    Raises:
        InputError: there is no `=` in one of them.
    """
    filters: dict[str, str] = {}
    for text in only:
        name, sign, value = text.partition("=")
        if not sign:
            raise InputError(f"--only wants NAME=VALUE, such as language=de, not {text!r}.")
        filters[name] = value
    return filters


def name_refusals(messages: Iterable[str]) -> None:
    """The first twenty messages on stderr, then how many more there are."""
    more = 0
    for number, message in enumerate(messages):
        if number < _SHOWN:
            warn(message)
        else:
            more += 1
    if more:
        warn(f"… and {more} more.")


def show_differences(worst: Iterable[DocumentErrors]) -> None:
    """Documents with their errors: gold in a line with `-`, the prediction in a line with `+`."""
    for document in worst:
        errors = format_count(len(document.errors), "error")
        out.print(Text(f"{document.sample_id}  {errors}, {document.leaked} characters leaked"))
        for error in document.errors:
            sides = (f"{span.label} {span.start}–{span.end}" if span else "–" for span in (error.gold, error.predicted))
            out.print(Text(f"  {error.kind.value}: {' → '.join(sides)}", style="dim"))
        for difference in document.differences:
            out.print(Text(f"  @ {difference.start}–{difference.end}", style="cyan"))
            out.print(Text(_prefix("- ", difference.gold), style="red"))
            out.print(Text(_prefix("+ ", difference.predicted), style="green"))
        out.print()


def format_rate(value: float | None) -> str | None:
    """Three decimals; None stays None."""
    return None if value is None else f"{value:.3f}"


def _prefix(mark: str, tagged: str) -> str:
    return "\n".join(f"  {mark}{show_controls(line)}" for line in tagged.splitlines())
