"""Options of the `generate` commands, and the run settings made from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.project import find_project
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.shared.console import warn
from goldspan.cli.shared.options import LabelsOption

if TYPE_CHECKING:
    from goldspan.generators.runs.executors import ExecutionOptions
    from goldspan.generators.runs.settings import RunSettings
    from goldspan.generators.specs.plan import SamplePlan

RunOption = Annotated[str, typer.Option("--run", help="Name of the run; default: made from the settings")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of the run; default: the newest unfinished one")]


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """What a run asks for."""

    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Number of samples")] = 100
    provider: Annotated[
        str, typer.Option(help="offline, openai, doubleword, mistral, together or compatible; default: the project's")
    ] = ""
    model: Annotated[str, typer.Option(help="Model name; default: the provider's default model")] = ""
    languages: Annotated[
        str, typer.Option(help="ISO 639-1 codes with commas: en,de,fr,es,nl,da; default: the project's")
    ] = ""
    seed: Annotated[int, typer.Option(help="Random seed: the same seed sends the same requests")] = 0
    review: Annotated[bool, typer.Option("--review", help="Add the review stage: the model checks the annotation")] = (
        False
    )
    judge: Annotated[
        bool, typer.Option("--judge", help="Add the judge stage: the model scores naturalness, brief and consistency")
    ] = False
    fill_gaps: Annotated[
        bool, typer.Option("--fill-gaps", help="Generate what the data lacks against the label targets")
    ] = False
    mode: Annotated[str, typer.Option(help="live or batch; default: batch for doubleword, live otherwise")] = ""
    api_url: Annotated[
        str, typer.Option(help="Address of a compatible server, with or without /v1/chat/completions")
    ] = ""
    window: Annotated[str, typer.Option(help="Completion window of batches: 24h or 1h")] = ""
    price_in: Annotated[float | None, typer.Option(min=0, help="US dollars per million prompt tokens")] = None
    price_out: Annotated[float | None, typer.Option(min=0, help="US dollars per million answer tokens")] = None
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Sampling temperature; default: the provider's")
    ] = None
    output_tokens: Annotated[
        int, typer.Option(min=16, help="Token limit of one answer; doubled after a truncated one")
    ] = 4096
    scenarios: Annotated[
        Path | None,
        typer.Option(help="Own situations: a file of `goldspan generate scenarios`; default: the project's"),
    ] = None
    examples: Annotated[
        Path | None,
        typer.Option(help="Reviewed samples (JSONL) shown to the model as examples; default: the project's"),
    ] = None
    seeds: Annotated[
        Path | None,
        typer.Option(help="Own texts (a file or folder) of which each brief shows a passage; default: the project's"),
    ] = None
    paraphrase: Annotated[
        Path | None,
        typer.Option(help="Annotated samples (JSONL or a folder) to paraphrase: their facts in other words"),
    ] = None
    novelty: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of new phrases that a draft must have, else it is asked anew; 0: any"),
    ] = 0.2
    phrase_families: Annotated[
        int,
        typer.Option(min=0, help="Families of phrases of the offline author that share none, for splits; 0: none"),
    ] = 0
    attempts: Annotated[int, typer.Option(min=1, help="Attempts per stage before an item becomes a dead letter")] = 3
    labels: LabelsOption = None


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How this process executes a run, and the run's budget."""

    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop before the run costs this many US dollars")] = None
    max_tokens: Annotated[int | None, typer.Option(min=0, help="Stop before the run uses this many tokens")] = None
    max_workers: Annotated[
        int | None,
        typer.Option(min=1, help="Concurrent requests (live); fewer when throttled. Default: as before or 16"),
    ] = None
    requests_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Rate limit of the account (live); 0: none. Default: as before")
    ] = None
    tokens_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Rate limit of the account (live); 0: none. Default: as before")
    ] = None
    poll_interval: Annotated[float, typer.Option(min=0, help="Seconds between polls of a batch; 0: adaptive")] = 0.0
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Leave batches with the provider and return (exit code 4)")
    ] = False


def read_execution(job: JobOptions) -> ExecutionOptions:
    """How this process works."""
    from goldspan.generators.runs.executors import ExecutionOptions

    return ExecutionOptions(
        job.max_workers, job.poll_interval, job.requests_per_minute, job.tokens_per_minute, wait=not job.no_wait
    )


