"""Hand-over: what was pushed, what was frozen, and the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from annotation.workspace import Workspace

if TYPE_CHECKING:
    from training.gate import Verdict


def list_bundles(workspace: Workspace) -> list[dict[str, Any]]:
    """Manifests of the frozen versions, with their folder's name, newest name last."""
    manifests = []
    for path in sorted(workspace.bundles.glob("*/manifest.json")):
        manifests.append({"version": path.parent.name, **_read(path)})
    return manifests


def count_handed_over(workspace: Workspace) -> int:
    """Samples of the newest frozen version."""
    bundles = list_bundles(workspace)
    return count_samples(bundles[-1]) if bundles else 0


def count_samples(manifest: dict[str, Any]) -> int:
    """Samples of one frozen version."""
    return int(manifest.get("data", {}).get("samples", 0))


def tabulate_verdict(verdict: Verdict) -> pl.DataFrame:
    """One row a criterion: passed, question, found, wanted, detail and the command that mends it."""
    rows = [
        {
            "passed": criterion.passed,
            "criterion": criterion.question,
            "found": criterion.value,
            "wanted": f"{'≥' if criterion.at_least else '≤'} {criterion.bound:g}",
            "detail": criterion.detail,
            "mend": "" if criterion.passed else criterion.mend,
        }
        for criterion in verdict.criteria
    ]
    schema = {
        "passed": pl.Boolean,
        "criterion": pl.String,
        "found": pl.Float64,
        "wanted": pl.String,
        "detail": pl.String,
        "mend": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}
