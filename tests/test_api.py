"""The public API: every name resolves, is documented and typed, and costs nothing until it is used."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import goldspan
from goldspan import Annotation, Author, Entity, LabelSchema, LocalPredictor, RunSettings, Sample, aio
from tests.waiting import wait_until_async

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "goldspan"


class FailingPredictor(LocalPredictor):
    name = "failing"

    def predict_batch(self, texts):
        if any("boom" in text.text for text in texts):
            raise goldspan.GoldspanError("cannot read it")
        return [Annotation(Author.model(self.model_version), (Entity(0, 3, "FIRSTNAME"),)) for _ in texts]


def read_typing_block(file: str = "__init__.py") -> dict[str, str]:
    """The names of the `TYPE_CHECKING` block with their modules."""
    source = (PACKAGE / file).read_text("utf-8")
    [block] = [node for node in ast.parse(source).body if isinstance(node, ast.If)]
    return {alias.asname or alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom)
            for alias in node.names}  # fmt: skip


def test_all_is_sorted_and_holds_every_name_once() -> None:
    assert goldspan.__all__ == sorted(set(goldspan.__all__))
    assert set(goldspan.__all__) - {"__version__"} == set(read_typing_block())
    assert 25 <= len(goldspan.__all__) - 1 <= 30


@pytest.mark.parametrize("name", goldspan.__all__)
def test_a_name_resolves_to_what_type_checkers_see(name: str) -> None:
    value = getattr(goldspan, name)
    if name != "__version__":
        assert value.__module__ == read_typing_block()[name]
        assert inspect.getdoc(value)
    assert name in dir(goldspan)


def test_onnx_runtime_leaves_no_device_id_and_sends_no_events(tmp_path: Path) -> None:
    """Its telemetry begins with its import, except on machines of CI, which a variable tells."""
    pytest.importorskip("onnxruntime")
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", "import goldspan, onnxruntime"]
    subprocess.run(command, env=environment, cwd=tmp_path, check=True, timeout=300)
    assert list(tmp_path.iterdir()) == []


def test_star_import_and_unknown_names() -> None:
    names: dict[str, object] = {}
    exec("from goldspan import *", names)
    assert set(goldspan.__all__) <= set(names)
    with pytest.raises(AttributeError, match="no attribute 'evalaute'"):
        goldspan.evalaute  # noqa: B018


def test_every_name_is_on_the_page_and_in_the_reference() -> None:
    page = (ROOT / "docs" / "python-api.md").read_text("utf-8")
    reference = (ROOT / "docs" / "reference" / "python.md").read_text("utf-8")
    for name in set(goldspan.__all__) - {"__version__"}:
        assert re.search(rf"\b{name}\b", page), f"docs/python-api.md does not mention {name}"
        assert re.search(rf"^### `(goldspan\.)?{name}`$", reference, re.MULTILINE), name


@pytest.mark.parametrize("name", aio.__all__)
def test_a_twin_takes_the_same_arguments_and_is_what_type_checkers_see(name: str) -> None:
    twin, original = getattr(aio, name), getattr(goldspan, name)
    assert inspect.signature(twin).parameters == inspect.signature(original).parameters
    assert inspect.iscoroutinefunction(twin) or inspect.isasyncgenfunction(twin)
    assert twin.__module__ == read_typing_block("aio.py")[name]
    assert name in dir(aio)


def test_every_twin_is_public() -> None:
    assert aio.__all__ == sorted(read_typing_block("aio.py"))
    modules = {getattr(goldspan, name).__module__ for name in goldspan.__all__ if name != "__version__"}
    twins = {name.removesuffix("_async") for module in modules for name in vars(sys.modules[module])
             if name.endswith("_async")}  # fmt: skip
    assert twins & set(goldspan.__all__) == set(aio.__all__)
    with pytest.raises(AttributeError, match="no attribute 'compare'"):
        aio.compare  # noqa: B018


def test_every_public_module_is_on_the_page_and_in_the_reference() -> None:
    page = (ROOT / "docs" / "python-api.md").read_text("utf-8")
    reference = (ROOT / "docs" / "reference" / "python.md").read_text("utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| `(goldspan\.[\w.]+)` \|", page, re.MULTILINE)
    assert len(rows) > 5
    for names, module in rows:
        for name in re.findall(r"`(\w+)`", names):
            assert inspect.getdoc(getattr(importlib.import_module(module), name))
            assert module == "goldspan.aio" or f"### `{module}.{name}`" in reference


def test_importing_goldspan_loads_nothing_else() -> None:
    code = "import goldspan, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert [name for name in loaded if name.startswith("goldspan")] == ["goldspan"]
    assert not {"numpy", "orjson", "typer", "rich", "jsonschema_rs"} & set(loaded)


def test_annotate_yields_in_order_and_replaces_the_same_models_annotation(labels: LabelSchema) -> None:
    samples = [Sample(f"Ann {number}", "en", sample_id=str(number)) for number in range(20)]
    once = list(goldspan.annotate(samples, FailingPredictor(), workers=3))
    twice = list(goldspan.annotate(once, FailingPredictor()))
    assert [sample.sample_id for sample in twice] == [sample.sample_id for sample in samples]
    assert all(len(sample.annotations) == 1 for sample in twice)


def test_annotate_raises_the_first_failure_or_hands_it_over() -> None:
    samples = [Sample("Ann", "en", sample_id="a"), Sample("boom", "en", sample_id="b"), Sample("Bea", "en")]
    with pytest.raises(goldspan.GoldspanError, match="cannot read it"):
        list(goldspan.annotate(samples, FailingPredictor()))
    outcomes = []
    annotated = list(goldspan.annotate(samples, FailingPredictor(), on_outcome=outcomes.append))
    assert [len(sample.annotations) for sample in annotated] == [1, 0, 1]
    assert [outcome.sample.sample_id for outcome in outcomes if outcome.error] == ["b"]


def test_everything_works_where_a_loop_is_running(tmp_path: Path, labels: LabelSchema) -> None:
    async def cell() -> None:
        summary = goldspan.generate(RunSettings("offline", 4, 1), data=tmp_path)
        assert summary.written.samples == 4
        again = await aio.generate(RunSettings("offline", 4, 1), data=tmp_path)
        assert again.samples == summary.samples
        samples = list(goldspan.read_samples(summary.samples, labels))
        predictor = goldspan.open_predictor("regex", labels)
        annotated = list(goldspan.annotate(samples, predictor))
        streamed = [sample async for sample in aio.annotate(samples, predictor)]
        assert annotated == streamed
        scored = goldspan.evaluate(samples, predictor, baselines=False)
        awaited = await aio.evaluate(samples, predictor, baselines=False)
        assert scored.metrics == awaited.metrics

    asyncio.run(cell())


def test_the_twins_are_there_with_the_package_alone() -> None:
    script = "import goldspan; assert callable(goldspan.aio.mask); assert 'aio' in dir(goldspan)"
    subprocess.run([sys.executable, "-c", script], check=True)


async def test_what_comes_before_a_run_does_not_hold_up_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prices are asked for over the network, and files are read."""
    asked, going = threading.Event(), threading.Event()

    def fill(settings: RunSettings) -> RunSettings:
        asked.set()
        assert going.wait(60), "the event loop stood still"
        return settings

    monkeypatch.setattr("goldspan.generators.runs.public.fill_prices", fill)
    run = asyncio.create_task(aio.generate(RunSettings("offline", 2, 1), data=tmp_path))
    await wait_until_async(asked.is_set)
    going.set()
    assert (await run).written.samples == 2


