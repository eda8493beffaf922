"""Licences and the bill of materials, from installed metadata only."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from licences import REVIEWED, fits, list_installed  # noqa: E402


@pytest.mark.parametrize(
    "licences", [["MIT"], ["Apache Software License", "BSD License"], ["MPL-2.0", "MIT"], ["PSF-2.0"]]
)
def test_licences_that_fit(licences: list[str]) -> None:
    assert fits(licences)


@pytest.mark.parametrize("licences", [[], ["GPL-3.0-only"], ["MIT", "AGPL-3.0"], ["LGPL-3.0-only"], ["Proprietary"]])
def test_licences_that_do_not(licences: list[str]) -> None:
    assert not fits(licences)


def test_no_installed_licence_is_unreviewed() -> None:
    assert [name for name, _, licences in list_installed() if not fits(licences) and name not in REVIEWED] == []


def test_the_bill_of_materials_names_what_is_installed_and_is_the_same_twice(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        subprocess.run([sys.executable, SCRIPTS / "sbom.py", file], check=True, cwd=tmp_path)
    assert files[0].read_bytes() == files[1].read_bytes()
    document = json.loads(files[0].read_bytes())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in document["components"]}
    assert components["orjson"]["version"] == version("orjson")
    assert "pytest" not in components
    references = {component["bom-ref"] for component in components.values()}
    assert len(references) == len(components)
    known = {entry["ref"] for entry in document["dependencies"]}
    assert references <= known
    assert all(other in known for entry in document["dependencies"] for other in entry["dependsOn"])
    assert all(component["licenses"] for name, component in components.items() if name not in REVIEWED)
