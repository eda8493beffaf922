"""What training and inference cost, as ratios within one run on one thread.

python benchmarks/training.py [--documents 160] [--tokens 20000] [--encoder tiny]

Training: documents a second of CPU time of our loop (length buckets on and off, bf16 where the processor has it) beside
a plain `transformers` Trainer (padding to the longest of a random batch) on the same model, texts and number of steps.
Aim: 1.5 times.
Inference: texts a second of CPU time and of wall time, and strict F1, of the served INT8 model (one text at a time, and
with many in flight on all cores) beside torch run text by text, a plain `pipeline()`, and Presidio's recogniser over
the same weights, where it is installed. Aim: 5 times torch. Wall time says something on an idle machine only.
The parity gate, which refuses INT8 for some models of so short a training, is open here: F1 tells what INT8 costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any
from unittest.mock import patch

# Without this folder: its `datasets.py` would hide the library of that name from transformers.
sys.path.remove(str(Path(__file__).resolve().parent))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch

from goldspan.annotation.labels.schema import find_label_file, load_labels
from goldspan.annotation.types import Entity, Sample
from goldspan.evaluation.results.timing import count_cores
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.strict import score_strict
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.predictors.registry import open_predictor
from goldspan.training import stages
from goldspan.training.artifact import parity
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.config import AugmentationSettings, TrainingConfig, TrainingSettings, parse_config
from goldspan.training.inputs import pack_inputs, unpack_inputs
from goldspan.training.models.batches import cut_examples
from goldspan.training.models.build import build_network, read_tokenizer
from goldspan.training.models.corpus import TrainingCorpus, make_examples
from goldspan.training.models.device import choose_device
from goldspan.training.models.encoders.catalogue import Encoder, find_encoder
from goldspan.training.models.loop import Trainer
from goldspan.training.runs import TrainingRun

LABELS = load_labels()
SIZE = WindowSize(256, 64)


def write_samples(count: int) -> list[Sample]:
    """Documents of the offline author as samples."""
    from goldspan.annotation.identity import make_sample_id
    from goldspan.annotation.types import Annotation, Author

    samples = []
    for index in range(count):
        tagged = compose_document(draw_spec(17, index, ["en"], LABELS), LABELS)
        gold = Annotation(Author.person("1"), tagged.entities, tagged.mentions)
        samples.append(Sample(tagged.text, "en", annotations=(gold,), sample_id=make_sample_id(tagged.text, "en")))
    return samples


def time_cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of CPU time, and what the work gave."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def time_wall(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds of CPU time and of wall time, and what the work gave."""
    begun = time.perf_counter()
    seconds, result = time_cpu(work)
    return seconds, time.perf_counter() - begun, result