def test_a_run_reads_what_its_files_hold_now(tmp_path: Path, labels: LabelSchema) -> None:
    """In a notebook the file of an earlier run may have changed since."""
    file = tmp_path / "own.jsonl"
    settings = RunSettings("offline", 2, paraphrase_file=str(file))
    told = []
    for name in ("Maria", "Johann"):
        sample = Sample(f"Call {name} now.", "en", annotations=(Annotation(
            Author.person("1"), (Entity(5, 5 + len(name), "FIRSTNAME"),)),), sample_id=name)  # fmt: skip
        goldspan.write_samples(file, [sample], labels)
        summary = goldspan.generate(settings, data=tmp_path / "data", new=True)
        told += [one.provenance["source_document"] for one in goldspan.read_samples(summary.samples, labels)]
    assert set(told[:1]) | set(told[-1:]) == {"Maria", "Johann"}


def test_evaluate_takes_files_samples_and_what_stands_beside_the_reviews(tmp_path: Path, labels: LabelSchema) -> None:
    text = "Ann lives in Lyon."
    model = Annotation(Author.model("m-1"), (Entity(0, 3, "FIRSTNAME"),))
    person = Annotation(Author.person("p"), (Entity(0, 3, "FIRSTNAME"), Entity(13, 17, "CITY")))
    sample = Sample(text, "en", annotations=(model, person), sample_id="s")
    file = tmp_path / "samples.jsonl"
    goldspan.write_samples(file, [sample], labels)
    recalls = [
        goldspan.evaluate(gold, predicted, baselines=False).metrics["recall"]
        for gold, predicted in [
            ([sample], None), (iter([sample]), None), (file, None), (str(file), str(file)), ([sample], [sample]),
            (file, [Sample(text, "en", annotations=(model,), sample_id="s")]),
        ]
    ]  # fmt: skip
    assert recalls == [0.5] * 6
    with pytest.raises(goldspan.GoldspanError, match="Nothing can be scored"):
        goldspan.evaluate([], None)


