"""The arithmetic of a campaign."""

from __future__ import annotations

from dataclasses import replace

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.campaigns.campaign import Campaign
from goldspan.generators.campaigns.plan import plan_campaign
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.settings import RunSettings

LABELS = load_labels()
BATCH = RunSettings("doubleword", 1_000_000, model="Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", mode="batch")


def test_a_million_in_batches():
    plan = plan_campaign(Campaign("c", BATCH), LABELS, parallel=5)
    assert (plan.runs, plan.stages, plan.requests) == (20, 2, 2_000_000)
    assert plan.rows_per_file == min(45_000, 180_000_000 // plan.request_bytes)
    assert plan.files == 20 * 2 * -(-50_000 // plan.rows_per_file)
    assert plan.days == 4 * 2 * 1.0
    assert plan.cost == (plan.tokens_in * 0.10 + plan.tokens_out * 0.40) / 1e6


def test_a_campaign_of_nothing_takes_nothing():
    plan = plan_campaign(Campaign("c", replace(BATCH, samples=0)), LABELS, parallel=5)
    assert (plan.runs, plan.requests, plan.files, plan.cost) == (0, 0, 0, 0)


def test_ten_million_cost_ten_times_as_much():
    one = plan_campaign(Campaign("c", BATCH), LABELS, parallel=8)
    ten = plan_campaign(Campaign("c", replace(BATCH, samples=10_000_000)), LABELS, parallel=8)
    assert (ten.runs, ten.requests, ten.tokens_in) == (200, 20_000_000, 10 * one.tokens_in)
    assert ten.files == 10 * one.files


def test_live_time_follows_the_limits_of_the_account():
    live = RunSettings("compatible", 14_400, model="m", mode="live")
    plan = plan_campaign(Campaign("c", live, 100), LABELS, 4, ExecutionOptions(requests_per_minute=20))
    assert (plan.days, plan.parallel) == (1.0, 1)
    assert (plan.files, plan.rows_per_file) == (None, None)
    assert plan_campaign(Campaign("c", live, 100), LABELS, 4).days is None
