"""All methods on the same data: fitted on one bundle, read on its test split and on external gold, in one report.

    python benchmarks/methods.py --output docs/comparison/report.html [--samples 500] [--workspace FOLDER]
        [--encoders tiny:600000,rampart:100000] [--llm smollm2:6] [--instruct NAME=ADDRESS] [--external FILE …]

The data are documents of the offline author, grouped and split by a bundle. The language model of `prompting` is the
simulator: it answers with what the patterns find and answers at once, so that its line shows mechanics and cost
(tokens of real prompts at a dated list price), not quality or latency of a real model; `fine-tuning` runs against it
likewise. `--encoders` names encoders with their budget of tokens. `--llm NAME:LAYERS` takes the first layers only of
a causal language model, so that two cores can run it. `--instruct` asks a real model at the address of a compatible
server (`tests/generators/model_server.py` serves one from a package); it reads the last external file only, since a
text takes seconds. What is missing here (an encoder that is not prepared, a method whose libraries are not installed)
is named and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import goldspan
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.evaluation.matching.documents import pair_gold
from goldspan.evaluation.report.public import write_report
from goldspan.evaluation.results.baselines import score_baselines
from goldspan.evaluation.results.cost import find_prices
from goldspan.evaluation.results.result import EvaluationResult, write_result
from goldspan.evaluation.results.timing import count_cores
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.predictors.artifact import is_method_artifact
from goldspan.predictors.mock_model import build_mock_model
from goldspan.predictors.registry import open_predictor
from goldspan.training.artifact.external import ExternalGold, read_external
from goldspan.training.artifact.measure import evaluate_on
from goldspan.training.methods.registry import list_methods

LABELS = load_labels()
READY = ("regex", "rampart", "regex+rampart")
INSTRUCT = "instruct-"
"""Begins the names of real models that are asked."""

CONFIG = "[evaluation]\nbaselines = false\n[training]\nthreads = 2\n"


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {time.process_time():6.0f} CPU s  {line}", flush=True)


@contextlib.contextmanager
def simulate(folder: Path) -> Iterator[dict[str, str]]:
    """Addresses of a provider of answers and of one of fine-tuning."""
    with contextlib.ExitStack() as stack:
        urls = {}
        for profile in ("openai", "together"):
            settings = SimulatorSettings(
                find_profile(profile), folder / f"{profile}.db", validation_seconds=0.0, tuning_seconds=0.5
            )
            urls[profile] = stack.enter_context(serving(settings, writer=build_mock_model(LABELS)))
        yield urls


def cut_model(source: str, target: Path) -> Path:
    """The first layers of a causal language model (`NAME:LAYERS`) as a folder of its own; without a number, its own."""
    import transformers

    from goldspan.training.models.encoders.catalogue import find_encoder

    name, _, layers = source.partition(":")
    folder = find_encoder(name).folder or Path(name)
    if not layers:
        return folder
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    model.model.layers = model.model.layers[: int(layers)]
    model.config.num_hidden_layers = int(layers)
    model.config.layer_types = None
    model.save_pretrained(target)
    for file in folder.glob("tokenizer*"):
        shutil.copyfile(file, target / file.name)
    return target


def make_bundle(folder: Path, options: argparse.Namespace) -> Path:
    languages = tuple(options.languages.split(","))
    settings = goldspan.RunSettings("offline", samples=options.samples, seed=options.seed, languages=languages)
    summary = goldspan.generate(settings, run="comparison", data=folder)
    frozen = goldspan.freeze("comparison", [summary.samples], data=folder, despite_gate=True)
    return frozen.folder


def list_fits(options: argparse.Namespace, urls: dict[str, str], folder: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, method and settings of everything that is fitted."""
    config = folder / "training.toml"
    config.write_text(CONFIG)
    shared = {"provider": "openai", "api_url": urls["openai"], "shots": 3}
    tuned = {"provider": "together", "model": "Qwen/Qwen3-8B", "api_url": urls["together"], "max_cost": 100.0}
    fits: list[tuple[str, str, dict[str, Any]]] = [
        ("prompting-simulated", "prompting", shared),
        ("prompting-simulated-batch", "prompting", {**shared, "mode": "batch"}),
        ("fine-tuning-simulated", "fine-tuning", tuned),
        ("crf-on-regex", "crf", {"base": "regex"}),
    ]
    for given in options.instruct:
        model, _, address = given.partition("=")
        asked = {"provider": "compatible", "model": model, "api_url": address, "shots": 1, "attempts": 1}
        fits.append((f"{INSTRUCT}{model}", "prompting", asked))
    for given in filter(None, options.encoders.split(",")):
        encoder, _, tokens = given.partition(":")
        settings = {"encoder": encoder, "tokens": tokens or None, "config": config, "seed": options.seed}
        fits.append((f"encoder-{encoder}-{tokens}" if tokens else f"encoder-{encoder}", "token-classifier", settings))
    for number, source in enumerate(options.llm):
        base = cut_model(source, folder / f"causal-{number}")
        settings = {"base": str(base), "threads": 2, "seed": options.seed}
        fits.append((f"llm-{source.replace(':', '-')}", "llm-token-classifier", settings))
    return [fit for fit in fits if fit[1] in list_methods()]


