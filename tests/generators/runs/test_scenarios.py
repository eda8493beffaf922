"""Situations from a model: kept, not repeated, and broken answers counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.cli.generate.commands import app
from goldspan.generators.providers.live.completions import Completion
from goldspan.generators.providers.protocol import Answer, AnswerState, Request
from goldspan.generators.runs.scenarios import collect_scenarios, read_answer
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.directions import read_scenarios

LABELS = load_labels()
SETTINGS = RunSettings("compatible", 1, languages=("en", "de"), model="m")


class ScriptedAsker:
    """Answers with ten situations a request, each new; every third answer is broken."""

    def __init__(self, already: int = 0) -> None:
        self.asked: list[Request] = []
        self._already = already

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        language = json.loads(request.body["messages"][1]["content"])["language"]
        if request.item % 3 == 0:
            return Completion(Answer(request.custom_id, content="I cannot do that."), cached=False)
        mark = "x" * (request.item + self._already)
        texts = [f"a {language} beekeeper loses hive {mark}{'y' * number}" for number in range(10)]
        texts += ["a  cat\nin a tree.", "a cat in a tree", "short", "long " * 100]
        return Completion(Answer(request.custom_id, content=json.dumps({"scenarios": texts})), cached=False)


def test_situations_are_added_until_there_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "data" / "scenarios.jsonl"
    report = run_sync(collect_scenarios(ScriptedAsker(), SETTINGS, LABELS, 30, path))
    assert report.added == report.total == {"en": 30, "de": 30}
    assert report.unusable == 2
    kept = read_scenarios(path)
    assert all(len(set(listed)) == 30 for listed in kept.values())
    assert kept["en"].count("a cat in a tree") == 1
    again = run_sync(collect_scenarios(ScriptedAsker(20), SETTINGS, LABELS, 5, path))
    assert (again.added["en"], again.total["en"]) == (5, 35)
    assert read_scenarios(path)["en"][:30] == kept["en"]


def test_an_answer_that_failed_in_an_earlier_call_is_passed_over(tmp_path: Path) -> None:
    """It was received and is cached, so asking for it again would fail for ever."""

    class Recovered(ScriptedAsker):
        async def complete(self, request: Request) -> Completion:
            if request.item < 5:
                return Completion(Answer(request.custom_id, AnswerState.FAILED, message="no choices"), cached=True)
            return await super().complete(request)

    report = run_sync(collect_scenarios(Recovered(), SETTINGS, LABELS, 5, tmp_path / "scenarios.jsonl"))
    assert (report.added, report.unusable) == ({"en": 5, "de": 5}, 8)


def test_a_model_that_only_repeats_itself_is_given_up(tmp_path: Path) -> None:
    class Parrot(ScriptedAsker):
        async def complete(self, request: Request) -> Completion:
            self.asked.append(request)
            content = json.dumps({"scenarios": ["the same thing happens again"]})
            return Completion(Answer(request.custom_id, content=content), cached=False)

    parrot = Parrot()
    report = run_sync(collect_scenarios(parrot, SETTINGS, LABELS, 50, tmp_path / "s.jsonl"))
    assert report.added == {"en": 1, "de": 1}
    assert len(parrot.asked) == 8


def test_a_refused_request_ends_it_and_keeps_what_was_there(tmp_path: Path) -> None:
    class Refusing(ScriptedAsker):
        async def complete(self, request: Request) -> Completion:
            return Completion(Answer(request.custom_id, state=AnswerState.FAILED, message="no credit"), cached=False)

    path = tmp_path / "s.jsonl"
    path.write_text('{"language": "en", "scenario": "a cat in a tree"}\n')
    with pytest.raises(ServiceError, match="no credit"):
        run_sync(collect_scenarios(Refusing(), SETTINGS, LABELS, 5, path))
    assert read_scenarios(path) == {"en": ("a cat in a tree",)}


@pytest.mark.parametrize("content", ["", "[]", '{"scenarios": "x"}', '{"scenarios": [1, "a"]}', '{"scenario'])
def test_answers_without_situations_are_none(content: str) -> None:
    assert read_answer(content) is None


def test_the_offline_author_needs_none(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["scenarios", "--provider", "offline", "--data", str(tmp_path)])
    assert result.exit_code != 0
    assert not (tmp_path / "scenarios.jsonl").exists()
