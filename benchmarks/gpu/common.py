"""What the sections share: documents, a trainer, a clock, ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.training.config import AugmentationSettings, TrainingSettings
from goldspan.training.models.build import build_network, read_tokenizer
from goldspan.training.models.corpus import TrainingCorpus, make_examples
from goldspan.training.models.device import Device
from goldspan.training.models.encoders.catalogue import Encoder
from goldspan.training.models.loop import Trainer, TrainingProgress
from goldspan.training.models.network import SpanNetwork

LABELS = load_labels()
SIZE = WindowSize(256, 64)


def read_documents(path: Path | None, count: int) -> list[Sample]:
    """Documents of a file, or of the offline author."""
    if path:
        from goldspan.annotation.tasks.store import read_samples

        return list(read_samples([path], LABELS))[:count]
    from goldspan.annotation.identity import make_sample_id
    from goldspan.annotation.types import Annotation, Author
    from goldspan.generators.offline.author import compose_document
    from goldspan.generators.specs.draw import draw_spec

    samples = []
    for index in range(count):
        tagged = compose_document(draw_spec(17, index, ["en"], LABELS), LABELS)
        gold = Annotation(Author.person("1"), tagged.entities, tagged.mentions)
        samples.append(Sample(tagged.text, "en", annotations=(gold,), sample_id=make_sample_id(tagged.text, "en")))
    return samples


@dataclass(slots=True)
class Clock:
    """Wall seconds of a block."""

    seconds: float = 0.0


@contextmanager
def clock(device: Device) -> Iterator[Clock]:
    """Measure a block until the device is done."""
    found, begun = Clock(), time.perf_counter()
    yield found
    if device.kind == "cuda":
        torch.cuda.synchronize()
    found.seconds = time.perf_counter() - begun


def make_trainer(
    samples: Sequence[Sample],
    held_out: Sequence[Sample],
    encoder: Encoder,
    device: Device,
    folder: Path,
    report: Callable[[TrainingProgress], None] = lambda _: None,
    **settings: Any,
) -> tuple[Trainer, SpanNetwork]:
    """Our training loop over the token classifier, from the same weights each time."""
    torch.manual_seed(0)
    tokenizer = load_tokenizer(read_tokenizer(encoder, [sample.text for sample in samples]))
    built = build_network(encoder, LABELS.bio_table, vocabulary=tokenizer.get_vocab_size())
    corpus = TrainingCorpus(tuple(samples), tokenizer, LABELS, AugmentationSettings(), 0, 0.0)
    chosen = TrainingSettings(
        **{"evaluations": 1, "checkpoint_seconds": 1e9, "early_stopping_enabled": False, **settings}
    )
    trainer = Trainer(
        built.network, corpus, make_examples(held_out, tokenizer, LABELS), LABELS, chosen, device,
        encoder.learning_rate, folder, coreference=False, report=report,
    )  # fmt: skip
    return trainer, built.network


def list_precisions(devices: Sequence[Device]) -> list[tuple[str, Device, bool]]:
    """Each device, and the GPU with 4-bit weights."""
    ways = [(device.kind, device, False) for device in devices]
    return ways + ([("cuda, 4-bit", devices[-1], True)] if devices[-1].kind == "cuda" else [])


def rate(rows: dict[str, Any], figure: str, first: str) -> dict[str, Any]:
    """Add to each row its ratio to the first device's."""
    for row in rows.values():
        if figure in row and figure in rows.get(first, {}):
            row["ratio"] = round(row[figure] / max(rows[first][figure], 1e-9), 2)
    return rows
