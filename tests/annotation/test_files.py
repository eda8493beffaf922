from __future__ import annotations

import os
from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile, stage_folder, swap_folder, write_atomic


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_atomic(tmp_path / "new" / "deep" / "a.jsonl", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "deep" / "a.jsonl").stat().st_mode & 0o777 == 0o600
    assert [(tmp_path / "new").stat().st_mode & 0o777, (tmp_path / "new" / "deep").stat().st_mode & 0o777] == [
        0o700
    ] * 2


def test_a_file_that_exists_never_gets_more_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for before, after in ((0o644, 0o600), (0o400, 0o400)):
        path.touch()
        path.chmod(before)
        write_atomic(path, b"x")
        assert path.stat().st_mode & 0o777 == after
        path.unlink()


def test_of_two_writers_without_replace_the_second_fails(tmp_path: Path) -> None:
    path = tmp_path / "a"

    def write_late() -> None:
        with AtomicFile(path, replace=False) as stream:
            stream.write(b"second")
            path.write_bytes(b"first")

    with pytest.raises(StateError, match="not written"):
        write_late()
    assert path.read_bytes() == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_folder_takes_the_place_of_another_or_leaves_it(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for content in ("first", "second"):
        with stage_folder(target) as staging:
            (staging / "file").write_text(content)
            swap_folder(staging, target)
    with pytest.raises(StateError, match="cannot be written"), stage_folder(target) as staging:
        (staging / "missing" / "file").write_text("third")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (target / "file").read_text() == "second"


def test_a_folder_set_aside_by_a_killed_swap_is_not_deleted_before_the_next_one_is_there(tmp_path: Path) -> None:
    aside, target = tmp_path / ".model.old", tmp_path / "model"
    aside.mkdir()
    with pytest.raises(FileNotFoundError):
        swap_folder(tmp_path / "missing", target)
    assert target.is_dir()
