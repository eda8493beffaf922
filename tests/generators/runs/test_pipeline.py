from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError, StateError, TransientServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import plan_submission
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.protocol import Answer, AnswerState, Request
from goldspan.generators.runs.folder import begin_run, find_dead_letters, find_run, list_runs, open_run
from goldspan.generators.runs.pipeline import RunAction, RunOutcome, Summary, request_cancel, run_pipeline
from goldspan.generators.runs.progress import list_reasons, read_progress
from goldspan.generators.runs.run import cancel_run, run_generation
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.plan import Cell, SamplePlan
from tests.generators.scripted import LABELS, ScriptedExecutor, answer_well, drive_scripted, make_settings


def test_every_stage_is_asked_and_samples_are_written(tmp_path):
    executor = ScriptedExecutor()
    summary = drive_scripted(tmp_path, make_settings(review=True), executor)
    assert summary.outcome is RunOutcome.DONE
    assert [r.stage for r in executor.asked].count("review") == 6
    samples = list(read_samples([summary.samples], LABELS))
    assert len(samples) + summary.written.duplicates == 6
    sample = samples[0]
    assert sample.predictions[0].author.name == "compatible/m"
    assert [stage["stage"] for stage in sample.provenance["stages"]] == ["draft", "coreference", "review"]
    assert sample.provenance["run"] == "r"


def test_a_schema_without_mentions_is_not_asked_for_coreference(tmp_path):
    file = tmp_path / "labels.toml"
    file.write_text('[labels.PERSON]\nname = "Person"\nchance = 1.0\n')
    labels, workspace = load_labels(file), Workspace(tmp_path)
    folder = begin_run(workspace, RunSettings("offline", 12), labels, "r")
    summary = run_generation(workspace, folder, labels_file=file)
    assert summary.outcome is RunOutcome.DONE
    samples = list(read_samples([summary.samples], labels))
    assert {stage["stage"] for sample in samples for stage in sample.provenance["stages"]} == {"draft"}


def test_two_runs_of_one_seed_ask_the_same_bytes(tmp_path):
    first, second = ScriptedExecutor(), ScriptedExecutor(at_once=1)
    drive_scripted(tmp_path / "a", make_settings(seed=5), first)
    drive_scripted(tmp_path / "b", make_settings(seed=5), second)
    by_id = {r.custom_id: json.dumps(r.body, sort_keys=True) for r in first.asked}
    assert by_id == {r.custom_id: json.dumps(r.body, sort_keys=True) for r in second.asked}
    other = ScriptedExecutor()
    drive_scripted(tmp_path / "c", make_settings(seed=6), other)
    assert not by_id.keys() & {r.custom_id for r in other.asked}


@pytest.mark.parametrize("stop_after", range(0, 12, 3))
def test_resume_asks_only_what_is_missing(tmp_path, stop_after):
    first = ScriptedExecutor(stop_after=stop_after)
    summary = drive_scripted(tmp_path, make_settings(), first)
    assert summary.progress.done < 6
    second = ScriptedExecutor()
    summary = drive_scripted(tmp_path, make_settings(), second)
    assert summary.outcome is RunOutcome.DONE
    asked = [r.custom_id for r in first.asked + second.asked]
    assert len(asked) == len(set(asked)) == 12


def test_bad_answer_is_asked_again_with_its_reason_and_then_dead(tmp_path):
    def script(request: Request) -> Answer:
        if request.item == 2 and request.stage == "coreference":
            return Answer(request.custom_id, content=json.dumps({"tagged_text": "another text"}))
        return answer_well(request)

    executor = ScriptedExecutor(script)
    summary = drive_scripted(tmp_path, make_settings(), executor)
    assert summary.outcome is RunOutcome.DEAD_LETTERS
    assert summary.progress.done == 5
    again = next(r for r in executor.asked if r.item == 2 and r.attempt == 2)
    assert "The text was changed" in again.body["messages"][1]["content"]
    assert len({r.custom_id for r in executor.asked if r.item == 2}) == 4
    with Journal(tmp_path / "runs" / "r") as journal:
        (reason,) = list_reasons(journal)
    assert (reason["stage"], reason["state"], reason["count"]) == ("coreference", "invalid", 3)
    letter = next(read_records(summary.dead_letters)).value
    assert letter["item"] == 2
    assert letter["stage"] == "coreference"
    assert "The text was changed" in letter["reason"]
    assert [a["state"] for a in letter["attempts"]] == ["ok", "invalid", "invalid", "invalid"]

    summary = drive_scripted(tmp_path, make_settings(), ScriptedExecutor(), action=RunAction.RETRY)
    assert summary.outcome is RunOutcome.DONE
    assert not summary.dead_letters.exists()


