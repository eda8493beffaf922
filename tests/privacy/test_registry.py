"""No store is forgotten: whatever our code puts into a workspace belongs to one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.registry import STORES, find_store, list_unknown
from tests.privacy.canary import fill_workspace

ROOT = Path(__file__).parents[2]
FOLDERS = (
    "annotation",
    "generators",
    "predictors",
    "evaluation",
    "masking",
    "training",
    "serving",
    "dashboards",
    "cli",
)
CONSTANTS = {"FOLDER": ".dashboard", "_NOTE": "label-change.json"}


def list_entries() -> Iterator[tuple[str, str]]:
    """`<workspace>.root / "name"` anywhere in the code, and the properties of `Workspace`: file and name."""
    for path in sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")):
        code = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(code)) if ".root" in code else ():
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and is_root(node.left):
                name = read_name(node.right)
                if name:
                    yield str(path.relative_to(ROOT)), name


def is_root(node: ast.expr) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr != "root":
        return False
    owner = ast.unparse(node.value)
    return "workspace" in owner or owner == "self"


def read_name(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return CONSTANTS.get(node.id, "") if isinstance(node, ast.Name) else ""


def test_every_place_that_the_code_names_belongs_to_a_store() -> None:
    entries = sorted(set(list_entries()))
    assert {name for _, name in entries} >= {
        "annotation_samples",
        "pushed",
        "backups",
        "training",
        "models",
        ".dashboard",
    }
    assert [f"{file} writes {name}/" for file, name in entries if not find_store(name)] == [], "privacy/registry.py"


def test_no_place_belongs_to_two_stores() -> None:
    entries = [entry for store in STORES for entry in store.entries]
    assert len(entries) == len(set(entries))
    assert len({store.name for store in STORES}) == len(STORES)


def test_what_belongs_to_none_is_named(tmp_path: Path, labels: LabelSchema) -> None:
    workspace = fill_workspace(tmp_path / "data", labels)
    assert list(list_unknown(workspace)) == []
    (workspace.root / "mine").mkdir()
    assert list(list_unknown(workspace)) == [workspace.root / "mine"]
    assert list(list_unknown(Workspace(tmp_path / "none"))) == []
