"""`goldspan report` and `goldspan method` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import goldspan.cli.method
import goldspan.cli.report
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec

ROW = {"id": "x1", "text": "Mail ann@example.org", "spans": [{"start": 5, "end": 20, "group": "CONTACT"}]}


def run(app, *arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def gold(tmp_path: Path, labels: LabelSchema) -> Path:
    samples = []
    for number in range(6):
        spec = draw_spec(3, number, ["en", "de"], labels)
        written = compose_document(spec, labels)
        annotation = Annotation(Author.person("ann"), written.entities)
        samples.append(Sample(written.text, spec.language, annotations=(annotation,), sample_id=f"s{number}"))
    write_samples(tmp_path / "own.jsonl", samples, labels)
    return tmp_path / "own.jsonl"


def test_predictors_are_evaluated_on_own_and_external_gold(gold: Path, tmp_path: Path) -> None:
    external = tmp_path / "external.jsonl"
    external.write_text(json.dumps(ROW))
    page = tmp_path / "out" / "report.html"
    options = ["--gold", str(gold), "--gold", str(external), "-p", "regex", "-p", "schema", "-o", str(page), "--json"]
    shown = run(goldspan.cli.report.app, *options)
    assert shown.exit_code == 0, shown.output
    report = json.loads(shown.stdout)
    assert [data["name"] for data in report["data_sets"]] == ["own", "external"]
    assert {cost["name"]: cost["training"] for cost in report["costs"]} == {"regex": 0.0, "schema": 0.0}
    results = sorted(path.name for path in (page.parent / "report-results").iterdir())
    assert results == ["external.regex.json", "external.schema.json", "own.regex.json", "own.schema.json"]
    files = [str(page.parent / "report-results" / name) for name in results if name.startswith("own")]
    again = run(goldspan.cli.report.app, *files, "-o", str(tmp_path / "again"), "--json")
    assert json.loads(again.stdout)["data_sets"] == report["data_sets"][:1]
    assert (tmp_path / "again.md").is_file()


def test_gold_without_a_predictor_and_nothing_at_all_are_refused(gold: Path) -> None:
    assert isinstance(run(goldspan.cli.report.app, "--gold", str(gold)).exception, InputError)
    assert isinstance(run(goldspan.cli.report.app).exception, InputError)


def test_methods_are_listed_with_their_options(tmp_path: Path) -> None:
    listed = json.loads(run(goldspan.cli.method.app, "list", "--json").stdout)
    assert {"prompting", "token-classifier"} <= {method["method"] for method in listed}
    assert next(m for m in listed if m["method"] == "prompting")["options"]["selection"] == "per-label"
    assert json.loads(run(goldspan.cli.method.app, "status", "--data", str(tmp_path), "--json").stdout) == []
