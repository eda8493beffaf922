"""Every command that writes samples into a workspace refuses what was erased from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tombstones import add_tombstones
from goldspan.cli.main import run
from tests.privacy.canary import NAME, grep, list_samples

MIX = 'samples = 20\n[sources.own]\nfiles = ["{source}"]\nshare = 1.0\n'
ENGINE = ("--engine", "local")
COMMANDS = {
    "mix": ("samples", "mix", "{mix}", "-o", "{root}/mixed.jsonl"),
    "noise": ("samples", "noise", "{source}", "-o", "{root}/noisy.jsonl", "--kind", "quoted"),
    "split": ("samples", "split", "{source}", "-o", "{root}/parts"),
    "dedupe": ("samples", "dedupe", "{source}", "-o", "{root}/unique.jsonl"),
    "import": ("samples", "import", "{source}", "-o", "{root}/again.jsonl", "--language", "en"),
    "shards of dedupe": ("samples", "dedupe", "{source}", "-o", "{root}/unique", *ENGINE),
    "shards of split": ("samples", "split", "{source}", "-o", "{root}/parts", *ENGINE),
    "shards of import": ("samples", "import", "{source}", "-o", "{root}/imported", "--language", "en", *ENGINE),
    "shards of annotate": ("annotate", "{source}", "-p", "regex", "-o", "{root}/read", "--data", "{root}", *ENGINE),
    "shards made": ("shards", "make", "{source}", "-o", "{root}/shards"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_erased_person_does_not_come_in(tmp_path: Path, labels: LabelSchema, command: str) -> None:
    source, mix, root = tmp_path / "source.jsonl", tmp_path / "mix.toml", tmp_path / "data"
    write_samples(source, list_samples(), labels)
    mix.write_text(MIX.format(source=source))
    add_tombstones(root, [("term", NAME)])
    given = [part.format(source=source, mix=mix, root=root) for part in COMMANDS[command]]
    with pytest.raises(SystemExit) as ended:
        run(given)
    assert ended.value.code in {0, 3}
    written = [path for path in root.rglob("*.jsonl") if "privacy" not in path.parts]
    assert any(b"Nora" in path.read_bytes() or b"NORA" in path.read_bytes() for path in written)
    assert grep(root) == []
