"""Sections on the token classifier with an encoder: training, an interrupted run, inference."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.gpu.common import LABELS, SIZE, clock, make_trainer, rate
from goldspan.annotation.types import Sample
from goldspan.predictors.model.decode import DecodingOptions
from goldspan.predictors.model.encoding import load_tokenizer
from goldspan.training.models.build import read_tokenizer
from goldspan.training.models.corpus import make_examples
from goldspan.training.models.device import Device
from goldspan.training.models.encoders.catalogue import Encoder
from goldspan.training.models.inference import run_network
from goldspan.training.models.loop import TrainingOutcome, TrainingProgress
from goldspan.training.models.validation import decode_all, validate


def compare_training(
    train: Sequence[Sample], held_out: Sequence[Sample], encoder: Encoder, tokens: int, devices: Sequence[Device]
) -> dict[str, Any]:
    """Documents a second and strict F1 on each device."""
    rows: dict[str, Any] = {}
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in train]))
    ways = [(d.kind, d, 8) for d in devices] + [(f"{devices[-1].kind}, batch 32", devices[-1], 32)]
    for name, device, batch in ways:
        with tempfile.TemporaryDirectory() as folder:
            if device.kind == "cuda":
                make_trainer(train[:40], held_out[:2], encoder, device, Path(folder), token_budget=4_000)[0].run()
        with tempfile.TemporaryDirectory() as folder:
            trainer, network = make_trainer(
                train, held_out[:1], encoder, device, Path(folder), token_budget=tokens, batch_size=batch
            )
            with clock(device) as timed:
                outcome = trainer.run()
        f1 = validate(network, make_examples(held_out, tokenizer, LABELS), LABELS, SIZE, device).f1
        rows[name] = {
            "bf16": device.bf16,
            "documents_per_second": round(outcome.documents / timed.seconds, 1),
            "tokens_per_second": round(outcome.tokens / timed.seconds),
            "strict_f1": round(f1, 4),
        }
    return rate(rows, "documents_per_second", devices[0].kind)


def compare_resume(
    train: Sequence[Sample], held_out: Sequence[Sample], encoder: Encoder, tokens: int, device: Device
) -> dict[str, Any]:
    """The weights and scores of an interrupted run beside those of one that was not."""

    class Interrupted(BaseException):
        pass

    def interrupt(progress: TrainingProgress) -> None:
        if progress.tokens < progress.total:
            raise Interrupted

    settings = {"token_budget": tokens, "evaluations": 2, "checkpoint_seconds": 0.0, "average_checkpoints": 1}
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        trainer, whole = make_trainer(train, held_out, encoder, device, Path(one), **settings)
        wanted: TrainingOutcome = trainer.run()
        with suppress(Interrupted):
            make_trainer(train, held_out, encoder, device, Path(other), interrupt, **settings)[0].run()
        trainer, resumed = make_trainer(train, held_out, encoder, device, Path(other), **settings)
        found: TrainingOutcome = trainer.run()
    pairs = zip(whole.parameters(), resumed.parameters(), strict=True)
    worst = max(float((a.detach().float() - b.detach().float()).abs().max()) for a, b in pairs)
    return {
        "steps": [wanted.steps, found.steps],
        "strict_f1": [round(wanted.validation.f1, 4), round(found.validation.f1, 4)],
        "largest_difference_of_weights": worst,
    }


def compare_inference(
    train: Sequence[Sample], texts: Sequence[Sample], encoder: Encoder, devices: Sequence[Device]
) -> dict[str, Any]:
    """Documents a second of a trained network on each device, and agreement with the first."""
    with tempfile.TemporaryDirectory() as folder:
        trainer, network = make_trainer(train, texts[:8], encoder, devices[-1], Path(folder), token_budget=40_000)
        trainer.run()
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in train]))
    examples = make_examples(texts, tokenizer, LABELS)
    encoded = [example.encoded for example in examples]
    rows: dict[str, Any] = {}
    first: list[Any] = []
    plain = Device(devices[0].kind, bf16=False)
    for name, device in [("float32", plain), *((f"{d.kind}", d) for d in devices)]:
        network.to(device.kind)
        run_network(network, encoded[:32], SIZE, device)
        with clock(device) as timed:
            outputs = run_network(network, encoded, SIZE, device)
        found = decode_all(examples, outputs, LABELS, DecodingOptions())
        first = first or found
        same = sum(a == b for a, b in zip(_spans(first), _spans(found), strict=True))
        rows[name] = {
            "bf16": device.bf16,
            "documents_per_second": round(len(texts) / timed.seconds, 1),
            "documents_alike": round(same / len(texts), 4),
        }
    return rate(rows, "documents_per_second", devices[0].kind)


def _spans(found: Sequence[Any]) -> list[set[Any]]:
    return [{entity.span for entity in entities} for entities in found]
