from __future__ import annotations

import json
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Author, Sample
from goldspan.cli.main import run

LABELS = load_labels()
CSV = 'text,language,country\n"Ann (42 years old), ann@example.com",en,US\n"Jan, tel. 06-12345678",nl,NL\n'


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def read(path: Path) -> list[Sample]:
    return list(read_samples([path], LABELS))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_peoples_own_texts_become_samples_with_predictions(texts: Path, tmp_path: Path) -> None:
    assert call("annotate", texts, "--data", tmp_path / "data") == 0
    first, second = read(tmp_path / "data" / "annotation_samples" / "mine-regex.jsonl")
    assert [(e.label, first.text[e.start : e.end]) for e in first.predictions[0].entities] == [
        ("AGE", "42"),
        ("EMAIL", "ann@example.com"),
    ]
    assert first.predictions[0].author == Author.model("regex-1")
    assert second.country == "NL"


def test_an_output_is_kept_unless_asked(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.jsonl"
    assert call("annotate", texts, "-o", output) == 0
    assert call("annotate", texts, "-o", output) == 1
    assert "--force" in capsys.readouterr().err
    assert call("annotate", texts, "-o", output, "--force") == 0


def test_several_files_go_to_a_folder(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Write to bo@example.com", encoding="utf-8")
    assert call("annotate", texts, letter) == 1
    assert "--output FOLDER" in capsys.readouterr().err
    assert call("annotate", texts, letter, "--language", "en", "-o", tmp_path / "out") == 0
    assert len(list(read_samples([tmp_path / "out"], LABELS))) == 3


def test_annotating_again_replaces_the_models_own_reading_only(texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    call("annotate", texts, "-o", output)
    again = tmp_path / "again.jsonl"
    assert call("annotate", output, "-o", again) == 0
    assert [len(sample.predictions) for sample in read(again)] == [1, 1]


def test_json_for_machines(texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("annotate", texts, "-o", tmp_path / "out.jsonl", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["written"], document["entities"], document["model_version"]) == (2, 3, "regex-1")
    assert document["without_prediction"] == document["refused"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--predictor", "regexp"], "Did you mean regex"),
        (["--option", "model=m"], "has no option model"),
        (["--predictor", "llm"], "--option model=NAME"),
        (["--option", "model"], "takes KEY=VALUE"),
    ],
)
def test_wrong_options_say_what_is_right(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    output = tmp_path / "out.jsonl"
    assert call("annotate", texts, "-o", output, *arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert not output.exists()


def test_a_predictor_that_fails_leaves_the_text_without_prediction(
    texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.jsonl"
    nobody = ["--predictor", "llm", "--option", "model=m", "--option", "api_url=http://127.0.0.1:9"]
    nobody += ["--data", str(tmp_path / "data")]
    code = call("annotate", texts, "-o", output, *nobody)
    assert code == 3
    assert "has no pre-annotation" in capsys.readouterr().err
    assert [sample.predictions for sample in read(output)] == [(), ()]


def test_bad_records_are_named_and_the_good_ones_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"text": "ann@example.com", "language": "en"}\n{"text": 1}\n', encoding="utf-8")
    assert call("annotate", path, "-o", tmp_path / "out.jsonl") == 3
    assert "mine.jsonl:2" in capsys.readouterr().err
    assert len(read(tmp_path / "out.jsonl")) == 1


def test_a_file_without_texts_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("", encoding="utf-8")
    assert call("annotate", path, "-o", tmp_path / "out.jsonl") == 1
    assert not (tmp_path / "out.jsonl").exists()
