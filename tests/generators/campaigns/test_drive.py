"""Campaigns are run, resumed, stopped by their budget, cancelled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldspan.annotation.errors import ServiceError, StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.locks import try_lock
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.campaigns.campaign import Campaign, begin_campaign, find_lock, read_campaign
from goldspan.generators.campaigns.drive import cancel_campaign, run_campaign
from goldspan.generators.campaigns.status import read_status
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import plan_submission
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.pipeline import RunOutcome
from goldspan.generators.runs.progress import NEVER_BEGUN, read_progress
from goldspan.generators.runs.public import complete_settings
from goldspan.generators.runs.run import Limits
from goldspan.generators.runs.settings import RunSettings
from tests.generators.servers import read_asked, run_server

LABELS = load_labels()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "data")


def begin(workspace: Workspace, settings: RunSettings, run_samples: int, limits: Limits | None = None) -> Campaign:
    campaign = Campaign("c", complete_settings(settings), run_samples, limits or Limits())
    return begin_campaign(workspace, campaign)


def list_samples(workspace: Workspace) -> list[str]:
    files = sorted(workspace.annotation_samples.glob("c-*.jsonl"))
    return [sample.text for sample in read_samples(files, LABELS)]


def test_a_campaign_writes_the_samples_of_all_runs_once(workspace):
    campaign = begin(workspace, RunSettings("offline", 25), 10)
    seen = []
    outcome, status = run_campaign(workspace, campaign, parallel=2, on_progress=seen.append)
    done, dead = status.total.done, status.total.dead
    assert (status.total.state, done + dead) == ("finished", 25)
    assert outcome is (RunOutcome.DEAD_LETTERS if dead else RunOutcome.DONE)
    assert status.states == {"finished": 3}
    assert seen[-1].samples == 25
    texts = list_samples(workspace)
    assert len(set(texts)) == len(texts) == done > 20
    before = [path.stat().st_mtime_ns for path in workspace.annotation_samples.iterdir()]
    assert run_campaign(workspace, campaign)[0] is outcome
    assert [path.stat().st_mtime_ns for path in workspace.annotation_samples.iterdir()] == before


def test_the_budget_holds_for_all_runs_together(workspace, tmp_path):
    with run_server(tmp_path) as address:
        settings = RunSettings("compatible", 40, model="m", api_url=address, price_in=100.0, price_out=100.0, novelty=0)
        campaign = begin(workspace, settings, 20, Limits(max_cost=0.8))
        outcome, status = run_campaign(workspace, campaign, parallel=2)
        assert outcome is RunOutcome.BUDGET
        assert 0 < status.total.done < 40
        assert 0 < status.total.cost <= 0.8
        outcome, status = run_campaign(workspace, begin(workspace, settings, 20, Limits(max_cost=100.0)))
        assert (outcome, status.total.done) == (RunOutcome.DONE, 40)
        asked = read_asked(address)
    assert len(asked) == 2 * 40


def test_live_runs_follow_one_another_so_that_the_limits_of_an_account_hold(workspace, tmp_path):
    at_work = []

    def note(_: object) -> None:
        states = read_status(workspace, campaign).states
        at_work.append(sum(count for state, count in states.items() if state not in ("finished", NEVER_BEGUN)))

    with run_server(tmp_path) as address:
        settings = RunSettings("compatible", 12, model="m", api_url=address, novelty=0)
        campaign = begin(workspace, settings, 4)
        outcome, status = run_campaign(workspace, campaign, parallel=3, on_progress=note)
    assert (outcome, status.total.done) == (RunOutcome.DONE, 12)
    assert max(at_work) == 1


def test_a_provider_that_cannot_be_used_stops_all_runs(workspace):
    settings = RunSettings("compatible", 12, model="m", api_url="http://127.0.0.1:9/v1", novelty=0)
    campaign = begin(workspace, settings, 4)
    with pytest.raises(ServiceError):
        run_campaign(workspace, campaign, parallel=2)
    status = read_status(workspace, campaign)
    assert (status.total.state, status.total.done) == ("unfinished", 0)


def test_a_cancelled_campaign_begins_no_run_until_it_is_resumed(workspace):
    campaign = begin(workspace, RunSettings("offline", 9), 3)
    first = next(campaign.list_runs())
    begin_run(workspace, first.settings, LABELS, first.name)
    assert cancel_campaign(workspace, campaign).total.state == "cancelled"
    outcome, status = run_campaign(workspace, read_campaign(workspace, "c"))
    assert (outcome, status.total.done) == (RunOutcome.CANCELLED, 0)
    _, status = run_campaign(workspace, begin(workspace, RunSettings("offline", 9), 3))
    assert (status.total.state, status.total.done + status.total.dead) == ("finished", 9)
    with pytest.raises(StateError, match="already finished"):
        cancel_campaign(workspace, read_campaign(workspace, "c"))


def test_a_run_that_cannot_be_cancelled_does_not_keep_the_others_open(workspace, monkeypatch):
    monkeypatch.setenv("GOLDSPAN_API_KEY", "k")
    settings = RunSettings("compatible", 9, model="m", mode="batch", api_url="http://127.0.0.1:9/v1", novelty=0)
    campaign = begin(workspace, settings, 3)
    folders = [begin_run(workspace, run.settings, LABELS, run.name) for run in campaign.list_runs()]
    with Journal(folders[0]) as journal:
        plan_submission(journal, "intent", [], state="submitted", batch="batch")
    with pytest.raises(ServiceError, match="could not be reached"):
        cancel_campaign(workspace, campaign)
    states = []
    for folder in folders:
        with Journal(folder) as journal:
            states.append(read_progress(journal).state)
    assert states == ["waiting", "cancelled", "cancelled"]


def test_a_campaign_that_is_started_again_without_prices_keeps_its_own(workspace):
    settings = RunSettings("compatible", 9, model="m", mode="batch", price_in=1.0, price_out=2.0)
    begin(workspace, settings, 3, Limits(max_cost=1.0))
    again = begin(workspace, replace(settings, price_in=None, price_out=None), 3)
    assert (again.settings.price_in, again.limits.max_cost) == (1.0, 1.0)


def test_one_process_runs_a_campaign(workspace):
    campaign = begin(workspace, RunSettings("offline", 4), 2)
    lock = try_lock(find_lock(workspace, "c"))
    assert lock
    with pytest.raises(StateError, match="Another process is running campaign c"):
        run_campaign(workspace, campaign)
    lock.release()
    assert run_campaign(workspace, campaign)[1].total.finished