def time_loop(samples: Sequence[Sample], encoder: Encoder, tokens: int, *, buckets: bool, bf16: str) -> float:
    """Documents a second of CPU time of our loop, without validation."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in samples]))
    built = build_network(encoder, LABELS.bio_table, vocabulary=tokenizer.get_vocab_size())
    settings = TrainingSettings(
        token_budget=tokens, threads=1, evaluations=1, length_buckets=buckets, bf16=bf16, checkpoint_seconds=1e9
    )
    corpus = TrainingCorpus(tuple(samples), tokenizer, LABELS, AugmentationSettings(), 0, 0.0)
    held_out = make_examples(samples[:1], tokenizer, LABELS)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            built.network, corpus, held_out, LABELS, settings, choose_device("cpu", bf16, 1), 1e-4, Path(folder),
            coreference=False,
        )  # fmt: skip
        seconds, outcome = time_cpu(trainer.run)
    return outcome.documents / seconds


def time_trainer(samples: Sequence[Sample], encoder: Encoder, tokens: int) -> float:
    """Documents a second of CPU time of the plain Trainer on the same windows; random batches of 8, fp32."""
    from transformers import Trainer as PlainTrainer
    from transformers import TrainingArguments

    torch.manual_seed(0)
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in samples]))
    built = build_network(encoder, LABELS.bio_table, vocabulary=tokenizer.get_vocab_size())
    examples = make_examples(samples, tokenizer, LABELS)
    windows = cut_examples(examples, SIZE)
    rows = []
    for window in windows:
        example, inner = examples[window.example], slice(window.window.start, window.window.end)
        ids = example.encoded.wrap(window.window).tolist()
        rows.append({"input_ids": ids, "labels": [-100, *example.tags[inner].tolist(), -100]})
    steps = max(1, tokens // (sum(w.tokens for w in windows) * 8 // len(windows)))

    def collate(batch: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        width = max(len(row["input_ids"]) for row in batch)
        return {
            "input_ids": torch.tensor([row["input_ids"] + [0] * (width - len(row["input_ids"])) for row in batch]),
            "attention_mask": torch.tensor(
                [[1] * len(row["input_ids"]) + [0] * (width - len(row["input_ids"])) for row in batch]
            ),
            "labels": torch.tensor([row["labels"] + [-100] * (width - len(row["labels"])) for row in batch]),
        }

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=steps, per_device_train_batch_size=8, use_cpu=True, report_to=[],
            save_strategy="no", disable_tqdm=True, logging_strategy="no", dataloader_pin_memory=False,
        )  # fmt: skip
        trainer = PlainTrainer(model=built.network.tagger, args=arguments, train_dataset=rows, data_collator=collate)
        seconds, _ = time_cpu(trainer.train)
    return steps * 8 / seconds


def train_model(samples: Sequence[Sample], encoder: str, tokens: int, folder: Path) -> stages.Work:
    """A finished run in `folder`."""
    from goldspan.annotation.tasks.store import write_samples as write_file

    write_file(folder / "samples.jsonl", samples, LABELS)
    bundle = freeze(BundleSettings("bench", seed=1), [folder / "samples.jsonl"], output=folder / "bundle").folder
    config: TrainingConfig = parse_config(
        {
            "model": {"name": encoder},
            "training": {"token_budget": tokens, "threads": 1, "evaluations": 2, "early_stopping_enabled": False},
            "evaluation": {"baselines": False},
        }
    )
    inputs = unpack_inputs(pack_inputs(bundle, find_label_file(), config), folder / "inputs")
    run = TrainingRun(folder / "run")
    run.folder.mkdir()
    work = stages.Work(inputs, run, "bench", lambda _: None)
    stages.train(work)
    stages.evaluate(work)
    stages.quantise(work)
    return work


def compare_inference(work: stages.Work, texts: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Texts a second of CPU time and strict F1 of each way to run the model."""
    from goldspan.predictors.model.decode import DecodingOptions, decode_entities
    from goldspan.predictors.model.encoding import encode_texts
    from goldspan.training.models.fit import load_trained
    from goldspan.training.models.inference import run_network

    network = load_trained(work.folder / "trained")
    tokenizer = load_tokenizer((work.folder / "trained" / "tokenizer.json").read_bytes())
    device = choose_device("cpu", "false", 1)

    def run_torch(text: str) -> tuple[Entity, ...]:
        [encoded] = encode_texts(tokenizer, [text])
        [output] = run_network(network, [encoded], SIZE, device)
        return decode_entities(text, encoded, output.pii, LABELS.bio_table, DecodingOptions())

    ways: dict[str, Callable[[], list[Sequence[Entity]]]] = {}
    ways["torch, text by text"] = lambda: [run_torch(s.text) for s in texts]
    served = open_predictor(work.folder, LABELS, verify="off", coreference=False)
    ways["INT8, this predictor"] = lambda: [served.predict_sync(s.text).entities for s in texts]
    cores = count_cores()
    many = open_predictor(work.folder, LABELS, verify="off", coreference=False, threads=cores)

    async def read_all() -> list[Sequence[Entity]]:
        outcomes = [outcome async for outcome in many.predict_many(texts, workers=16)]
        return [outcome.annotation.entities if outcome.annotation else () for outcome in outcomes]

    ways[f"INT8, 16 in flight, {cores} cores"] = lambda: asyncio.run(read_all())
    pipe = open_pipeline(work.folder / "trained")
    ways["pipeline()"] = lambda: [
        [Entity(hit["start"], hit["end"], hit["entity_group"]) for hit in pipe(s.text)] for s in texts
    ]
    if (presidio := open_presidio(work.folder / "trained")) is not None:
        ways["Presidio with the same model"] = lambda: [presidio(s.text) for s in texts]
    gold = [s.best.entities if s.best else () for s in texts]
    figures = {}
    for name, way in ways.items():
        way()
        seconds, passed, found = time_wall(way)
        counts = reduce(add, score_strict(gold, found).values(), SpanCounts())
        figures[name] = {
            "texts_per_cpu_second": len(texts) / seconds,
            "texts_per_second": len(texts) / passed,
            "strict_f1": counts.measure_f() or 0.0,
        }
    return figures


