from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.cli.main import run


def call(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 0


def test_long_texts_are_warned_of_and_split_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "long.jsonl", tmp_path / "out.jsonl"
    text = "Ann lives in Lyon. " + "".join(f"She wrote letter {n}. " for n in range(700))
    source.write_text(json.dumps({"text": text, "label": [[0, 3, "FIRSTNAME"], [13, 17, "CITY"]]}) + "\n")
    arguments = ["samples", "import", str(source), "--language", "en", "-o", str(target), "--force"]
    call(arguments)
    assert "--split-over" in capsys.readouterr().err
    call([*arguments, "--split-over", "4000"])
    assert "1 texts were split" in capsys.readouterr().err
    parts = list(read_samples(target, load_labels()))
    assert [part.provenance["part"] for part in parts] == ["1/4", "2/4", "3/4", "4/4"]
    assert "".join(part.text for part in parts) == text
    assert [len(part.annotations[0].entities) for part in parts] == [2, 0, 0, 0]


GERMAN = "Der Brief ist von der Frau aus dem Haus und nicht von dem Mann, der mit ihr in die Stadt gefahren ist."


@pytest.mark.parametrize(
    ("options", "advice"),
    [(("--language", "en"), "--language de --force"), ((), "correct the language in the file")],
)
def test_texts_in_another_language_than_they_are_said_to_be_are_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], advice: str
) -> None:
    file, output = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    given = {} if options else {"language": "en"}
    texts = [GERMAN, f"{GERMAN} Noch einmal.", "This is a letter from the woman in the house and not from the man."]
    file.write_text("".join(json.dumps({"text": text, **given}) + "\n" for text in texts))
    with pytest.raises(SystemExit) as ended:
        run(["samples", "import", str(file), "-o", str(output), *options])
    assert not ended.value.code
    said = " ".join(capsys.readouterr().err.split())
    assert "2 of 3 texts said to be 'en' look like 'de'" in said
    assert advice in said


@pytest.mark.parametrize("stem", ["E-Mails März", "a[bold] :smile:", "it's; $HOME", "-x"])
def test_the_next_commands_take_any_file_name(
    stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mails.txt").write_text("Dear Ms Lee, the order is here.")
    call(["samples", "import", "mails.txt", "--language", "en", f"--output={stem}.jsonl"])
    line = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("Next: "))
    for command in line.removeprefix("Next: ").split(" · "):
        assert Path(shlex.split(command)[-1]).resolve() == tmp_path / f"{stem}.jsonl"
