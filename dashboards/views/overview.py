"""Overview: progress, pace and quality figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.mirror.sources import read_pull_state
from goldspan.evaluation.scores.spans import divide


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


@dataclass(frozen=True, slots=True)
class Indicators:
    """The headline figures. Shares are None if undefined; times are in seconds."""

    samples: int
    predicted: int
    reviewed: int
    skipped: int
    per_day: float
    days_left: float | None
    median_lead_time: float | None
    first_pass: float | None
    kept: float | None
    errors: int
    warnings: int


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
    samples, reviews = mirror["samples"], mirror["reviews"]
    submitted = reviews.filter(pl.col("status") == "submitted")
    compared = submitted.filter(pl.col("edits").is_not_null())
    decisions = mirror["decisions"]
    reviewed = samples.filter(pl.col("reviews") > 0).height
    per_day = int(count_days(mirror, 7, today)["reviews"].sum()) / 7
    left = samples.height - reviewed
    lead_time = submitted["lead_time"].drop_nulls().median()
    issues = mirror["issues"].group_by("severity").agg(pl.col("count").sum())
    open_issues = {row["severity"]: row["count"] for row in issues.iter_rows(named=True)}
    return Indicators(
        samples.height,
        samples.filter(pl.col("predicted")).height,
        reviewed,
        samples.filter(pl.col("cancelled") > 0).height,
        per_day,
        divide(left, per_day),
        float(lead_time) if isinstance(lead_time, int | float) else None,
        divide(compared.filter(pl.col("edits") == 0).height, compared.height),
        divide(
            decisions.filter(pl.col("verdict") == "accepted").height,
            decisions.filter(pl.col("verdict") != "added").height,
        ),
        open_issues.get("error", 0),
        open_issues.get("warning", 0),
    )


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


def suggest_step(funnel: Funnel) -> tuple[str, str] | None:
    """Suggest the next step and its command; None if work is in progress."""
    if not funnel.pushed:
        return "push the samples to Label Studio", "goldspan studio push"
    if not funnel.reviewed and funnel.annotated:
        return (
            "submit reviews in Label Studio, then pull: only drafts and skipped samples were pulled so far",
            "goldspan studio open",
        )
    if not funnel.reviewed:
        return "pull the reviews from Label Studio", "goldspan studio pull"
    if funnel.reviewed == funnel.generated and funnel.handed_over < funnel.reviewed:
        return "every sample is reviewed: check the gate for training", "goldspan gate"
    return None


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
