"""Options of the `generate` commands, and the settings that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.workspace import Workspace

if TYPE_CHECKING:
    from goldspan.generators.runs.settings import RunSettings
    from goldspan.generators.specs.plan import SamplePlan

Samples = Annotated[int, typer.Option("--samples", "-n", min=1, help="How many samples")]
Provider = Annotated[str, typer.Option(help="offline, openai, doubleword or compatible")]
Model = Annotated[str, typer.Option(help="Model name; default: the provider's own")]
Languages = Annotated[str, typer.Option(help="ISO 639-1 codes with commas: en,de,fr,es,nl,da")]
Seed = Annotated[int, typer.Option(help="Decides every brief: the same seed asks the same questions")]
Review = Annotated[bool, typer.Option("--review", help="Add the review stage: the model checks the annotation")]
FillGaps = Annotated[bool, typer.Option("--fill-gaps", help="Ask for what the data lacks against the label targets")]
Mode = Annotated[str, typer.Option(help="live or batch; default: batch for doubleword, live otherwise")]
ApiUrl = Annotated[str, typer.Option(help="A compatible server's address, with or without /v1/chat/completions")]
Window = Annotated[str, typer.Option(help="Completion window of batches: 24h or 1h")]
MaxCost = Annotated[float | None, typer.Option(min=0, help="Stop before the run has cost so many US dollars")]
MaxTokens = Annotated[int | None, typer.Option(min=0, help="Stop before the run has taken so many tokens")]
PriceIn = Annotated[float | None, typer.Option(min=0, help="US dollars for one million prompt tokens")]
PriceOut = Annotated[float | None, typer.Option(min=0, help="US dollars for one million answer tokens")]
Temperature = Annotated[float | None, typer.Option(min=0, max=2, help="Default: the provider's own")]
OutputTokens = Annotated[int, typer.Option(min=16, help="Room for one answer; doubled after a truncated one")]
Attempts = Annotated[int, typer.Option(min=1, help="How often one stage is asked before it is a dead letter")]
MaxWorkers = Annotated[
    int | None,
    typer.Option(min=1, help="Requests at a time (live); fewer when the server says so. Default: as before, else 16"),
]
RequestsPerMinute = Annotated[
    int | None, typer.Option(min=0, help="Limit of the account (live); 0: none. Default: as before")
]
TokensPerMinute = Annotated[
    int | None, typer.Option(min=0, help="Limit of the account (live); 0: none. Default: as before")
]
PollInterval = Annotated[float, typer.Option(min=0, help="Seconds between looks at a batch; 0: adaptive")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Leave batches with the provider and return (exit code 4)")]
RunOption = Annotated[str, typer.Option("--run", help="Name of the run; default: made from the settings")]
RunName = Annotated[str, typer.Argument(metavar="[RUN]", help="Name of the run; default: the newest unfinished one")]


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How this process works on a run."""

    max_workers: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    poll_interval: float = 0.0
    no_wait: bool = False
    max_cost: float | None = None
    max_tokens: int | None = None


def read_settings(
    workspace: Workspace,
    samples: int,
    provider: str,
    model: str,
    languages: str,
    seed: int,
    review: bool,
    fill_gaps: bool,
    mode: str,
    api_url: str,
    window: str,
    price_in: float | None,
    price_out: float | None,
    temperature: float | None,
    output_tokens: int,
    attempts: int,
    labels_file: Path | None,
) -> tuple[RunSettings, LabelSchema]:
    """Settings of a run from the options of `start`, `estimate` and `preview`."""
    from goldspan.generators.runs.public import complete_settings
    from goldspan.generators.runs.settings import RunSettings

    labels = load_labels(labels_file)
    settings = complete_settings(
        RunSettings(
            provider=provider,
            samples=samples,
            seed=seed,
            languages=tuple(code.strip() for code in languages.split(",") if code.strip()),
            review=review,
            model=model,
            mode=mode,
            api_url=api_url,
            window=window,
            attempts=attempts,
            max_tokens=output_tokens,
            temperature=temperature,
            price_in=price_in,
            price_out=price_out,
            labels_file=str(labels_file.resolve()) if labels_file else "",
        )
    )
    if fill_gaps:
        plan = _plan_gaps(workspace, labels, settings.languages, samples)
        settings = replace(settings, samples=plan.total, plan=plan)
    return settings, labels


def _plan_gaps(workspace: Workspace, labels: LabelSchema, languages: tuple[str, ...], samples: int) -> SamplePlan:
    from goldspan.annotation.corpus.coverage import count_coverage
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.generators.specs.draw import DOCUMENT_TYPES
    from goldspan.generators.specs.plan import find_shortfalls, plan_gaps

    folders = (workspace.training_samples, workspace.annotation_samples)
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.glob("*.json*"))
    coverage = count_coverage(read_samples(files, labels, on_error=lambda error: None, tolerant=True))
    return plan_gaps(find_shortfalls(coverage, labels, languages, tuple(DOCUMENT_TYPES)), samples)
