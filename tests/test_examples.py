"""The programs in `examples/` run, each in an empty folder, without network and keys."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import goldspan

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(*command: str | Path, cwd: Path, paths: tuple[Path, ...] = ()) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDSPAN_", "LABEL_"))}
    known = environment.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, paths), *filter(None, known)])
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("quickstart.py", ["20 samples in", "0 errors", "regex-1: F1 0."]),
        ("own_texts.py", ["2 samples in own-texts.jsonl", "<EMAIL>buero@example.de</EMAIL>", "<IBAN>"]),
        ("own_labels.py", ["2 labels", "1 sample written", "Unknown label 'DRUG'"]),
    ],
)
def test_an_example_runs(program: str, expected: list[str], tmp_path: Path) -> None:
    printed = run(EXAMPLES / program, cwd=tmp_path)
    for text in expected:
        assert text in printed


def test_the_label_studio_example_says_what_it_needs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "label_studio_project.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "LABEL_STUDIO_URL" in done.stderr


def test_every_example_is_listed() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    entries = {path.name for path in EXAMPLES.iterdir() if not path.name.startswith(("README", "__", "."))}
    assert len(entries) == 6
    assert all(f"({name})" in page for name in entries)


def test_a_predictor_plugin_is_found_by_its_name(tmp_path: Path) -> None:
    plugin = EXAMPLES / "predictor_plugin"
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    wheel = tmp_path / run("-c", build, tmp_path, cwd=plugin).strip().splitlines()[-1]
    installed = tmp_path / "installed"
    run("-m", "zipfile", "-e", wheel, installed, cwd=tmp_path)
    (tmp_path / "mail.txt").write_text("A letter from ACME and IBM.")
    command = ("-m", "goldspan", "annotate", "mail.txt", "--predictor", "capitals", "--language", "en")
    printed = run(*command, "--option", "shortest=4", "--json", cwd=tmp_path, paths=(installed,))
    assert '"model_version": "capitals-1"' in printed
    assert '"entities": 1' in printed
    assert "capitals" in run("-m", "goldspan", "predictors", "list", cwd=tmp_path, paths=(installed,))


DATA = EXAMPLES.parent / "data" / "examples"


@pytest.mark.parametrize("name", ["biomedical", "legal", "pii", "support"])
def test_example_data_is_sound_and_what_its_source_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GOLDSPAN_DATA", "GOLDSPAN_LABELS", "GOLDSPAN_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(DATA / name)
    labels = goldspan.load_labels()
    samples = list(goldspan.read_samples("training_samples", labels))
    texts = tomllib.loads((DATA / name / "texts.toml").read_text("utf-8"))["texts"]
    assert len(samples) == len(texts) >= 6
    for sample, entry in zip(samples, texts, strict=True):
        assert [review.author.name for review in sample.reviews] == ["ann@example.org", "bea@example.org"]
        for review, person in zip(sample.reviews, ("ann", "bea"), strict=True):
            parsed = goldspan.parse_tagged(entry.get(person, entry["ann"]), labels)
            assert (sample.text, review.entities) == (parsed.text, parsed.entities)
            assert sorted(map(len, review.clusters.values())) == sorted(
                map(len, goldspan.Annotation(review.author, mentions=parsed.mentions).clusters.values())
            )
            issues = goldspan.check_annotation(sample.text, review, labels, sample.language, sample.country)
            assert not [issue for issue in issues if issue.severity == "error"]
        assert sample.predictions
    assert any(sample.best.clusters for sample in samples)
    assert any(sample.reviews[0].entities != sample.reviews[1].entities for sample in samples)
    [result] = (DATA / name / "results").glob("*.json")
    comparison = goldspan.compare([result], gold="training_samples")
    assert comparison.rows[0].f1_score > 0
