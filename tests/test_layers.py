"""The layers hold: no flat import names, no arrow up, and a core that loads without any optional library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
BOUNDARIES = {"labelstudio", "hub", "formats"}
OPTIONAL = ("openai", "label_studio_sdk", "streamlit", "altair", "polars", "datasets", "pyarrow", "huggingface_hub",
            "faker", "spacy", "torch", "matplotlib", "onnxruntime", "tokenizers", "httpx", "aiohttp", "starlette",
            "uvicorn", "tenacity", "fsspec", "pandas")  # fmt: skip
BLOCK = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"blocked: {{name}}", name=name)
sys.meta_path.insert(0, Block())
"""


def list_core_modules() -> list[str]:
    modules = ["goldspan.schemas"]
    for package in ("annotation", "evaluation"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if not BOUNDARIES & set(parts) and path.stem != "__init__":
                modules.append("goldspan." + ".".join(parts))
    return modules


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BLOCK + code], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_block_blocks() -> None:
    assert "blocked: polars" in run("import polars").stderr


def test_every_module_of_the_core_loads_alone() -> None:
    modules = list_core_modules()
    assert len(modules) > 40
    done = run(f"import importlib\nfor name in {modules!r}:\n    importlib.import_module(name)")
    assert done.returncode == 0, done.stderr


def test_tests_of_the_core_pass_alone() -> None:
    files = ["annotation/text/test_tagged.py", "annotation/tasks/test_store.py", "evaluation/matching/test_match.py"]
    options = ["-q", "-p", "no:cacheprovider", *(f"tests/{file}" for file in files)]
    done = run(f"import pytest\nsys.exit(pytest.main({options!r}))")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_distribution_asks_for_nothing_optional() -> None:
    needed = {Requirement(line).name.replace("-", "_") for line in requires("goldspan") or () if "extra ==" not in line}
    assert not needed & set(OPTIONAL)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package that may be broken, with the contracts of the real one."""
    package = tmp_path / "goldspan"
    shutil.copytree(ROOT / "src" / "goldspan", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return package


def test_new_modules_that_break_the_layers_fail_the_check(copy: Path) -> None:
    newcomers = {
        "annotation/newcomer": "",
        "annotation/tasks/newcomer": "from goldspan.generators import journal",
        "annotation/text/newcomer": "import openai",
        "evaluation/scores/newcomer": "from goldspan.evaluation.results import result",
        "predictors/newcomer": "",
    }
    for module, line in newcomers.items():
        (copy / f"{module}.py").write_text(f"{line}\n")
    environment = os.environ | {"PYTHONPATH": str(copy.parent)}
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=copy.parent, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout
    assert "5 broken" in done.stdout
    named = set(re.findall(r"- +goldspan\.(\S+newcomer)", done.stdout))
    assert named == {module.replace("/", ".") for module in newcomers}


def test_no_flat_name_is_ever_imported(request: pytest.FixtureRequest) -> None:
    flat = {path.name for path in (ROOT / "src" / "goldspan").iterdir() if path.is_symlink()}
    assert len(flat) >= 8
    assert not flat & set(sys.modules)


def test_a_flat_import_fails_the_style_check(tmp_path: Path) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "check", "--config", ROOT / "pyproject.toml", "--select", "TID", "--stdin-filename", "x.py", "-"]
    done = subprocess.run(
        command, input="from annotation.types import Sample\n", capture_output=True, text=True, cwd=tmp_path
    )
    assert "TID251" in done.stdout
