from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goldspan.annotation.uploads import list_uploads
from goldspan.cli.main import run
from goldspan.cli.shared.exits import Exit
from goldspan.privacy.erase import find_person

REPO = "dataiku/kiji-pii-training-data"


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        run([str(argument) for argument in arguments])
    return int(caught.value.code or 0)


def row(name: str) -> dict[str, Any]:
    mask = [{"value": name, "label": "FIRSTNAME"}]
    text = f"{name} is {len(name)} letters long, says {name}."
    return {"text": text, "privacy_mask": mask, "coreferences": [], "language": "English", "country": ""}


@pytest.fixture
def workspace(hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDSPAN_DATA", str(tmp_path / "data"))
    buffer = io.BytesIO()
    rows = [row("Ann"), row("Beatrix"), {**row("Carl"), "text": "nobody"}]
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    files = {f"data/{name}-00000-of-00001.parquet": buffer.getvalue() for name in ("train", "test")}
    hub.add(REPO, {"README.md": b"---\nlicense: apache-2.0\n---\n", **files})
    return tmp_path / "data"


def test_download_and_upload(hub: Any, workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("hub", "download", "--repo-id", REPO, "--splits", "train")
    assert call(*command, "--json") == Exit.REFUSED_SOME
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["samples"], document["rejected"]) == (3, 2, {"unaligned_value": 1})
    assert len(list((workspace / "annotation_samples").glob("*.jsonl"))) == 1
    assert call(*command) == Exit.REFUSED_SOME
    spoken = capsys.readouterr()
    assert "3 rows = 2 samples + 1 rejected" in spoken.err
    assert "does not stand in the text" in spoken.out
    assert call("hub", "download", "--repo-id", REPO, "--splits", "train", "--layout", "dirs") == Exit.FAILED

    samples = workspace / "annotation_samples"
    publish = ("hub", "upload", samples, "--repo-id", "acme/gold", "--test-split-ratio", "0.5")
    assert call(*publish) == Exit.FAILED
    assert "--create-repo" in capsys.readouterr().err
    assert call(*publish, "--create-repo", "--license", "apache-2.0") == Exit.OK
    assert hub.url in capsys.readouterr().out
    assert hub.repositories["acme/gold"].private
    assert b"license: apache-2.0" in hub.files("acme/gold")["README.md"]
    assert call(*publish, "--json") == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["samples"] == 2
    assert set(document["files"]) <= set(hub.files("acme/gold"))
    assert document["folder"] == ""
    uploads = [upload for _, upload in list_uploads(workspace)]
    assert [(one.kind, one.service, one.name, len(one.samples)) for one in uploads] == [
        ("data set", hub.url, "acme/gold", 2)
    ] * 2
    assert all(document["address"].endswith(one.revision) or one is uploads[0] for one in uploads)
    assert find_person("Beatrix", data=workspace).remains[-1].place.startswith(f"data set {hub.url} acme/gold")
