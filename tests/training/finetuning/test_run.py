"""Runs against providers that fail: what is paid, what is said, and how a run goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import ConfigurationError, StateError, TerminalServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.uploads import list_uploads
from goldspan.generators.providers.tuning.profiles import find_tuning_profile
from goldspan.generators.providers.tuning.values import JobState
from goldspan.predictors.registry import open_predictor
from goldspan.training.finetuning.files import name_line
from goldspan.training.finetuning.folder import (
    begin_run,
    find_tuning_run,
    list_tuning_runs,
    open_tuning_run,
    read_status,
)
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.plan import plan_tuning
from goldspan.training.finetuning.public import cancel_tuning, drive_run, finetune, finetune_async
from goldspan.training.finetuning.run import TuningOutcome
from tests.training.finetuning.conftest import Start, ask
from tests.training.finetuning.small_tuning import FAST, RUN, find_run, make_settings, tune

PROVIDERS = ("openai", "mistral", "together")
HOUR = 3600.0
UNLUCKY: list[dict[str, Any]] = [
    {"kind": "accept_and_drop", "call": "upload", "count": 1},
    {"kind": "too_many_requests", "call": "tune_create", "count": 1, "retry_after": 0},
    {"kind": "accept_and_drop", "call": "tune_create", "skip": 1, "count": 1},
    {"kind": "list_lag", "seconds": 0.2},
    {"kind": "web_page", "call": "tune_list", "count": 1},
    {"kind": "server_error", "call": "tune_get", "count": 2},
    {"kind": "accept_and_drop", "call": "tune_start", "count": 1},
    {"kind": "short_reply", "call": "tune_events", "count": 1},
    {"kind": "repeated_events"},
    {"kind": "shuffled_events"},
]


def read_jobs(url: str) -> dict[str, Any]:
    return ask(url, "ledger")["jobs"]


def forward(url: str, seconds: float) -> None:
    ask(url, "clock", {"forward": seconds})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_run_goes_on_through_lost_replies_lag_and_odd_answers(root: Path, start: Start, provider: str) -> None:
    url = start(provider, UNLUCKY)
    summary = tune(root, provider, url, grace=60.0)
    jobs = read_jobs(url)
    assert summary.outcome is TuningOutcome.DONE
    assert (jobs["created"], jobs["paid"]) == (1, 1)
    with TuningJournal(find_run(root)) as journal:
        messages = journal.list_messages()
        assert len({message.id for message in messages}) == len(messages) > 4
        assert [message.at for message in messages] == sorted(message.at for message in messages)
        assert journal.list_checkpoints()
        files = {file.file_id for file in journal.list_files()}
    uploads = [upload for _, upload in list_uploads(root / "data")]
    assert {upload.name for upload in uploads} == files
    assert all(upload.samples and upload.kind == "fine-tuning file" for upload in uploads)
    again = tune(root, provider, url)
    assert (again.outcome, again.predictor) == (summary.outcome, summary.predictor)
    assert read_jobs(url)["created"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_job_created_twice_behind_a_lagging_list_is_paid_once(root: Path, start: Start, provider: str) -> None:
    faults = [
        {"kind": "accept_and_drop", "call": "tune_create", "count": 1},
        {"kind": "list_lag", "seconds": 100, "count": 1},
    ]
    url = start(provider, faults, tuning_seconds=24 * HOUR)
    assert tune(root, provider, url, grace=60.0, wait=False).outcome is TuningOutcome.WAITING
    assert read_jobs(url)["created"] == 1
    assert tune(root, provider, url, grace=0.0, wait=False).outcome is TuningOutcome.WAITING
    assert read_jobs(url)["created"] == 2
    forward(url, 200)
    assert tune(root, provider, url, wait=False).outcome is TuningOutcome.WAITING
    for _ in range(3):
        forward(url, 24 * HOUR)
        summary = tune(root, provider, url, wait=False)
    assert summary.outcome is TuningOutcome.DONE
    jobs = read_jobs(url)
    assert (jobs["created"], jobs["paid"], jobs["paid_twice"]) == (2, 1, [])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_create_that_was_not_carried_out_is_made_again_after_a_while(root: Path, start: Start, provider: str) -> None:
    url = start(provider, [{"kind": "server_error", "call": "tune_create", "count": 1}])
    assert tune(root, provider, url, grace=0.05).outcome is TuningOutcome.DONE
    assert read_jobs(url)["created"] == 1
    with TuningJournal(find_run(root)) as journal:
        assert "asked again" in {event["kind"] for event in journal.list_events(50)}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_refused_rows_are_named_by_line_and_sample(root: Path, start: Start, provider: str) -> None:
    url = start(provider, [{"kind": "invalid_rows"}])
    summary = tune(root, provider, url)
    assert summary.outcome is TuningOutcome.FAILED
    assert [problem.line for problem in summary.job.problems] == [1, 3]
    assert "moderation" in summary.job.problems[0].message
    rows = json.loads((find_run(root) / "lines.json").read_bytes())["train"]
    assert rows[2][0] in name_line(find_run(root), 3)
    assert read_jobs(url)["paid"] == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_lost_file_is_uploaded_again(root: Path, start: Start, provider: str) -> None:
    url = start(provider, [{"kind": "file_gone", "call": "tune_create", "count": 1}])
    assert tune(root, provider, url).outcome is TuningOutcome.DONE
    assert read_jobs(url)["paid"] == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_cancelling_ends_the_job_before_it_is_paid(root: Path, start: Start, provider: str) -> None:
    url = start(provider, tuning_seconds=HOUR)
    assert tune(root, provider, url, wait=False).outcome is TuningOutcome.WAITING
    with TuningJournal(find_run(root)) as journal:
        journal.write_settings({"cancelled": True})
    assert tune(root, provider, url, wait=False).outcome is TuningOutcome.WAITING
    forward(url, HOUR)
    assert tune(root, provider, url).outcome is TuningOutcome.CANCELLED
    assert read_jobs(url)["paid"] == 0
    with pytest.raises(StateError, match="ended already: cancelled"):
        cancel_tuning(find_run(root))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_job_that_succeeds_while_it_is_cancelled_is_kept(root: Path, start: Start, provider: str) -> None:
    url = start(provider, [{"kind": "late_cancel"}], tuning_seconds=HOUR)
    tune(root, provider, url, wait=False)
    forward(url, 0.5 * HOUR)
    tune(root, provider, url, wait=False)
    with TuningJournal(find_run(root)) as journal:
        journal.write_settings({"cancelled": True})
    assert tune(root, provider, url, wait=False).outcome is TuningOutcome.WAITING
    forward(url, 2 * HOUR)
    summary = tune(root, provider, url)
    assert summary.outcome is TuningOutcome.DONE
    assert summary.predictor["options"]["model"] == summary.job.output_model != ""


def test_a_lost_job_is_found_and_cancelled(root: Path, start: Start) -> None:
    faults = [{"kind": "accept_and_drop", "call": "tune_create", "count": 1}, {"kind": "list_lag", "seconds": HOUR}]
    url = start("openai", faults, tuning_seconds=24 * HOUR)
    tune(root, "openai", url, grace=600.0, wait=False)
    with TuningJournal(find_run(root)) as journal:
        journal.write_settings({"cancelled": True})
    assert tune(root, "openai", url, grace=600.0, wait=False).outcome is TuningOutcome.WAITING
    forward(url, HOUR)
    assert tune(root, "openai", url, grace=600.0, wait=False).outcome is TuningOutcome.WAITING
    forward(url, 24 * HOUR)
    assert tune(root, "openai", url, grace=600.0).outcome is TuningOutcome.CANCELLED
    jobs = read_jobs(url)
    assert (jobs["created"], jobs["paid"]) == (1, 0)


@pytest.mark.parametrize(
    ("kind", "message", "paid"), [("expired_file", "the training file has expired", 0), ("training_failed", "loss", 1)]
)
def test_a_job_that_fails_says_why(root: Path, start: Start, kind: str, message: str, paid: int) -> None:
    url = start("together", [{"kind": kind}])
    summary = tune(root, "together", url)
    assert summary.outcome is TuningOutcome.FAILED
    assert message in summary.message
    assert read_jobs(url)["paid"] == paid
    assert not summary.predictor


def test_a_key_does_not_follow_a_workspace_to_its_address(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "secret-of-the-user")
    address = "https://tuning.example.org/v1"
    plan = plan_tuning(
        root / "data" / "bundles" / "tiny", make_settings("together", address), load_labels(root / "labels.toml")
    )
    folder = begin_run(_workspace(root), plan, RUN, {"yes": True})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another-user"))
    with pytest.raises(ConfigurationError, match=r"not sent to https://tuning\.example\.org.*--api-url") as caught:
        drive_run(folder, schedule=FAST)
    assert "secret-of-the-user" not in str(caught.value)
    journal = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    assert b"secret-of-the-user" not in journal


def test_an_unknown_status_is_kept_and_polled_on(root: Path, start: Start) -> None:
    url = start("mistral", [{"kind": "unknown_status", "seconds": HOUR}], tuning_seconds=HOUR)
    tune(root, "mistral", url, wait=False)
    forward(url, HOUR)
    assert tune(root, "mistral", url, wait=False).outcome is TuningOutcome.WAITING
    status = read_status(find_run(root)).job
    assert (status.state, status.status) == (JobState.UNKNOWN, "REBALANCING")
    for _ in range(2):
        forward(url, 2 * HOUR)
        summary = tune(root, "mistral", url, wait=False)
    assert summary.outcome is TuningOutcome.DONE
    with TuningJournal(find_run(root)) as journal:
        assert "unknown status" in {event["kind"] for event in journal.list_events(50)}


def test_a_run_that_has_created_nothing_is_cancelled_without_a_call(root: Path, start: Start) -> None:
    url = start("together", [{"kind": "server_error", "call": "upload"}])
    schedule = replace(FAST, outage=0.0)
    with pytest.raises(Exception, match="Nothing is lost"):
        tune(root, "together", url, schedule=schedule)
    summary = cancel_tuning(find_run(root), schedule=FAST)
    assert summary is not None
    assert summary.outcome is TuningOutcome.CANCELLED
    assert read_jobs(url)["created"] == 0


@pytest.mark.parametrize("provider", ["mistral", "together"])
def test_a_quote_above_the_budget_stops_before_anything_is_paid(root: Path, start: Start, provider: str) -> None:
    url = start(provider)
    summary = tune(root, provider, url, model="acme/unlisted", max_cost=1e-6)
    assert summary.outcome is TuningOutcome.BUDGET
    assert "more than --max-cost" in summary.message
    assert read_jobs(url)["paid"] == 0
    assert drive_run(find_run(root), max_cost=5.0, schedule=FAST).outcome is TuningOutcome.DONE
    jobs = read_jobs(url)
    assert (jobs["paid"], jobs["cost"] <= 5.0) == (1, True)


def test_an_account_that_may_not_spend_so_much_is_told_its_limit(root: Path, start: Start) -> None:
    url = start("together", [{"kind": "estimate_refused"}])
    summary = tune(root, "together", url)
    assert summary.outcome is TuningOutcome.BUDGET
    assert "refuses the account. It lets the account spend 0.00" in summary.message
    assert read_jobs(url)["created"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_cost": 0.001}, "Nothing was sent: the run would cost about"),
        ({"max_cost": None}, "Agree with --yes, or give a bound"),
        ({"model": "gpt-unknown"}, "--max-cost cannot be kept: no price is known"),
        ({"model": ""}, "Name the model"),
        ({"epochs": 21}, "from 1 to 20"),
        ({"options": "rank=4"}, "takes no --option rank"),
    ],
)
def test_nothing_is_sent_without_consent_budget_or_sense(
    root: Path, start: Start, changes: dict[str, Any], message: str
) -> None:
    url = start("openai")
    with pytest.raises(ConfigurationError, match=message):
        tune(root, "openai", url, **changes)
    assert "upload" not in ask(url, "stats")["calls"]
    assert not list((root / "data").glob("finetuning/*/train.jsonl"))


@pytest.mark.parametrize("provider", ["openai", "mistral"])
def test_a_retired_model_is_refused_before_the_upload(root: Path, start: Start, provider: str) -> None:
    url = start(provider, [{"kind": "retired_model"}])
    with pytest.raises(ConfigurationError, match=r"shut .* down on 20"):
        tune(root, provider, url)
    assert "upload" not in ask(url, "stats")["calls"]


def test_closed_apis_and_retired_models_are_refused_with_their_day() -> None:
    openai = find_tuning_profile("openai")
    openai.require_open("gpt-4.1-mini-2025-04-14", date(2027, 1, 5))
    with pytest.raises(ConfigurationError, match="since 2027-01-06"):
        openai.require_open("gpt-4.1-mini-2025-04-14", date(2027, 1, 6))
    with pytest.raises(ConfigurationError, match=r"gpt-4\.1-nano on 2026-10-23"):
        openai.require_open("gpt-4.1-nano-2025-04-14", date(2026, 11, 1))
    assert find_tuning_profile("together").find_price("Qwen/Qwen2.5-14B-Instruct") == 0.48
    assert find_tuning_profile("together").find_price("meta-llama/Llama-3.3-70B") == 2.9
    assert find_tuning_profile("together").find_price("acme/unlisted") is None
    assert openai.find_price("gpt-4o-mini-2024-07-18") == 3.0


def test_a_refusal_by_a_deprecated_api_says_since_when(root: Path, start: Start) -> None:
    url = start("mistral", [{"kind": "retired_model", "skip": 1}])
    with pytest.raises(TerminalServiceError, match="has not supported fine-tuning since 2026-06"):
        tune(root, "mistral", url)


def test_a_retired_model_of_together_is_refused_with_the_quote(root: Path, start: Start) -> None:
    url = start("together", [{"kind": "retired_model"}])
    with pytest.raises(TerminalServiceError, match="has been retired"):
        tune(root, "together", url)
    assert read_jobs(url)["created"] == 0


def test_a_provider_that_never_lists_events_does_not_hold_a_run_up(root: Path, start: Start) -> None:
    url = start("openai", [{"kind": "web_page", "call": "tune_events"}])
    assert tune(root, "openai", url).outcome is TuningOutcome.DONE


def test_a_job_without_a_sign_of_life_stops_the_command_and_not_the_job(root: Path, start: Start) -> None:
    url = start("openai", [{"kind": "stuck_job"}])
    with pytest.raises(StateError, match=r"has not moved for .* polls on, `cancel` ends it"):
        tune(root, "openai", url, schedule=replace(FAST, patience=0.0))
    assert read_status(find_run(root)).outcome == ""
    assert find_tuning_run(_workspace(root)) == find_run(root)


def test_another_run_of_the_same_name_is_refused_and_files_are_private(root: Path, start: Start) -> None:
    url = start("together")
    tune(root, "together", url)
    with pytest.raises(StateError, match="another epochs"):
        tune(root, "together", url, epochs=2)
    folder = find_run(root)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "lock"} == {0o600}
    assert [run.outcome for run in list_tuning_runs(_workspace(root))] == ["done"]
    with (
        open_tuning_run(folder),
        pytest.raises(StateError, match="goldspan finetune watch small"),
        open_tuning_run(folder),
    ):
        pass


def test_halting_ends_the_loop_and_the_next_call_goes_on(root: Path, start: Start) -> None:
    url = start("together")
    halt = threading.Event()
    summary = tune(root, "together", url, halt=halt, on_job=lambda job: halt.set())
    assert summary.outcome is TuningOutcome.STOPPED
    assert tune(root, "together", url).outcome is TuningOutcome.DONE
    assert read_jobs(url)["created"] == 1


async def test_the_tuned_model_opens_as_a_predictor(root: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from goldspan.training.methods.fine_tuning import publish_run

    url = start("openai")
    monkeypatch.chdir(root)
    tune(root, "openai", url)
    artifact = publish_run(_workspace(root), find_run(root), root / "labels.toml", lambda line: None)
    assert artifact.method == "fine-tuning"
    assert artifact.record["training"]["price"]["total"] > 0
    assert artifact.record["details"]["model"].startswith("ft:gpt-4o-mini")
    predictor = open_predictor(artifact.folder, load_labels(root / "labels.toml"))
    prediction = await predictor.predict("Call Maria at +44 1 2 3 4 5 6, she is in Paris.")
    await predictor.aclose()
    assert prediction.annotation.author.name.startswith("llm-ft:gpt-4o-mini")
    assert read_status(find_run(root)).job.state is JobState.SUCCEEDED


def test_the_newest_bundle_is_taken_and_a_missing_one_is_named(root: Path, start: Start) -> None:
    settings = make_settings("together", start("together"))
    options = {"labels_file": root / "labels.toml", "data": root / "data", "schedule": FAST}
    assert finetune(None, settings, **options).run == "finetune-1"
    assert asyncio.run(finetune_async(None, settings, **options)).run == "finetune-2"
    with pytest.raises(Exception, match="no bundle nowhere"):
        finetune("nowhere", settings, **options)
    assert RUN not in {run.run for run in list_tuning_runs(_workspace(root))}


def _workspace(root: Path) -> Any:
    from goldspan.annotation.tasks.workspace import Workspace

    return Workspace(root / "data")


def test_a_bound_given_on_the_way_holds_where_nobody_quotes(root: Path, start: Start) -> None:
    """OpenAI says no price: our own highest estimate is held against the bound before the paid call."""
    url = start("openai")
    folder = _begin(root, "openai", url)
    summary = drive_run(folder, max_cost=0.0, schedule=FAST)
    assert summary.outcome is TuningOutcome.BUDGET
    assert "more than --max-cost 0" in summary.message
    assert read_jobs(url)["paid"] == 0
    assert drive_run(folder, max_cost=10.0, schedule=FAST).outcome is TuningOutcome.DONE


@pytest.mark.parametrize("change", [{"max_cost": float("nan")}, {"max_cost": -1.0}, {"price": float("nan")}])
def test_a_bound_or_price_that_is_no_number_is_refused(root: Path, change: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(change))} is at least 0"):
        _begin(root, "openai", "http://127.0.0.1:9/v1", **change)


def test_a_copy_of_a_bundle_that_this_workspace_withdrew_is_not_trained_on(root: Path, start: Start) -> None:
    from goldspan.training.bundle.withdrawal import withdraw

    workspace, copy = _workspace(root), root / "copy"
    shutil.copytree(workspace.bundles / "tiny", copy)
    bundle = workspace.bundles / "tiny"
    withdraw(bundle, json.loads((bundle / "manifest.json").read_bytes()), 1, "", workspace.root)
    with pytest.raises(StateError, match="withdrawn"):
        finetune(
            copy,
            make_settings("openai", start("openai")),
            labels_file=root / "labels.toml",
            data=workspace.root,
            schedule=FAST,
        )


def _begin(root: Path, provider: str, url: str, **changes: Any) -> Path:
    plan = plan_tuning(
        root / "data" / "bundles" / "tiny",
        make_settings(provider, url, **{"max_cost": None, **changes}),
        load_labels(root / "labels.toml"),
    )
    return begin_run(_workspace(root), plan, RUN, {"yes": True})
