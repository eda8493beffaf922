"""Train in memory and read texts in torch: for measurements that keep no model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from goldspan.annotation.corpus.uncertainty import score_tokens
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity
from goldspan.predictors.model.decode import DecodingOptions, decode_entities, measure_certainty
from goldspan.predictors.model.encoding import WindowSize, encode_texts, load_tokenizer
from goldspan.training.config import TrainingConfig
from goldspan.training.models.device import choose_device
from goldspan.training.models.fit import TrainingData, fit, load_trained
from goldspan.training.models.inference import run_network

TextReader = Callable[[Sequence[str]], list[tuple[tuple[Entity, ...], float]]]
"""The entities of each text, and the certainty of its least certain tokens (0 to 1)."""


def train_reader(data: TrainingData, labels: LabelSchema, config: TrainingConfig) -> TextReader:
    """Train in a temporary folder, from the encoder's weights.

    Raises:
        InputError: a split is empty or holds no entity.
        ConfigurationError: the encoder or the device is not there.
        StateError: memory or disk ran out.
    """
    with tempfile.TemporaryDirectory(prefix="goldspan-fit-") as folder:
        fit(data, labels, config, Path(folder))
        network = load_trained(Path(folder) / "trained")
        tokenizer = load_tokenizer((Path(folder) / "tokenizer.json").read_bytes())
    settings = config.training
    device = choose_device(settings.device, settings.bf16, settings.threads)
    network.to(device.kind)
    size = WindowSize(settings.window_tokens, settings.window_overlap)

    def read(texts: Sequence[str]) -> list[tuple[tuple[Entity, ...], float]]:
        encoded = encode_texts(tokenizer, list(texts))
        outputs = run_network(network, encoded, size, device)
        return [
            (
                tuple(decode_entities(text, tokens, output.pii, labels.bio_table, DecodingOptions())),
                score_tokens(measure_certainty(output.pii)),
            )
            for text, tokens, output in zip(texts, encoded, outputs, strict=True)
        ]

    return read