def fit_all(bundle: Path, folder: Path, fits: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """The folders of the artifacts."""
    made = []
    for name, method, settings in fits:
        finished = folder / "models" / name
        if "api_url" in settings:
            for place in ("models", "methods", "finetuning"):
                shutil.rmtree(folder / place / name, ignore_errors=True)
        elif is_method_artifact(finished):
            made.append(str(finished))
            continue
        try:
            artifact = goldspan.fit(method, bundle, settings, name=name, data=folder)
        except GoldspanError as error:
            say(f"{name} is left out: {error}")
            continue
        say(f"{name}: {artifact.record['training']['cpu_seconds']:.0f} CPU s")
        made.append(str(artifact.folder))
    return made


def measure(golds: list[ExternalGold], sources: list[str], folder: Path) -> list[EvaluationResult]:
    results = []
    for number, gold in enumerate(golds):
        baselines = score_baselines(pair_gold(gold.samples).documents, LABELS) if number == 0 else {}
        for source in sources:
            name = "+".join(Path(part).name for part in source.split("+"))
            if name.startswith(INSTRUCT) and gold is not golds[-1]:
                continue
            try:
                opened = open_predictor(source, LABELS, defaults={"workers": 8, "folder": folder / "answers"})
            except GoldspanError as error:
                say(f"{name} is left out: {error}")
                continue
            said = opened.describe()
            prices = find_prices(*(str(said.get(key, "")) for key in ("provider", "model", "mode")))
            kind = "grouped" if number == 0 else "unknown"
            result, row = evaluate_on(opened, gold, LABELS, name, kind, prices)
            results.append(replace(result, baselines=baselines))
            baselines = {}
            say(f"{gold.name}: {name} strict F1 {row.f1:.3f}")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--languages", default="en,fr,de")
    parser.add_argument("--encoders", default="tiny:600000,rampart:100000", help="names with their tokens")
    parser.add_argument("--workspace", type=Path, help="where fits stay, for the next time")
    parser.add_argument("--llm", action="append", default=[], help="a causal language model; repeatable")
    parser.add_argument("--instruct", action="append", default=[], help="NAME=ADDRESS of a real model; repeatable")
    parser.add_argument("--external", type=Path, action="append", default=[])
    parser.add_argument("--results", type=Path, help="write the result files into this folder too")
    options = parser.parse_args()
    say(f"{platform.machine()}, {count_cores()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.workspace or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        bundle = folder / "bundles" / "comparison"
        bundle = bundle if bundle.is_dir() else make_bundle(folder, options)
        golds = [
            read_external(bundle / "test.jsonl", LABELS),
            *(read_external(path, LABELS) for path in options.external),
        ]
        say(f"{len(golds[0].samples)} documents in the test split")
        with simulate(folder) as urls:
            made = fit_all(bundle, folder, list_fits(options, urls, folder))
            joined = [f"regex+{source}" for source in made if "encoder-" in source][-1:]
            results = measure(golds, [*READY, *made, *joined], folder)
    for result in results if options.results else ():
        write_result(options.results / f"{result.data['name']}.{result.experiment_name}.json", result)
    command = shlex.join(["python", "benchmarks/methods.py", *sys.argv[1:]])
    written = write_report(results, options.output, command=command)
    say(f"{written.html} and {written.markdown}")


if __name__ == "__main__":
    main()
