from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.corpus.ledger import find_ledger, read_ledger
from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.training.bundle.lineage import list_bundles, open_lineage
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.write import write_bundle
from tests.training.bundle.test_write import make_sample


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [make_sample(number) for number in range(120)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


def freeze(workspace: Workspace, samples: list[Sample], labels: LabelSchema, name: str, extends: str = "") -> dict:
    with open_lineage(workspace, extends) as lineage:
        return write_bundle(workspace.bundles / name, samples, labels, BundleSettings(name), lineage)


def read_assignment(folder: Path) -> dict[str, str]:
    return {path.stem: path.parent.name for path in folder.glob("*/*.json")}


def test_a_grown_version_keeps_the_split(workspace: Workspace, samples: list[Sample], labels: LabelSchema) -> None:
    freeze(workspace, samples[:100], labels, "v1")
    manifest = freeze(workspace, random.Random(2).sample(samples[5:], 115), labels, "v2", extends="v1")
    first, second = (read_assignment(workspace.bundles / name) for name in ("v1", "v2"))
    assert {name: second[name] for name in first if name in second} == {n: s for n, s in first.items() if n in second}
    extends = manifest["split"]["extends"]
    assert (extends["name"], extends["added"], extends["removed"], extends["moved"]) == ("v1", 20, 5, {})
    assert set(read_ledger(find_ledger(workspace)).entries) == set(first) | set(second)
    assert freeze(workspace, samples[:100], labels, "v1")["name"] == "v1"


def test_a_removed_test_sample_comes_back_to_test(
    workspace: Workspace, samples: list[Sample], labels: LabelSchema
) -> None:
    freeze(workspace, samples, labels, "v1")
    held_out = {name for name, split in read_assignment(workspace.bundles / "v1").items() if split == "test"}
    freeze(workspace, [sample for sample in samples if sample.sample_id not in held_out], labels, "v2")
    freeze(workspace, samples, labels, "v3")
    third = read_assignment(workspace.bundles / "v3")
    assert {third[name] for name in held_out} == {"test"}


@pytest.mark.parametrize("extends", ["", "v1"])
def test_a_bundle_without_a_ledger_is_taken_over(
    workspace: Workspace, samples: list[Sample], labels: LabelSchema, extends: str
) -> None:
    write_bundle(workspace.bundles / "v1", samples[:100], labels, BundleSettings("v1", seed=77))
    first = read_assignment(workspace.bundles / "v1")
    freeze(workspace, samples, labels, "v2", extends)
    second = read_assignment(workspace.bundles / "v2")
    assert {name: second[name] for name in first} == first
    entries = read_ledger(find_ledger(workspace)).entries
    assert {name: entries[name].version for name in first} == dict.fromkeys(first, "v1")


def test_a_bundle_of_format_1_can_be_extended(workspace: Workspace, samples: list[Sample], labels: LabelSchema) -> None:
    from goldspan.training.bundle.manifest import dump, seal_manifest

    write_bundle(workspace.bundles / "v1", samples[:100], labels, BundleSettings("v1", seed=5))
    path = workspace.bundles / "v1" / "manifest.json"
    (path.parent / "README.md").unlink()
    manifest = orjson.loads(path.read_bytes()) | {"format": 1}
    del manifest["files"]["README.md"]
    path.write_bytes(dump(seal_manifest(manifest)))
    assert freeze(workspace, samples, labels, "v2", "v1")["split"]["extends"]["added"] == 20


def test_the_newest_bundle_is_the_last_by_number(
    workspace: Workspace, samples: list[Sample], labels: LabelSchema
) -> None:
    for name in ("v10", "v2", "v9"):
        write_bundle(workspace.bundles / name, samples[:20], labels, BundleSettings(name))
    assert [folder.name for folder in list_bundles(workspace)] == ["v2", "v9", "v10"]


def test_what_cannot_be_extended_is_refused(workspace: Workspace, samples: list[Sample], labels: LabelSchema) -> None:
    with pytest.raises(InputError, match=r"no bundle v1.*none yet"):
        freeze(workspace, samples, labels, "v2", "v1")
    freeze(workspace, samples, labels, "v1")
    with pytest.raises(InputError, match="known: v1"):
        freeze(workspace, samples, labels, "v2", "v0")
    (workspace.bundles / "v1" / "test.jsonl").write_text("")
    with pytest.raises(StateError, match="not what the manifest records"):
        freeze(workspace, samples, labels, "v2", "v1")


def test_a_refused_name_leaves_the_ledger_as_it_was(
    workspace: Workspace, samples: list[Sample], labels: LabelSchema
) -> None:
    freeze(workspace, samples[:50], labels, "v1")
    before = find_ledger(workspace).read_bytes()
    with pytest.raises(StateError, match="another --name"):
        freeze(workspace, samples, labels, "v1")
    assert find_ledger(workspace).read_bytes() == before