def test_truncated_answer_gets_more_room_and_no_history(tmp_path):
    def script(request: Request) -> Answer:
        if request.item == 0 and request.stage == "draft" and request.attempt < 3:
            return Answer(request.custom_id, content='{"tagged_text": "half', finish_reason="length")
        return answer_well(request)

    executor = ScriptedExecutor(script)
    assert drive_scripted(tmp_path, make_settings(), executor).outcome is RunOutcome.DONE
    rooms = [r.body["max_tokens"] for r in executor.asked if r.item == 0 and r.stage == "draft"]
    assert rooms == [4096, 8192, 16384]
    assert all("half" not in r.body["messages"][1]["content"] for r in executor.asked)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer("", refusal="I cannot do that"), "refused"),
        (Answer("", finish_reason="content_filter"), "refused"),
        (Answer("", AnswerState.MISSING, error="batch_expired"), "missing"),
        (Answer("", AnswerState.FAILED, error="http_400"), "failed"),
        (Answer("", content="not json"), "invalid"),
        (Answer("", content='{"tagged_text": "<NOSUCH>x</NOSUCH>"}'), "invalid"),
    ],
)
def test_row_states_add_up(tmp_path, answer, state):
    def script(request: Request) -> Answer:
        return replace(answer, custom_id=request.custom_id) if request.item % 2 else answer_well(request)

    summary = drive_scripted(tmp_path, make_settings(attempts=2), ScriptedExecutor(script))
    progress = summary.progress
    assert (progress.done, progress.dead) == (3, 3)
    assert progress.by_stage["draft"][state] == 6
    assert progress.done + progress.dead == progress.samples


def test_budget_stops_before_it_is_broken(tmp_path):
    executor = ScriptedExecutor()
    summary = drive_scripted(tmp_path, make_settings(samples=20), executor, max_tokens=5500)
    assert summary.outcome is RunOutcome.BUDGET
    assert 0 < summary.progress.tokens_in + summary.progress.tokens_out <= 5500
    assert summary.progress.done > 0
    again = make_settings(samples=20)
    summary = drive_scripted(tmp_path, again, ScriptedExecutor(), max_cost=0.0, prices=Prices(1.0, 1.0))
    assert summary.outcome is RunOutcome.BUDGET
    assert drive_scripted(tmp_path, again, ScriptedExecutor()).outcome is RunOutcome.DONE


@given(st.integers(0, 60_000), st.integers(1, 20), st.integers(1, 64))
@settings(max_examples=25, deadline=None)
def test_a_budget_is_used_up_and_begun_items_are_finished(budget, samples, at_once):
    with tempfile.TemporaryDirectory() as folder:
        asked = make_settings(samples=samples, review=True)
        summary = drive_scripted(Path(folder), asked, ScriptedExecutor(at_once=at_once), max_tokens=budget)
        spent = summary.progress.tokens_in + summary.progress.tokens_out
        assert spent <= budget
        assert summary.progress.by_stage.get("draft", {}).get("ok", 0) == summary.progress.done
        if summary.outcome is RunOutcome.BUDGET:
            mean = spent / max(1, summary.progress.done)
            assert budget - spent < 12_000 or budget - spent < 3 * mean
        else:
            assert summary.outcome is RunOutcome.DONE


def test_a_run_is_finished_when_its_files_are_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise StateError("r.jsonl cannot be written: Permission denied.")

    with monkeypatch.context() as patch:
        patch.setattr("goldspan.generators.runs.pipeline.write_output", refuse)
        with pytest.raises(StateError, match="fix that, then `goldspan generate resume r`"):
            drive_scripted(tmp_path, make_settings(), ScriptedExecutor())
    folder = find_run(Workspace(tmp_path))
    with Journal(folder) as journal:
        assert (read_progress(journal).state, read_progress(journal).done) == ("unfinished", 6)
    executor = ScriptedExecutor()
    summary = drive_scripted(tmp_path, make_settings(), executor)
    assert (summary.outcome, executor.asked, summary.samples.exists()) == (RunOutcome.DONE, [], True)


