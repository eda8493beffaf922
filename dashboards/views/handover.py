"""Hand-over: frozen versions and the gate verdict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from goldspan.annotation.files import find_json
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.coverage import find_reviewed, find_unreviewed
from goldspan.training.gate.verdict import GateVerdict, show_bound, show_found

CRITERION_LINKS = {
    "samples": "/queue",
    "coverage": "/coverage",
    "acceptance": "/quality",
    "agreement": "/disagreement",
    "lint.errors": "/explore?state=errors",
    "lint.warnings_per_100": "/explore?state=warnings",
    "leakage": "/explore?state=repeated+skeleton",
}
"""Pages that show what is behind a criterion of the gate, by its name or section."""

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Version:
    """A frozen version as described by its manifest; missing fields are empty."""

    name: str
    samples: int
    gate: str
    data: str
    split: str
    sizes: str


def link_criterion(name: str) -> str:
    """Find the page that shows what is behind a criterion; the gate's own page if there is none."""
    return CRITERION_LINKS.get(name) or CRITERION_LINKS.get(name.partition(".")[0], "/hand-over")


def list_versions(workspace: Workspace) -> list[Version]:
    """List the frozen versions, newest last; equal times are sorted by name, v9 before v10."""
    paths = sorted(workspace.bundles.glob("*/manifest.json"), key=_find_age)
    return [_describe(path.parent.name, find_json(path)) for path in paths]


def count_handed_over(workspace: Workspace) -> int:
    """Count the samples of the newest frozen version."""
    versions = list_versions(workspace)
    return versions[-1].samples if versions else 0


def _find_age(path: Path) -> tuple[int, list[tuple[int, str]]]:
    name = [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(path.parent.name)]
    try:
        return path.parent.stat().st_mtime_ns, name
    except OSError:
        return 0, name


def _describe(name: str, manifest: dict[str, Any]) -> Version:
    data, split, gate = (_pick(manifest, section) for section in ("data", "split", "gate"))
    samples = data.get("samples")
    sizes = [f"{part} {size}" for part, size in _pick(split, "sizes").items() if isinstance(size, int)]
    return Version(
        name,
        samples if isinstance(samples, int) else 0,
        str(gate.get("verdict", "")),
        str(data.get("fingerprint", ""))[:12],
        str(split.get("fingerprint", ""))[:12],
        ", ".join(sizes),
    )


def _pick(document: dict[str, Any], section: str) -> dict[str, Any]:
    value = document.get(section)
    return value if isinstance(value, dict) else {}


def count_best_entities(mirror: Mirror) -> dict[tuple[str, str], int]:
    """Count entities of the best annotation of each sample, by label and language."""
    entities = pl.concat([find_reviewed(mirror), find_unreviewed(mirror)])
    counts = entities.group_by(pl.col("label", "language").cast(pl.String)).len()
    return {(label, language): count for label, language, count in counts.iter_rows()}


def tabulate_verdict(verdict: GateVerdict) -> pl.DataFrame:
    """One row per criterion: passed, question, found, wanted, detail and the command that fixes it."""
    rows = [
        {
            "passed": criterion.passed,
            "criterion": criterion.question,
            "found": show_found(criterion),
            "wanted": show_bound(criterion),
            "detail": criterion.detail,
            "command": "" if criterion.passed else criterion.fix,
        }
        for criterion in verdict.criteria
    ]
    schema = {
        "passed": pl.Boolean,
        "criterion": pl.String,
        "found": pl.String,
        "wanted": pl.String,
        "detail": pl.String,
        "command": pl.String,
    }
    return pl.DataFrame(rows, schema=schema)
