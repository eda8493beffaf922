"""What a campaign will take, by arithmetic: nothing is sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

import orjson

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.campaigns.campaign import Campaign
from goldspan.generators.providers.batch.shards import count_rows
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.estimate import TRIED_ITEMS, estimate_run, preview_item
from goldspan.generators.runs.executors import OFFLINE, ExecutionOptions

_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """`files` are batches: `rows_per_file` requests each at most, by the provider's limits of rows and bytes.

    `days` is the longest time in batch mode: every batch takes its whole window, one stage after the other, `parallel`
    runs at a time. In live mode it is the shortest time that the account's limits a minute allow; None without limits.
    All of it as if every answer were good at once.
    """

    samples: int
    runs: int
    parallel: int
    stages: int
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float
    prices_known: bool
    request_bytes: int
    rows_per_file: int | None
    files: int | None
    days: float | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def plan_campaign(
    campaign: Campaign, labels: LabelSchema, parallel: int, execution: ExecutionOptions | None = None
) -> CampaignPlan:
    """Estimate from the first items: real requests, and texts as long as the offline author's."""
    settings, execution = campaign.settings, execution or ExecutionOptions()
    parallel = campaign.limit_parallel(parallel)
    runs = list(campaign.list_runs())
    guess = estimate_run(settings, labels)
    stages = len(settings.build_stages(labels))
    asked = [
        len(orjson.dumps(request.batch_line)) + 1
        for run in runs[:1]
        for item in range(min(TRIED_ITEMS, run.settings.samples))
        for request, _ in preview_item(run.settings, labels, item)
    ]
    size = max(asked, default=0)
    rows = files = days = None
    if settings.provider != OFFLINE and settings.mode == "batch":
        profile = find_profile(settings.provider)
        rows = count_rows(profile, size)
        files = sum(stages * ceil(run.settings.samples / rows) for run in runs)
        days = ceil(len(runs) / parallel) * stages * _read_days(settings.window or profile.windows[0])
    elif settings.provider != OFFLINE:
        minutes = [
            amount / limit
            for amount, limit in (
                (guess.requests, execution.requests_per_minute),
                (guess.tokens_in + guess.tokens_out, execution.tokens_per_minute),
            )
            if limit
        ]
        days = max(minutes) / _MINUTES_A_DAY if minutes else None
    return CampaignPlan(
        settings.samples,
        len(runs),
        parallel,
        stages,
        guess.requests,
        guess.tokens_in,
        guess.tokens_out,
        guess.cost,
        guess.prices_known,
        size,
        rows,
        files,
        days,
    )


def _read_days(window: str) -> float:
    """Days of a completion window such as `24h`."""
    return float(window.removesuffix("h")) / 24