def read_settings(
    workspace: Workspace, options: GenerationOptions, *, writes_briefs: bool = True
) -> tuple[RunSettings, LabelSchema]:
    """The settings of a run and its label schema.

    If it `writes_briefs`, files of the project that hold nothing for them yet are left out, with a warning.

    Raises:
        InputError: an option names nothing known.
        ConfigurationError: the provider needs a model name.
    """
    from goldspan.generators.offline.sentences import check_phrases
    from goldspan.generators.runs.content import list_held
    from goldspan.generators.runs.public import complete_settings
    from goldspan.generators.runs.settings import RunSettings

    labels, project = load_labels(options.labels), find_project()
    for message in check_phrases(labels):
        warn(message)
    languages = options.languages or ",".join(project.languages if project else ("en",))
    provider = options.provider or (project.provider if project else "") or "offline"
    own = project if provider != "offline" else None
    settings = complete_settings(
        RunSettings(
            provider=provider,
            samples=options.samples,
            seed=options.seed,
            languages=tuple(dict.fromkeys(code.strip().lower() for code in languages.split(",") if code.strip())),
            review=options.review,
            judge=options.judge,
            model=options.model or (own.model if own and not options.provider else ""),
            mode=options.mode,
            api_url=options.api_url,
            window=options.window,
            attempts=options.attempts,
            max_tokens=options.output_tokens,
            temperature=options.temperature,
            price_in=options.price_in,
            price_out=options.price_out,
            labels_file=str(options.labels.resolve()) if options.labels else "",
            scenarios_file=_find_scenarios(workspace if provider != "offline" else None, options.scenarios),
            novelty=options.novelty,
            phrase_families=options.phrase_families,
            examples_file=_find_own(options.examples, own.examples if own else None, "--examples"),
            seeds=_find_own(options.seeds, own.seeds if own else None, "--seeds"),
            paraphrase_file=_find_own(options.paraphrase, None, "--paraphrase"),
        )
    )
    held = list_held(settings, labels) if writes_briefs else {}
    if not options.examples and held.get(settings.examples_file) == ():
        warn(f"No sample of {settings.examples_file} can be shown yet: briefs show examples of the offline author.")
        settings = replace(settings, examples_file="")
    if not options.scenarios and held.get(settings.scenarios_file) == ():
        warn(f"{settings.scenarios_file} holds no situation in these languages: briefs draw from those of Goldspan.")
        settings = replace(settings, scenarios_file="")
    if options.fill_gaps and options.paraphrase:
        raise InputError("--fill-gaps plans new values, --paraphrase tells those of samples: give one of them.")
    if options.fill_gaps:
        plan = _plan_gaps(workspace, labels, settings.languages, options.samples)
        settings = replace(settings, samples=plan.total, plan=plan)
    return settings, labels


def _find_scenarios(workspace: Workspace | None, given: Path | None) -> str:
    """The file that was given, else that of the workspace if it has one."""
    from goldspan.generators.specs.directions import SCENARIOS

    path = given or (workspace.root / SCENARIOS if workspace else None)
    if given and not given.is_file():
        raise InputError(f"{given} does not exist. Write one with `goldspan generate scenarios`.")
    return str(path.resolve()) if path and path.is_file() else ""


def _find_own(given: Path | None, configured: Path | None, option: str) -> str:
    """The path that was given, else the one of the project."""
    path = given or configured
    if path and not path.exists():
        where = option if given else f"`[generate]` of goldspan.toml (or {option})"
        raise InputError(f"{path} does not exist; {where} names it.")
    return str(path.resolve()) if path else ""


def _plan_gaps(workspace: Workspace, labels: LabelSchema, languages: tuple[str, ...], samples: int) -> SamplePlan:
    from goldspan.annotation.corpus.coverage import count_coverage
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.generators.specs.documents import list_document_types
    from goldspan.generators.specs.plan import find_shortfalls, plan_gaps

    folders = (workspace.training_samples, workspace.annotation_samples)
    files = sorted(file for folder in folders if folder.is_dir() for file in folder.glob("*.json*"))
    coverage = count_coverage(read_samples(files, labels, on_error=lambda error: None, tolerant=True))
    return plan_gaps(find_shortfalls(coverage, labels, languages, list_document_types(labels)), samples)