def open_pipeline(folder: Path) -> Any:
    """A plain token classification pipeline."""
    from transformers import pipeline

    return pipeline("token-classification", model=str(folder), aggregation_strategy="simple", device="cpu")


def open_presidio(folder: Path) -> Callable[[str], list[Entity]] | None:
    """Presidio's recogniser over a Hugging Face model, if presidio-analyzer is installed."""
    try:
        from presidio_analyzer.predefined_recognizers import HuggingFaceNerRecognizer
    except ImportError:
        return None
    codes = {label.code: label.code for label in LABELS.entities}
    recogniser = HuggingFaceNerRecognizer(model_name=str(folder), label_mapping=codes, supported_entities=list(codes))
    return lambda text: [Entity(r.start, r.end, r.entity_type) for r in recogniser.analyze(text, list(codes), None)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=160)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--encoder", default="tiny")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    samples = write_samples(arguments.documents)
    encoder = find_encoder(arguments.encoder)
    bf16 = choose_device("cpu", "auto", 1).bf16
    speeds = {
        "transformers Trainer, fp32": time_trainer(samples, encoder, arguments.tokens),
        "ours, fp32, no buckets": time_loop(samples, encoder, arguments.tokens, buckets=False, bf16="false"),
        "ours, fp32, buckets": time_loop(samples, encoder, arguments.tokens, buckets=True, bf16="false"),
    }
    if bf16:
        speeds["ours, bf16, buckets"] = time_loop(samples, encoder, arguments.tokens, buckets=True, bf16="true")
    plain = speeds["transformers Trainer, fp32"]
    with tempfile.TemporaryDirectory() as folder:
        with patch.multiple(parity, MAX_F1_LOSS=1.0, MAX_LABEL_LOSS=1.0, MAX_LEAKAGE_GAIN=1.0):
            work = train_model(samples, arguments.encoder, arguments.tokens, Path(folder))
        inference = compare_inference(work, samples[: min(60, len(samples))])
    slow = inference["torch, text by text"]
    json.dump(
        {
            "encoder": arguments.encoder,
            "training": {
                name: {"documents_per_cpu_second": round(speed, 1), "ratio": round(speed / plain, 2)}
                for name, speed in speeds.items()
            },
            "inference": {
                name: {
                    "texts_per_cpu_second": round(row["texts_per_cpu_second"], 1),
                    "ratio": round(row["texts_per_cpu_second"] / slow["texts_per_cpu_second"], 2),
                    "texts_per_second": round(row["texts_per_second"], 1),
                    "wall_ratio": round(row["texts_per_second"] / slow["texts_per_second"], 2),
                    "strict_f1": round(row["strict_f1"], 3),
                }
                for name, row in inference.items()
            },
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
