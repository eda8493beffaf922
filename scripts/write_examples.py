"""Write the example projects of `data/examples/` from their `texts.toml`; `--check` only compares."""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import goldspan
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.project import find_project
from goldspan.annotation.templates import find_template
from goldspan.evaluation.results.result import write_result

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "data" / "examples"
TIME = "2026-06-01T09:{minute:02d}:00Z"


def write_project(name: str) -> str:
    """The project file: the template's settings, with its label schema as it lies in the repository."""
    template = find_template(name)
    labels = template.labels.relative_to(ROOT / "src" / "goldspan")
    lines = [f"name = {json.dumps(f'Example: {name}')}", f'labels = "../../../{labels.as_posix()}"', 'data = "."']
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in template.settings.items()]
    return "# Written by scripts/write_examples.py\n" + "\n".join(lines) + "\n"


def make_samples(
    folder: Path, labels: goldspan.LabelSchema, predictor: goldspan.Predictor
) -> Iterator[goldspan.Sample]:
    """The texts with a prediction and the reviews of two people."""
    document = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
    for minute, entry in enumerate(document["texts"]):
        text = goldspan.parse_tagged(entry["ann"], labels).text
        language, country = entry["language"], entry.get("country", "")
        prediction = predictor.predict_sync(text, language, country)
        prediction = replace(prediction, id=f"p{minute}", created_at=TIME.format(minute=0))
        reviews = [review_text(entry.get(person, entry["ann"]), person, minute, labels) for person in ("ann", "bea")]
        yield goldspan.Sample(
            text, language, country, entry["document_type"], (prediction, *reviews),
            sample_id=make_sample_id(text, language),
        )  # fmt: skip


def review_text(tagged: str, person: str, minute: int, labels: goldspan.LabelSchema) -> goldspan.Annotation:
    """The review of one person."""
    parsed = goldspan.parse_tagged(tagged, labels)
    return goldspan.Annotation(
        goldspan.Author.person(f"{person}@example.org"), parsed.entities, parsed.mentions, id=f"{person}{minute}",
        created_at=TIME.format(minute=minute + 1), updated_at=TIME.format(minute=minute + 1), lead_time=20.0 + minute,
        parent=f"p{minute}",
    )  # fmt: skip


def write_example(folder: Path, target: Path) -> None:
    """Write one example project into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "goldspan.toml").write_text(write_project(folder.name), encoding="utf-8")
    project = find_project(FOLDER / folder.name)
    template = find_template(folder.name)
    labels = goldspan.load_labels(template.labels)
    if project:
        labels = replace(labels, purpose=project.purpose)
    predictor = goldspan.open_predictor(template.settings["predictor"], labels)
    samples = list(make_samples(folder, labels, predictor))
    goldspan.write_samples(target / "training_samples" / "reviewed.jsonl", samples, labels)
    result = goldspan.evaluate(samples, labels=labels, name=template.settings["predictor"])
    timeless = {name: {k: v for k, v in scores.items() if k != "timing"} for name, scores in result.baselines.items()}
    result = replace(result, created_at=TIME.format(minute=59), baselines=timeless)
    (target / "results").mkdir(exist_ok=True)
    write_result(target / "results" / f"{template.settings['predictor']}.json", result)


def main(check: bool) -> int:
    """Write the examples, or say which are out of date."""
    stale = []
    for folder in sorted(path.parent for path in FOLDER.glob("*/texts.toml")):
        if not check:
            write_example(folder, folder)
            continue
        with tempfile.TemporaryDirectory() as place:
            write_example(folder, Path(place))
            stale += [
                f"{folder.name}/{path.relative_to(place)}"
                for path in Path(place).rglob("*")
                if path.is_file() and path.read_bytes() != (folder / path.relative_to(place)).read_bytes()
            ]
    if stale:
        sys.stderr.write(f"data/examples is out of date ({', '.join(stale)}): run python scripts/write_examples.py\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
