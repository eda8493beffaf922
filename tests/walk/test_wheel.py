"""The wheel: one top-level name, works in an empty environment beside folders that have our old names."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BUILD = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GOLDSPAN_"))}
    done = subprocess.run(
        command, cwd=cwd, env=environment | variables, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout


def build(kind: str, source: Path, target: Path) -> Path:
    return target / run(sys.executable, "-c", BUILD, f"build_{kind}", target, cwd=source).strip().splitlines()[-1]


def list_files(wheel: Path) -> dict[str, int]:
    """Names and checksums of the files, without the record of them."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist() if not info.filename.endswith("RECORD")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel alone; dependencies come from this one by PYTHONPATH."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    return folder / "bin"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's folder, with names that would shadow flat imports."""
    for name in ("schemas", "training", "annotation", "cli"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('this is the user's own')\n")
    (tmp_path / "evaluation.py").write_text("raise ImportError('this is the user's own')\n")
    return tmp_path


def test_the_only_top_level_name_is_goldspan(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in list_files(wheel)}
    assert {name for name in names if not name.endswith(".dist-info")} == {"goldspan"}


def test_a_wheel_from_the_sdist_holds_the_same_files(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", ROOT, tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert list_files(build("wheel", source, tmp_path)) == list_files(wheel)


def test_data_files_are_in_the_wheel(wheel: Path) -> None:
    files = set(list_files(wheel))
    tracked = run("git", "ls-files", "schemas", "annotation", "generators", "predictors", cwd=ROOT).split()
    data = [name for name in tracked if not name.endswith(".py")]
    assert len(data) > 20
    assert {f"goldspan/{name}" for name in data} <= files


def test_it_works_beside_folders_with_our_old_names(installed: Path, project: Path) -> None:
    libraries = sysconfig.get_path("purelib")
    code = (
        "import sys, goldspan; assert sys.path[0] == '';"
        "print(goldspan.__version__, goldspan.__file__, len(goldspan.load_labels().labels),"
        "goldspan.evaluate.__module__, goldspan.freeze.__module__, goldspan.pull.__module__)"
    )
    printed = run(installed / "python", "-c", code, cwd=project, PYTHONPATH=libraries)
    assert str(installed.parent) in printed
    assert "annotate" in run(installed / "goldspan", "--help", cwd=project, PYTHONPATH=libraries)
    assert "EMAIL" in run(installed / "goldspan", "labels", "list", cwd=project, PYTHONPATH=libraries)
    generate = ("generate", "start", "--samples", "3", "--json")
    run(installed / "goldspan", *generate, cwd=project, PYTHONPATH=libraries)
    assert list((project / "data" / "annotation_samples").glob("*.jsonl"))
