"""A BERT-base tagger: one text after the other with torch, against INT8 through Goldspan's batching predictor.

    python benchmarks/latency_torch.py [--texts 16] [--in-flight 8] [--rounds 3] [--layers 12] [--width 768]

The weights are random: only time is measured, not quality. The baseline is what a service does that calls torch for one
request at a time: the model in fp32, tokens as they are (no padding), arg-max instead of decoding; once with one thread
and once with all cores. Goldspan's side tokenises, cuts windows, runs the INT8 graph and decodes, with all cores and
several texts in flight, and once more one text at a time. Both read the same texts, warm, in an order that turns around
from round to round. Only the ratios of one run say something. On a machine with other work the ratio of processor
seconds holds better than that of wall time: where all cores are busy, throughput is their inverse.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author
from goldspan.evaluation.results.timing import count_cores
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.model.decode import DecodingOptions, decode_entities
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.predictors.model.runtime import OnnxRuntime
from goldspan.training.artifact.export import export_onnx
from goldspan.training.artifact.quantise import INT8, quantise
from goldspan.training.models.build import read_tokenizer
from goldspan.training.models.encoders.catalogue import find_encoder
from goldspan.training.models.network import SpanNetwork

LABELS = load_labels()
TAGS = LABELS.bio_table


class Seconds(NamedTuple):
    """Wall and processor seconds of one round."""

    wall: float
    cpu: float


class QuantisedTagger(LocalPredictor):
    """The INT8 graph as every trained model runs."""

    name = "int8"

    def __init__(self, runtime: OnnxRuntime) -> None:
        self._runtime = runtime

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Tokenise, run and decode."""
        encoded = self._runtime.encode([text.text for text in texts])
        outputs = self._runtime.run(encoded)
        return [
            Annotation(Author.model("int8"), tuple(decode_entities(text.text, one, out.pii, TAGS, DecodingOptions())))
            for text, one, out in zip(texts, encoded, outputs, strict=True)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    options = parser.parse_args()
    import torch
    import transformers

    cores = count_cores()
    texts = [compose_document(draw_spec(7, n, ["en"], LABELS), LABELS).text for n in range(options.texts)]
    tokenizer_json = read_tokenizer(find_encoder("tiny"), texts)
    tokenizer = load_tokenizer(tokenizer_json)
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        num_hidden_layers=options.layers,
        hidden_size=options.width,
        num_attention_heads=options.width // 64,
        intermediate_size=4 * options.width,
        num_labels=len(TAGS),
    )
    torch.manual_seed(1)
    tagger = transformers.BertForTokenClassification(config).eval()
    graph = quantise(export_onnx(SpanNetwork(tagger, options.width)), INT8)
    predictor = QuantisedTagger(OnnxRuntime(graph, tokenizer_json, WindowSize(256, 64), threads=cores))
    ids = [tokenizer.encode(text).ids[:512] for text in texts]
    lengths = sorted(map(len, ids))
    print(f"{platform.machine()}, {cores} cores, load {os.getloadavg()[0]:.1f}; {options.layers} × {options.width}, "
          f"{sum(p.numel() for p in tagger.parameters()) / 1e6:.0f} M parameters, INT8 {len(graph) / 1e6:.0f} MB; "
          f"{len(texts)} texts of {lengths[0]} to {lengths[-1]} tokens")  # fmt: skip

    def run_torch(threads: int) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                for one in ids:
                    tagger(input_ids=torch.tensor([one])).logits.argmax(-1)

        return run

    def run_ours(in_flight: int) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            slots = asyncio.Semaphore(in_flight)

            async def one(text: str) -> None:
                async with slots:
                    await predictor.predict(text, "en")

            await asyncio.gather(*map(one, texts))

        return run

    conditions = {
        "torch, one at a time, 1 thread": run_torch(1),
        f"torch, one at a time, {cores} threads": run_torch(cores),
        "INT8, one at a time": run_ours(1),
        f"INT8, {options.in_flight} in flight": run_ours(options.in_flight),
    }
    found = asyncio.run(measure(conditions, options.rounds))
    wall = {name: median(one.wall for one in rounds) for name, rounds in found.items()}
    cpu = {name: median(one.cpu for one in rounds) for name, rounds in found.items()}
    base = next(iter(found))
    print(f"{'':34} {'texts/s':>8} {'× torch 1':>10} {'CPU ms a text':>14} {'× torch 1':>10}")
    for name in found:
        print(f"{name:34} {len(texts) / wall[name]:8.2f} {wall[base] / wall[name]:10.2f} "
              f"{1000 * cpu[name] / len(texts):14.1f} {cpu[base] / cpu[name]:10.2f}")  # fmt: skip


async def measure(conditions: dict[str, Callable[[], Awaitable[None]]], rounds: int) -> dict[str, list[Seconds]]:
    """Seconds of every condition, a value a round; each is run once before, to warm up."""
    for run in conditions.values():
        await run()
    seconds: dict[str, list[Seconds]] = {name: [] for name in conditions}
    for number in range(rounds):
        order = list(conditions.items())
        for name, run in order if number % 2 == 0 else order[::-1]:
            begun, begun_cpu = perf_counter(), process_time()
            await run()
            seconds[name].append(Seconds(perf_counter() - begun, process_time() - begun_cpu))
    return seconds


if __name__ == "__main__":
    main()