def test_the_label_schema_is_the_one_in_force_unless_another_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "labels.toml").write_text('[labels.VESSEL]\nname = "Vessel"\nterms = ["Aurora"]\n')
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "labels.toml"))
    found = goldspan.open_predictor("schema").predict_sync("The Aurora sails.")
    assert [entity.label for entity in found.entities] == ["VESSEL"]
    file = tmp_path / "samples.jsonl"
    assert goldspan.write_samples(file, [Sample("The Aurora sails.", "en", annotations=(found,))]) == 1
    assert [sample.predictions[0].entities for sample in goldspan.read_samples(file)] == [found.entities]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda samples, regex: list(goldspan.annotate(samples, "regex")), "A predictor is needed, not a str"),
        (lambda samples, regex: list(goldspan.annotate(["some text"], regex)), "A sample is needed, not a str"),
        (lambda samples, regex: goldspan.freeze("v1", "none.jsonl"), "There is no file none.jsonl"),
        (lambda samples, regex: goldspan.compare("none.json"), "none.json"),
        (lambda samples, regex: goldspan.generate(RunSettings("offline", 1, languages="de")), r"tuple.*\('de',\)"),
    ],
)
def test_what_is_easily_mistaken_is_named(call: Any, message: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(goldspan.GoldspanError, match=message):
        call([Sample("Ann", "en")], goldspan.open_predictor("regex"))
    assert not list(tmp_path.iterdir())


def test_compare_reads_files_and_scores_baselines_on_gold(tmp_path: Path) -> None:
    from goldspan.evaluation.results.result import write_result

    person = Annotation(Author.person("p"), (Entity(0, 3, "FIRSTNAME"),))
    gold = [Sample("Ann is here.", "en", annotations=(person,), sample_id="s")]
    result = goldspan.evaluate(gold, goldspan.open_predictor("regex", goldspan.load_labels()), baselines=False)
    write_result(tmp_path / "r.json", result)
    plain, scored = goldspan.compare([tmp_path / "r.json"]), goldspan.compare([result], gold=gold)
    assert plain.rows[1].recall is None
    assert scored.rows[1].recall == 0.0


def test_freeze_asks_the_gate_unless_files_are_given(tmp_path: Path, labels: LabelSchema) -> None:
    from goldspan.annotation.errors import GateClosedError

    assert not goldspan.judge(data=tmp_path).open
    with pytest.raises(GateClosedError, match="goldspan gate") as closed:
        goldspan.freeze("v1", data=tmp_path)
    assert closed.value.reasons
    assert not (tmp_path / "bundles").exists()
    summary = goldspan.generate(RunSettings("offline", 12, 1), data=tmp_path)
    frozen = goldspan.freeze("v1", [summary.samples], data=tmp_path)
    assert (frozen.folder / "manifest.json").exists()
    assert frozen.manifest["gate"]["verdict"] == "not_asked"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (RunSettings("opnai", 1), "openai"),
        (RunSettings("offline", 1, languages=()), "language"),
        (RunSettings("openai", 1, mode="lve"), "live"),
        (RunSettings("compatible", 1), "no default model"),
    ],
)
def test_settings_that_make_no_sense_leave_nothing_behind(settings: RunSettings, message: str, tmp_path: Path) -> None:
    with pytest.raises(goldspan.GoldspanError, match=message):
        goldspan.generate(settings, data=tmp_path)
    assert not list(tmp_path.iterdir())
