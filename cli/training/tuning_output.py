"""What `goldspan finetune` prints: plans, jobs, summaries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.cli.shared.console import err, out, print_json, quote, say, warn

if TYPE_CHECKING:
    from goldspan.training.finetuning.engine import JobView
    from goldspan.training.finetuning.plan import TuningPlan
    from goldspan.training.finetuning.run import TuningSummary


def show_plan(plan: TuningPlan, excess: str, *, as_json: bool) -> None:
    """Print the plan of a run: rows, address, tokens and price."""
    from dataclasses import asdict

    estimate, settings = plan.estimate, plan.settings
    if as_json:
        document = {
            "bundle": plan.bundle.manifest["name"],
            "provider": settings.provider,
            "model": settings.model,
            "address": plan.address,
            "rows": plan.counts.rows,
            "validation_rows": plan.validation_counts.rows,
            "epochs": settings.epochs,
            "estimate": asdict(estimate),
            "notes": list(plan.rows.notes),
            "excess": excess,
            **plan.prompt,
        }
        print_json(document)
        return
    for note in plan.rows.notes:
        say(note)
    where = plan.address or "this machine"
    say(
        f"{plan.counts.rows:,} training and {plan.validation_counts.rows:,} validation rows of bundle "
        f"{plan.bundle.manifest['name']} go to {where} for {settings.model}, texts included."
    )
    cost = "the price is not known"
    if estimate.cost is not None and estimate.cost_most is not None:
        cost = f"about {estimate.cost:.2f} USD, at most {estimate.cost_most:.2f}"
    note = f" ({estimate.note})" if estimate.note else ""
    say(f"{settings.epochs} epochs, about {estimate.tokens_expected:,} tokens: {cost}{note}.")
    if plan.profile and plan.profile.deprecated:
        warn(f"{plan.profile.name} has not supported fine-tuning since {plan.profile.deprecated}; it may refuse.")


def report_job(job: JobView) -> None:
    """Print the state of a job on stderr."""
    from goldspan.training.finetuning.public import describe_job

    err.print(describe_job(job))


def ignore_job(job: JobView) -> None:
    """Ignore the state of a job."""
    del job


def show_summary(summary: TuningSummary, folder: Path, published: str, *, as_json: bool) -> None:
    """Print what came of a command."""
    from goldspan.training.finetuning.run import TuningOutcome

    if as_json:
        print_json(
            {
                "run": summary.run,
                "outcome": str(summary.outcome),
                "quote": summary.quote,
                "currency": summary.currency,
                "job": describe_view(summary.job, folder),
                "predictor": published,
            }
        )
        return
    say(f"{summary.run}: {summary.outcome}{': ' if summary.message else ''}{summary.message}")
    show_problems(summary.job, folder)
    if summary.outcome is TuningOutcome.DONE and published:
        out.print(published)
        say(f"Use it with: goldspan annotate FILE --predictor {quote(published)}")
    elif summary.outcome is TuningOutcome.DONE:
        say(f"The job had succeeded already. `goldspan finetune resume {summary.run}` makes its predictor.")
    elif summary.outcome in {TuningOutcome.WAITING, TuningOutcome.STOPPED}:
        say(f"The job goes on. `goldspan finetune resume {summary.run}` polls on, `cancel` ends it.")
    elif summary.outcome is TuningOutcome.BUDGET:
        warn(f"`goldspan finetune resume {summary.run} --max-cost USD` goes on with a larger one.")


def show_problems(job: JobView, folder: Path) -> None:
    """Print the lines that a provider refused, with their samples."""
    from goldspan.training.finetuning.files import name_line

    for problem in job.problems:
        place = name_line(folder, problem.line)
        out.print(f"  line {problem.line}{f' ({place})' if place else ''}: {problem.message}")


def describe_view(job: JobView, folder: Path) -> dict[str, Any]:
    """A job for machines."""
    from goldspan.training.finetuning.files import name_line

    return {
        "id": job.job_id,
        "state": str(job.state),
        "status": job.status,
        "model": job.output_model,
        "trained_tokens": job.trained_tokens,
        "message": job.message,
        "problems": [
            {"line": problem.line, "message": problem.message, "place": name_line(folder, problem.line)}
            for problem in job.problems
        ],
    }