def test_a_cancel_that_fails_leaves_the_run_to_be_cancelled_again(tmp_path):
    class Unreachable(ScriptedExecutor):
        async def cancel(self, queue):
            raise TransientServiceError("nobody answers")

    drive_scripted(tmp_path, make_settings(), ScriptedExecutor(stop_after=2))
    folder = Workspace(tmp_path).runs / "r"
    with Journal(folder) as journal:
        plan_submission(journal, "intent", [], state="submitted", batch="batch")
    with pytest.raises(TransientServiceError):
        drive_scripted(tmp_path, make_settings(), Unreachable(), action=RunAction.CANCEL)
    assert find_run(Workspace(tmp_path)) == folder
    with Journal(folder) as journal:
        assert read_progress(journal).state == "waiting"


def test_a_cancelled_run_stays_cancelled_when_it_is_reconciled(tmp_path):
    drive_scripted(tmp_path, make_settings(), ScriptedExecutor(stop_after=2))
    for task in (RunAction.CANCEL, RunAction.RECONCILE):
        drive_scripted(tmp_path, make_settings(), ScriptedExecutor(), action=task)
        with Journal(Workspace(tmp_path).runs / "r") as journal:
            assert read_progress(journal).state == "cancelled"


def test_the_newest_run_with_dead_letters_is_found(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(StateError, match="No run in"):
        find_dead_letters(workspace)
    drive_scripted(tmp_path, make_settings(attempts=1), ScriptedExecutor(lambda request: answer_badly(request)))
    begin_run(workspace, make_settings(seed=1), LABELS, "newer")
    assert find_dead_letters(workspace).name == "r"


def answer_badly(request: Request) -> Answer:
    return Answer(request.custom_id, content="no", model="m")


def test_batches_at_one_address_are_not_left_for_another(tmp_path):
    workspace, before = Workspace(tmp_path), make_settings(mode="batch", api_url="http://127.0.0.1:1")
    folder = begin_run(workspace, before, LABELS, "r")
    with Journal(folder) as journal:
        plan_submission(journal, "intent", [], state="submitted", batch="batch")
    begin_run(workspace, make_settings(mode="batch", api_url="http://127.0.0.1:1/v1/"), LABELS, "r")
    for address in ("http://127.0.0.1:2", ""):
        with pytest.raises(StateError, match=r"has batches at http://127\.0\.0\.1:1/v1"):
            begin_run(workspace, make_settings(mode="batch", api_url=address), LABELS, "r")


def test_changed_run_is_refused_and_the_difference_named(tmp_path):
    drive_scripted(tmp_path, make_settings(), ScriptedExecutor(stop_after=3))
    with pytest.raises(StateError, match="draft model was m, now other"):
        begin_run(Workspace(tmp_path), make_settings(model="other"), LABELS, "r")
    folder = begin_run(Workspace(tmp_path), make_settings(model="other"), LABELS, "r", new=True)
    assert folder.name == "r-2"


def test_address_may_change_and_the_plan_may_not(tmp_path):
    plan = SamplePlan((Cell("en", "chat", ("CITY",), 6),))
    folder = begin_run(Workspace(tmp_path), make_settings(plan=plan, api_url="http://127.0.0.1:1"), LABELS, "r")
    later = SamplePlan((Cell("en", "invoice", ("IBAN",), 6),))
    assert (
        begin_run(Workspace(tmp_path), make_settings(plan=later, api_url="http://127.0.0.1:2"), LABELS, "r") == folder
    )
    run = open_run(folder)
    with run.journal:
        assert run.settings.plan == plan
        assert run.settings.api_url == "http://127.0.0.1:2"
        plan_submission(run.journal, "intent", [])
    with pytest.raises(StateError, match="has batches at the provider"):
        begin_run(Workspace(tmp_path), make_settings(plan=plan, mode="live"), LABELS, "r")


def test_next_plan_is_a_new_run_once_the_last_is_finished(tmp_path):
    plan = SamplePlan((Cell("en", "chat", ("CITY",), 6),))
    drive_scripted(tmp_path, make_settings(plan=plan), ScriptedExecutor())
    assert begin_run(Workspace(tmp_path), make_settings(plan=plan), LABELS, "r").name == "r-2"


def test_cancel_asked_by_another_process_reaches_the_driver(tmp_path):
    class Patient(ScriptedExecutor):
        cancelled = 0

        async def run(self, queue, stop):
            queue.deliver([answer_well(request) for request in queue.take(2)])
            with Journal(tmp_path / "runs" / "r") as other:
                request_cancel(other)
            await asyncio.wait_for(stop.wait(), 10)

        async def cancel(self, queue):
            self.cancelled += 1

    executor = Patient()
    summary = drive_scripted(tmp_path, make_settings(), executor)
    assert summary.outcome is RunOutcome.CANCELLED
    assert executor.cancelled == 1
    assert summary.progress.by_stage["draft"]["ok"] == 2
    assert drive_scripted(tmp_path, make_settings(), ScriptedExecutor()).outcome is RunOutcome.DONE


def test_one_driver_at_a_time(tmp_path):
    folder = begin_run(Workspace(tmp_path), make_settings(), LABELS, "r")
    run = open_run(folder)
    with pytest.raises(StateError, match="Another process"):
        open_run(folder)
    run.journal.close()
    open_run(folder).journal.close()


def test_a_start_that_is_refused_changes_nothing_of_the_run_that_is_at_work(tmp_path):
    folder = begin_run(Workspace(tmp_path), make_settings(mode="live"), LABELS, "r")
    run = open_run(folder)
    with run.journal:
        with pytest.raises(StateError, match="Another process"):
            begin_run(Workspace(tmp_path), make_settings(mode="batch", attempts=1), LABELS, "r")
        assert RunSettings.from_dict(run.journal.read_settings()["settings"]) == run.settings


def test_prices_stay_known_until_others_are(tmp_path):
    def begin(**changes: object) -> RunSettings:
        folder = begin_run(Workspace(tmp_path), make_settings(**{"mode": "batch", **changes}), LABELS, "r")
        run = open_run(folder)
        run.journal.close()
        return run.settings

    begin(price_in=1.0, price_out=2.0, price_source="a list")
    again = begin()
    assert (again.price_in, again.price_out, again.price_source) == (1.0, 2.0, "a list")
    assert begin(price_in=3.0, price_out=2.0).price_in == 3.0
    assert begin(mode="live").price_in is None


def test_cancelling_a_run_whose_labels_changed_judges_nothing_and_leaves_its_files(tmp_path):
    class Interrupted(ScriptedExecutor):
        async def cancel(self, queue):
            queue.deliver([answer_well(request) for request in left])

    def answer(request: Request) -> Answer | None:
        asked.append(request)
        return answer_well(request) if len(asked) < 4 else left.append(request)

    asked: list[Request] = []
    left: list[Request] = []
    file = tmp_path / "labels.toml"
    town = '[labels.TOWN]\nname = "Town"\nchance = 1.0\nterms = ["Ulm", "Berne"]\n'
    file.write_text(f'[labels.PERSON]\nname = "Person"\n{town}[mentions.PRONOUN]\nname = "Pronoun"\n')
    settings = make_settings(samples=2, languages=("en",), labels_file=str(file))
    folder = begin_run(Workspace(tmp_path), settings, load_labels(file), "r")
    samples = tmp_path / "out.jsonl"

    def drive(action: RunAction) -> Summary:
        run = open_run(folder, may_differ=action.ends_run)
        with run.journal:
            return asyncio.run(
                run_pipeline(run, Interrupted(answer), samples, Budget(Prices()), asyncio.Event(), action)
            )

    assert drive(RunAction.GO).progress.done == 1
    before = samples.read_bytes()
    file.write_text('[labels.PERSON]\nname = "Person"\n')
    summary = drive(RunAction.CANCEL)
    assert summary.outcome is RunOutcome.CANCELLED
    assert "invalid" not in summary.progress.by_stage["coreference"]
    assert (samples.read_bytes(), summary.written.samples) == (before, len(before.splitlines()))


def test_a_run_whose_price_is_not_known_any_more_can_be_cancelled(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDSPAN_API_KEY", "k")
    workspace = Workspace(tmp_path)
    settings = make_settings(mode="live", api_url="http://127.0.0.1:9/v1")
    folder = begin_run(workspace, settings, LABELS, "r")
    with Journal(folder) as journal:
        journal.write_settings({"limits": {"max_cost": 5.0, "max_tokens": None}})
    with pytest.raises(ConfigurationError, match="no prices are known"):
        run_generation(workspace, folder)
    summary = cancel_run(workspace, folder)
    assert summary is not None
    assert summary.outcome is RunOutcome.CANCELLED


def test_newest_unfinished_run_is_found(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(StateError, match="no unfinished run"):
        find_run(workspace)
    drive_scripted(tmp_path, make_settings(), ScriptedExecutor(stop_after=2))
    assert find_run(workspace).name == "r"
    drive_scripted(tmp_path, make_settings(), ScriptedExecutor())
    with pytest.raises(StateError, match="The newest, r, is finished"):
        find_run(workspace)
    assert [p.state for p in list_runs(workspace)] == ["finished"]


def test_second_answer_to_a_row_is_ignored(tmp_path):
    class Twice(ScriptedExecutor):
        async def run(self, queue, stop):
            while not queue.finished:
                answers = [answer_well(request) for request in queue.take(3)]
                queue.deliver(answers + answers)

    summary = drive_scripted(tmp_path, make_settings(), Twice())
    assert summary.outcome is RunOutcome.DONE
    with Journal(tmp_path / "runs" / "r") as journal:
        assert read_progress(journal).tokens_in == 12 * 100


def test_rows_given_back_cost_no_attempt(tmp_path):
    class Hesitant(ScriptedExecutor):
        async def run(self, queue, stop):
            for _ in range(5):
                queue.give_back([request.custom_id for request in queue.take(4)])
            await super().run(queue, stop)

    summary = drive_scripted(tmp_path, make_settings(attempts=1), Hesitant())
    assert summary.outcome is RunOutcome.DONE


def test_trouble_keeps_what_is_done(tmp_path):
    def script(request: Request) -> Answer:
        if request.item == 3:
            raise StateError("the disk is full")
        return answer_well(request)

    with pytest.raises(StateError, match="disk is full"):
        drive_scripted(tmp_path, make_settings(), ScriptedExecutor(script, at_once=1))
    assert (tmp_path / "annotation_samples" / "r.jsonl").exists()
    assert drive_scripted(tmp_path, make_settings(), ScriptedExecutor()).outcome is RunOutcome.DONE


def tamper(request: Request, chance: Random) -> Answer:
    good = answer_well(request)
    bad = (
        replace(good, content=good.content[:-2]),
        replace(good, content='{"tagged_text": "another text"}'),
        replace(good, finish_reason="length"),
        replace(good, refusal="no"),
        Answer(request.custom_id, AnswerState.FAILED, error="http_400"),
        Answer(request.custom_id, AnswerState.MISSING, error="batch_expired"),
    )
    return chance.choice(bad) if chance.random() < 0.4 else good


class Chaotic(ScriptedExecutor):
    """Answers out of order, twice, badly, or not at all; gives back; dies."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self.chance = chance

    async def run(self, queue, stop):
        held: list[Request] = []
        while not queue.finished:
            held += queue.take(self.chance.randint(0, 5))
            self.chance.shuffle(held)
            turn = self.chance.random()
            if turn < 0.05:
                raise TransientServiceError("the server is gone")
            if turn < 0.15:
                queue.give_back(request.custom_id for request in held)
                held = []
            else:
                number = self.chance.randint(0, len(held))
                answers = [tamper(request, self.chance) for request in held[:number]]
                self.asked += held[:number]
                queue.deliver(answers + answers[:1])
                held = held[number:]
            await asyncio.sleep(0)


@given(seed=st.integers(0, 2**32), samples=st.integers(1, 12), attempts=st.integers(1, 3), review=st.booleans())
@settings(max_examples=30, deadline=None)
def test_whatever_happens_the_counts_add_up(seed, samples, attempts, review):
    chance = Random(seed)
    run_settings = make_settings(samples=samples, attempts=attempts, review=review)
    asked: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        while True:
            executor = Chaotic(chance)
            try:
                summary = drive_scripted(Path(folder), run_settings, executor)
                break
            except TransientServiceError:
                asked += [request.custom_id for request in executor.asked]
        asked += [request.custom_id for request in executor.asked]
        progress = summary.progress
        assert progress.done + progress.dead == samples
        assert len(asked) == len(set(asked)) == progress.answered
        assert summary.written.samples + summary.written.duplicates == progress.done
        letters = list(read_records(summary.dead_letters)) if progress.dead else []
        assert len(letters) == progress.dead == summary.written.dead
        assert all(letter.value["reason"] for letter in letters)
        assert all(len(letter.value["attempts"]) >= 1 for letter in letters)
