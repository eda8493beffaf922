"""What a campaign is made of, and its file."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, StateError, UnknownNameError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.campaigns.campaign import Campaign, begin_campaign, list_campaigns, read_campaign
from goldspan.generators.runs.run import Limits
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.plan import SamplePlan


@given(st.integers(1, 5000), st.integers(1, 700), st.integers(-3, 3))
def test_runs_hold_all_samples_with_seeds_of_their_own(samples, run_samples, seed):
    runs = list(Campaign("c", RunSettings("offline", samples, seed), run_samples).list_runs())
    assert sum(run.settings.samples for run in runs) == samples
    assert max(run.settings.samples for run in runs) <= run_samples
    assert len({run.settings.seed for run in runs}) == len({run.name for run in runs}) == len(runs)


def test_campaigns_of_neighbouring_seeds_share_no_run(tmp_path):
    first, second = (Campaign("c", RunSettings("offline", 900, seed), 100) for seed in (0, 1))
    seeds = [{run.settings.seed for run in campaign.list_runs()} for campaign in (first, second)]
    assert seeds[0].isdisjoint(seeds[1])


def test_the_file_gives_the_same_campaign(tmp_path):
    workspace = Workspace(tmp_path)
    campaign = Campaign("c", RunSettings("offline", 20, languages=("en", "de")), 8, Limits(2.5, None))
    begin_campaign(workspace, campaign)
    assert read_campaign(workspace) == read_campaign(workspace, "c") == campaign
    assert list_campaigns(workspace) == ["c"]
    raised = begin_campaign(workspace, replace(campaign, limits=Limits(4.0, 900)))
    assert raised.limits == Limits(4.0, 900)
    assert begin_campaign(workspace, replace(campaign, limits=Limits())).limits == raised.limits


@pytest.mark.parametrize(
    "change", [{"samples": 21}, {"seed": 1}, {"languages": ("en",)}, {"provider": "openai"}, {"review": True}]
)
def test_other_settings_are_refused_by_name(tmp_path, change):
    workspace, settings = Workspace(tmp_path), RunSettings("offline", 20, languages=("en", "de"))
    begin_campaign(workspace, Campaign("c", settings, 8))
    with pytest.raises(StateError, match=next(iter(change))):
        begin_campaign(workspace, Campaign("c", replace(settings, **change), 8))
    with pytest.raises(StateError, match="run_samples was 8, now 9"):
        begin_campaign(workspace, Campaign("c", settings, 9))


def test_what_cannot_be_a_campaign_is_refused(tmp_path):
    workspace, settings = Workspace(tmp_path), RunSettings("offline", 20)
    with pytest.raises(InputError, match="cannot name"):
        begin_campaign(workspace, Campaign("../c", settings))
    with pytest.raises(InputError, match="fill gaps"):
        begin_campaign(workspace, Campaign("c", replace(settings, plan=SamplePlan(()))))
    with pytest.raises(StateError, match="There is no campaign"):
        read_campaign(workspace)
    begin_campaign(workspace, Campaign("c", settings))
    with pytest.raises(UnknownNameError):
        read_campaign(workspace, "d")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 1}', b'{"format": 2, "settings": {}}'])
def test_a_broken_file_is_named(tmp_path, content):
    workspace = Workspace(tmp_path)
    begin_campaign(workspace, Campaign("c", RunSettings("offline", 20)))
    (workspace.runs / "c.campaign.json").write_bytes(content)
    with pytest.raises(StateError, match=r"c\.campaign\.json"):
        read_campaign(workspace, "c")
