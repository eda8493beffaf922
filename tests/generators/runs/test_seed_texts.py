"""Own texts as seeds of briefs: read safely, shown as passages, and not to be copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError
from goldspan.annotation.text.tagged import escape_text
from goldspan.generators.offline.model import write_content
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs import seed_texts
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.runs.run import Limits, check_settings
from goldspan.generators.runs.seed_texts import draw_passage, read_passages
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.stages.prose import read_conversation, write_message
from tests.generators.scripted import LABELS, ScriptedExecutor, drive_scripted, make_settings

ENGLISH = (
    "The hive scale showed a loss of two kilograms in the night, which is more than a colony uses in a week of rain. "
    "Robbing was ruled out after the entrance had been made narrower, and the queen was seen the next morning."
)
GERMAN = (
    "Die Stockwaage zeigte in der Nacht einen Verlust von zwei Kilogramm, und das ist mehr als ein Volk in einer Woche "
    "mit Regen verbraucht. Räuberei wurde ausgeschlossen, und die Königin war am nächsten Morgen wieder zu sehen."
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    (own / "deep").mkdir(parents=True)
    (own / "hive.txt").write_text(ENGLISH + "\n\n" + ENGLISH.replace("hive", "second hive"), encoding="utf-16")
    (own / "deep" / "texts.csv").write_text(f'text,language\n"{GERMAN}",de\n"too short",de\n', encoding="utf-8-sig")
    (own / ".hidden.txt").write_text("hidden " * 40, encoding="utf-8")
    (own / "photo.png").write_bytes(b"\x89PNG\x00")
    (own / "link.txt").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "secret.txt").write_text("secret " * 40, encoding="utf-8")
    return own


def test_files_of_all_kinds_are_read_and_nothing_else(folder: Path):
    passages = read_passages(folder, LABELS)
    assert {language for language, _ in passages} == {"und", "de"}
    joined = " ".join(text for _, text in passages)
    assert "hive scale" in joined
    assert "Stockwaage" in joined
    assert not any(word in joined for word in ("hidden", "secret", "too short", "\n"))
    assert all(80 <= len(text) <= 500 for _, text in passages)


def test_passages_are_drawn_by_seed_in_the_language_of_the_brief(folder: Path):
    passages = read_passages(folder, LABELS)
    for language, word in (("en", "hive"), ("de", "Stockwaage")):
        specs = [draw_spec(2, index, [language], LABELS) for index in range(60)]
        drawn = [draw_passage(spec, passages) for spec in specs]
        assert drawn == [draw_passage(spec, passages) for spec in specs]
        assert 30 <= sum(bool(passage) for passage in drawn) <= 54
        assert all(word in passage for passage in drawn if passage)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "There is no"),
        ("short.txt", b"short", "no passage of at least 80"),
        ("latin.txt", "Grüße ".encode("latin-1") * 40, "not UTF-8"),
        ("empty", None, "holds no file with texts"),
        ("large.txt", b"x " * 600, "at most"),
        ("table.csv", b"a,b\n1,2\n", "table.csv"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, monkeypatch, name: str, content: bytes | None, message: str):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name == "empty":
        path.mkdir()
    if name == "large.txt":
        monkeypatch.setattr(seed_texts, "LARGEST_FILE", 1000)
    settings = make_settings(seeds=str(path), provider="compatible", mode="live")
    with pytest.raises(InputError, match=message):
        check_settings(settings, LABELS, Limits())


def test_a_copied_passage_is_not_new(tmp_path: Path, folder: Path):
    settings = make_settings(samples=6, languages=("en",), novelty=0.2, seeds=str(folder), seed=3)

    def answer(request: Request) -> Answer:
        message = read_conversation(request.body["messages"])
        content = write_content(request.body, LABELS)
        if message.stage == "draft" and request.attempt == 1:
            values = "\n".join(
                f"<{v['label']}>{escape_text(v['value'])}</{v['label']}>" for v in message.brief["values"]
            )
            content = json.dumps({"tagged_text": f"{ENGLISH}\n{values}"})
        return Answer(request.custom_id, content=content, tokens_in=1, tokens_out=1, model="m")

    executor = ScriptedExecutor(answer)
    summary = drive_scripted(tmp_path, settings, executor)
    assert summary.progress.by_stage["draft"]["repeated"] == 6
    shown = [request.body["messages"][1]["content"] for request in executor.asked if request.stage == "draft"]
    assert any("hive scale" in message for message in shown)
    later = [request.body["messages"][1]["content"] for request in executor.asked if request.stage != "draft"]
    assert not any("own documents" in message for message in later)
    brief = draw_brief(settings, LABELS, 0)
    assert brief == draw_brief(settings, LABELS, 0)
    assert write_message("review", brief, "x") == write_message("review", {**brief, "passage": ""}, "x")
