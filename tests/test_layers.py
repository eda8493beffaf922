"""The two lower floors need no Label Studio, no model client, no dashboard: they load with none of them installed."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    "file", ["annotation/text/test_tagged.py", "annotation/tasks/test_store.py", "evaluation/matching/test_match.py"]
)
def test_tests_of_the_core_pass_alone(file: str) -> None:
    done = run(f"import pytest\nsys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'tests/{file}']))")
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_distribution_asks_for_nothing_optional() -> None:
    needed = {Requirement(line).name.replace("-", "_") for line in requires("goldspan") or () if "extra ==" not in line}
    assert not needed & set(OPTIONAL)
