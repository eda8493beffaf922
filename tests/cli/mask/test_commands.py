from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.cli.main import run
from goldspan.masking.keys import make_key, parse_key

TEXT = "Write to ann@mail.com or +1 415 555 0132.\n"


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOLDSPAN_MASKING_KEY", raising=False)
    (tmp_path / "a.txt").write_text(TEXT)
    return tmp_path


def test_mask_and_restore_with_a_vault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GOLDSPAN_MASKING_KEY", make_key())
    assert call("mask", "a.txt", "-p", "regex", "--vault", "v", "--json") == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["labels"] == {"EMAIL": 1, "PHONENUMBER": 1}
    assert (folder / "masked" / "a.txt").read_text() == "Write to [EMAIL_1] or [PHONENUMBER_1].\n"
    assert call("mask", "restore", "masked/a.txt", "--vault", "v", "-o", "back") == 0
    assert call("mask", "restore", "masked/a.txt", "--vault", "v", "-o", "again.txt") == 0
    assert Path("again.txt").read_bytes() == Path("back/a.txt").read_bytes()
    assert (folder / "back" / "a.txt").read_text() == TEXT
    (folder / "answer.txt").write_text("Ask [EMAIL_1] and [EMAIL_2]")
    capsys.readouterr()
    assert call("mask", "restore", "answer.txt", "--vault", "v", "-o", "one.txt") == 3
    assert "1 value restored → one.txt" in "".join(capsys.readouterr())
    assert call("mask", "restore", "answer.txt", "--vault", "v") == 3
    assert capsys.readouterr().out == "Ask ann@mail.com and [EMAIL_2]"


def test_a_vault_needs_a_key(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("mask", "a.txt", "-p", "regex", "--vault", "v") == 1
    assert "goldspan mask key" in capsys.readouterr().err
    assert not (folder / "masked").exists()


def test_the_command_names_what_the_predictor_cannot_find(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("mask", "run", "a.txt", "-p", "regex", "--policy", "redact") == 0
    assert "FIRSTNAME" in capsys.readouterr().err
    assert (folder / "masked" / "a.txt").read_text() == "Write to [REDACTED] or [REDACTED].\n"


def test_a_file_that_cannot_be_masked_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in").mkdir()
    (folder / "in" / "b.txt").write_bytes(b"\xff\xfa")
    (folder / "in" / "c.txt").write_text(TEXT)
    assert call("mask", "in", "-p", "regex") == 3
    written = capsys.readouterr()
    assert "b.txt was not masked" in written.err
    assert "1 file not masked, without an output." in written.out + written.err
    assert sorted(file.name for file in (folder / "masked").iterdir()) == ["c.txt", "masking-report.jsonl"]


def test_file_names_with_personal_data_are_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "in" / "ann@mail.com").mkdir(parents=True)
    for name in ("in/ann@mail.com/a.txt", "in/ann@mail.com_2.txt", "in/2024-03-01 minutes.txt"):
        (folder / name).write_text(TEXT)
    assert call("mask", "in", "-p", "regex") == 0
    assert "2 file names with names or addresses of persons" in capsys.readouterr().err
    assert call("mask", "in", "-p", "regex") == 0
    assert "2 file names" in capsys.readouterr().err, "files that are skipped count, too"


def test_columns_and_labels(folder: Path) -> None:
    (folder / "t.csv").write_text("name,note\nVan Dyk,ann@mail.com\n")
    assert call("mask", "t.csv", "-p", "regex", "--field", "name=SURNAME") == 0
    assert (folder / "masked" / "t.csv").read_text() == "name,note\n[SURNAME_1],ann@mail.com\n"
    assert call("mask", "t.csv", "-p", "regex", "--field", "name=NOLABEL", "--force") == 1


def test_the_output_of_one_file_may_be_named(folder: Path) -> None:
    assert call("mask", "a.txt", "-p", "regex", "-o", "out.txt") == 0
    assert (folder / "out.txt").read_text() == "Write to [EMAIL_1] or [PHONENUMBER_1].\n"
    assert call("mask", "a.txt", "-p", "regex", "-o", "out.txt") == 0
    assert call("mask", "a.txt", "-p", "regex", "-o", "a.txt") == 1
    assert (folder / "a.txt").read_text() == TEXT
    (folder / "dir.d").mkdir()
    assert call("mask", "a.txt", "-p", "regex", "-o", "dir.d") == 0
    assert (folder / "dir.d" / "a.txt").exists()


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.txt").write_text("Write to [EMAIL_1].")
    (folder / "bad.html").write_text("Write to ann&#64;mail.com.")
    assert call("mask", "verify", "a.txt", "good.txt", "-p", "regex", "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert call("mask", "verify", "a.txt", "bad.html", "-p", "regex") == 1
    message = capsys.readouterr().err
    assert "EMAIL" in message
    assert "ann" not in message


def test_key_prints_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("mask", "key") == 0
    assert parse_key(capsys.readouterr().out.strip())


def mask_stdin(data: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "goldspan", "mask", "-", "-p", "regex", "--policy", "redact"]
    return subprocess.run(command, input=data, capture_output=True, timeout=120)


def test_stdin_is_masked_to_stdout_and_else_unchanged() -> None:
    line = "Write to ann@mail.com, café 🙂 \r\n"
    done = mask_stdin((line * 2000).encode())
    assert done.returncode == 0
    assert done.stdout.decode() == line.replace("ann@mail.com", "[REDACTED]") * 2000


def test_after_an_error_nothing_of_stdin_comes_out() -> None:
    done = mask_stdin(b"Write to ann@mail.com " + b"\xff bob@mail.com")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"not UTF-8" in done.stderr


def test_stdin_is_masked_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("mask", "-", "a.txt", "-p", "regex") == 1
    assert "alone" in capsys.readouterr().err
