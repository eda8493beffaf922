"""Write a software bill of materials: every distribution that Goldspan can need, with version, licence and hash.

    python scripts/sbom.py FILE.cdx.json

CycloneDX 1.6 in JSON, from the metadata of the environment it runs in. The document holds no time and no path: the same
environment gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from licences import find_licences, fits
from packaging.requirements import Requirement

ROOT = "goldspan"


def normalise(name: str) -> str:
    """The name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def list_requirements(found: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Names that a distribution requires here, with their extras."""
    for line in found.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield normalise(requirement.name), frozenset(requirement.extras)


def collect() -> tuple[dict[str, Distribution], dict[str, list[str]]]:
    """What is installed of Goldspan's requirements, all extras but `dev` included, and what depends on what."""
    found = {ROOT: distribution(ROOT)}
    graph: dict[str, set[str]] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    waiting = [(ROOT, frozenset(found[ROOT].metadata.get_all("Provides-Extra") or ()) - {"dev"})]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in done or not _is_installed(name, found):
            continue
        done.add((name, extras))
        needed = [
            (other, more) for other, more in list_requirements(found[name], extras) if _is_installed(other, found)
        ]
        graph.setdefault(name, set()).update(other for other, _ in needed)
        waiting += needed
    return found, {name: sorted(others) for name, others in graph.items()}


def _is_installed(name: str, found: dict[str, Distribution]) -> bool:
    try:
        found.setdefault(name, distribution(name))
    except PackageNotFoundError:
        return False
    return True


def describe(name: str, found: Distribution) -> dict[str, Any]:
    """One component."""
    licences = find_licences(found)
    entry: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{found.version}",
        "name": name,
        "version": found.version,
        "purl": f"pkg:pypi/{name}@{found.version}",
        "licenses": [{"license": {"name": licence}} for licence in licences],
    }
    if summary := found.metadata.get("Summary"):
        entry["description"] = summary
    if not fits(licences):
        entry["properties"] = [{"name": "goldspan:licence-review", "value": "see scripts/licences.py"}]
    if record := found.read_text("RECORD"):
        lines = sorted(line for line in record.splitlines() if "sha256=" in line and ".dist-info/" not in line)
        digest = hashlib.sha256("\n".join(lines).encode()).digest()
        value = base64.b64encode(digest).decode()
        entry.setdefault("properties", []).append({"name": "goldspan:sha256-of-installed-files", "value": value})
    return entry


def make_document() -> dict[str, Any]:
    """The whole document."""
    found, graph = collect()
    components = [describe(name, found[name]) for name in sorted(found) if name != ROOT]
    references = {name: f"pkg:pypi/{name}@{found[name].version}" for name in found}
    content = json.dumps([components, graph], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": {**describe(ROOT, found[ROOT]), "type": "application"}},
        "components": components,
        "dependencies": [
            {"ref": references[name], "dependsOn": [references[other] for other in graph.get(name, ())]}
            for name in sorted(found)
        ],
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(make_document(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
