"""Overview: progress, pace and quality figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.mirror.sources import read_pull_state
from goldspan.evaluation.scores.intervals import estimate_interval
from goldspan.evaluation.scores.spans import divide

_PACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Funnel:
    """Number of samples that reached each step."""

    generated: int
    pushed: int
    annotated: int
    reviewed: int
    handed_over: int

    def rows(self) -> list[tuple[str, int]]:
        """List the steps in order."""
        return [
            ("generated", self.generated),
            ("pushed", self.pushed),
            ("annotated", self.annotated),
            ("reviewed", self.reviewed),
            ("handed over", self.handed_over),
        ]


def name_samples(count: int) -> str:
    """A number of samples in words."""
    return f"{count:,} sample{'s' if count != 1 else ''}"


@dataclass(frozen=True, slots=True)
class ShareEstimate:
    """A share with the number of cases it rests on and its 95 % interval; None if there are no cases."""

    value: float | None
    cases: int
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Indicators:
    """The headline figures. Times are in seconds; what is undefined is None."""

    samples: int
    predicted: int
    reviewed: int
    skipped: int
    per_day: float
    days_left: float | None
    median_lead_time: float | None
    first_pass: ShareEstimate
    kept: ShareEstimate
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next: a sentence, the command for it, and the page that shows more."""

    sentence: str
    command: str
    page: str = ""


def count_funnel(mirror: Mirror, pushed: set[str], handed_over: int) -> Funnel:
    """Count the samples at each step; `pushed` are ids recorded by pushes, touched samples count as pushed."""
    samples = mirror["samples"]
    touched = samples.filter((pl.col("reviews") + pl.col("drafts") + pl.col("cancelled")) > 0)
    known = samples.filter(pl.col("sample_id").is_in(pl.Series(sorted(pushed), dtype=pl.String).implode()))["sample_id"]
    return Funnel(
        samples.height,
        len(set(known) | set(touched["sample_id"])),
        touched.height,
        samples.filter(pl.col("reviews") > 0).height,
        handed_over,
    )


def count_days(mirror: Mirror, days: int = 14, today: date | None = None) -> pl.DataFrame:
    """Count submitted reviews per day over the last days, including days without any."""
    today = today or datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    submitted = mirror["reviews"].filter(pl.col("status") == "submitted")
    dated = submitted.select(pl.col("updated_at").str.slice(0, 10).str.to_date(strict=False).alias("day"))
    counts = dated.filter(pl.col("day") >= first).group_by("day").len("reviews")
    scale = pl.DataFrame({"day": [first + timedelta(days=number) for number in range(days)]})
    return scale.join(counts, on="day", how="left").with_columns(pl.col("reviews").fill_null(0).cast(pl.Int64))


def measure_indicators(mirror: Mirror, today: date | None = None) -> Indicators:
    """Measure the headline figures over all samples."""
    samples = mirror["samples"]
    submitted = mirror["reviews"].filter(pl.col("status") == "submitted")
    reviewed = samples.filter(pl.col("reviews") > 0).height
    left = samples.height - reviewed
    per_day = measure_pace(count_days(mirror, _PACE_DAYS, today))
    lead_time = submitted["lead_time"].drop_nulls().median()
    issues = mirror["issues"].group_by("severity").agg(pl.col("count").sum())
    open_issues = {row["severity"]: row["count"] for row in issues.iter_rows(named=True)}
    return Indicators(
        samples.height,
        samples.filter(pl.col("predicted")).height,
        reviewed,
        samples.filter(pl.col("cancelled") > 0).height,
        per_day,
        divide(left, per_day) if left else 0.0,
        float(lead_time) if isinstance(lead_time, int | float) else None,
        measure_first_pass(mirror["reviews"]),
        measure_kept(mirror["decisions"]),
        open_issues.get("error", 0),
        open_issues.get("warning", 0),
    )


def measure_pace(days: pl.DataFrame) -> float:
    """Compute the mean of reviews per day, from the first day with a review on."""
    counts = days["reviews"].to_list()
    first = next((at for at, count in enumerate(counts) if count), None)
    return 0.0 if first is None else sum(counts) / (len(counts) - first)


def measure_first_pass(reviews: pl.DataFrame) -> ShareEstimate:
    """Measure the share of reviews of pre-annotated samples that changed nothing."""
    compared = reviews.filter((pl.col("status") == "submitted") & pl.col("edits").is_not_null())
    unchanged = (compared["edits"] == 0).cast(pl.Int64).to_list()
    return estimate_share(unchanged, [1] * len(unchanged))


def measure_kept(decisions: pl.DataFrame) -> ShareEstimate:
    """Measure the share of pre-annotated regions that people left unchanged."""
    predicted = decisions.filter(pl.col("outcome") != "added")
    counts = predicted.group_by("sample", "person").agg((pl.col("outcome") == "accepted").sum().alias("kept"), pl.len())
    return estimate_share(counts["kept"].to_list(), counts["len"].to_list())


def estimate_share(parts: Sequence[int], wholes: Sequence[int]) -> ShareEstimate:
    """The share, one entry for each review; its interval takes a review as a document, as the gate does."""
    return ShareEstimate(divide(sum(parts), sum(wholes)), sum(wholes), estimate_interval(parts, wholes))


def tabulate_files(mirror: Mirror, workspace: Workspace) -> pl.DataFrame:
    """One row per file: samples, reviewed samples, time of last change and of last pull (UTC)."""
    counts = (
        mirror["samples"]
        .group_by(pl.col("file").cast(pl.String))
        .agg(pl.len().cast(pl.Int64).alias("samples"), (pl.col("reviews") > 0).sum().cast(pl.Int64).alias("reviewed"))
        .sort("file")
    )
    paths = [workspace.root / file for file in counts["file"]]
    return counts.with_columns(
        pl.Series("changed", [_read_changed(path) for path in paths], dtype=pl.Datetime("us", "UTC")),
        pl.Series(
            "pulled up to", [str(read_pull_state(path).get("watermark", ""))[:19] for path in paths], dtype=pl.String
        ),
    )


def _read_changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def suggest_step(funnel: Funnel) -> NextStep:
    """Suggest the next step."""
    left = funnel.generated - funnel.reviewed
    if not funnel.pushed:
        return NextStep(f"Push {name_samples(funnel.generated)} to Label Studio.", "goldspan studio push", "/queue")
    if not funnel.reviewed and funnel.annotated:
        sentence = "Submit reviews in Label Studio, then pull: only drafts and skipped samples were pulled so far."
        return NextStep(sentence, "goldspan studio pull")
    if not funnel.reviewed:
        return NextStep("Review samples in Label Studio, then pull the reviews.", "goldspan studio pull", "/queue")
    if left:
        return NextStep(
            f"Review the {name_samples(left)} that are left, the most useful ones first.", "goldspan queue", "/queue"
        )
    if funnel.handed_over < funnel.reviewed:
        return NextStep("Every sample is reviewed: check the gate for training.", "goldspan gate", "/hand-over")
    return NextStep(
        "Every reviewed sample is handed over. Generate more, or import new texts.", "goldspan generate start"
    )


def describe_age(changed: float | None, now: datetime | None = None) -> str:
    """Describe the age of a change in words; `changed` is in epoch seconds."""
    if changed is None:
        return "never"
    seconds = max(0, int(((now or datetime.now(UTC)) - datetime.fromtimestamp(changed, UTC)).total_seconds()))
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "less than a minute ago"
