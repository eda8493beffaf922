"""What data teaches that its author did not write: one small token classifier for each training set, tested elsewhere.

python benchmarks/transfer.py --sources FOLDER [--train NAME=FILE.jsonl.gz ...] [--samples 2000] [--tokens 500000]
                              [--encoder rampart] [--seeds 1] [--first-seed 0] [--threads 0] [--device auto]
                              [--only-given] [--production] [--out table.json]

Every training set has the same encoder, number of samples, token budget and seeds; `offline` is written by the author
of this checkout (not with `--only-given`), the others are files with one object a line: text, language, and entities
as [start, end, label].
Sources are files of `{"text", "spans": [{"start", "end", "label" or "group"}]}`. Groups are compared with groups, and
only those that the source labels: strict F1 of spans, F2 of characters, the share of entities missed whole, and the
share of which a letter or digit lies outside of everything that was found (leaked).

With `--production` each model is also decoded as it is served: calibrated, with the patterns' checked values
(`trained`), with all patterns (`regex+trained`), the same at the operating point for a recall of 0.95; `regex` and
`regex+rampart` stand beside them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Without this folder: its `datasets.py` would hide the library of that name from transformers.
sys.path.remove(str(Path(__file__).resolve().parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.matching.levels import find_group
from goldspan.evaluation.scores.masking import measure_shared, measure_stretches
from goldspan.evaluation.scores.spans import combine_f, divide
from goldspan.generators.mixing.mix import write_offline

LABELS = load_labels()
LANGUAGES = ("en", "de", "fr", "es", "nl", "da")
Spans = list[tuple[int, int, str]]
Found = dict[str, dict[str, list[tuple[Entity, ...]]]]
"""Entities of each text, by decoding and source."""


@dataclass(frozen=True, slots=True)
class Source:
    """Texts of somebody else: spans by group, and the groups that are labelled at all."""

    name: str
    texts: tuple[str, ...]
    gold: tuple[Spans, ...]
    groups: frozenset[str]


def read_source(path: Path) -> Source:
    """One external file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    gold = [
        merge((s["start"], s["end"], s.get("group") or find_group(s["label"], LABELS)) for s in row["spans"])
        for row in rows
    ]
    groups = frozenset(group for spans in gold for _, _, group in spans)
    return Source(path.stem, tuple(row["text"] for row in rows), tuple(gold), groups)


def read_training(path: Path, count: int) -> list[Sample]:
    """The first samples of a file, gzipped or not."""
    opened: Any = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(count), strict=False)]
    return [make_sample(row["text"], row["language"], [Entity(*entity) for entity in row["entities"]]) for row in rows]


def make_sample(text: str, language: str, entities: Iterable[Entity]) -> Sample:
    """A sample with one annotation, as gold."""
    gold = Annotation(Author.person("1"), tuple(entities))
    return Sample(text, language, annotations=(gold,), sample_id=make_sample_id(text, language))


def train_and_predict(
    samples: Sequence[Sample], sources: Sequence[Source], arguments: argparse.Namespace, seed: int
) -> tuple[Found, float]:
    """Entities found in every source, by how the model was decoded, and its F1 on the samples held out."""
    from goldspan.predictors.model.decode import DecodingOptions
    from goldspan.predictors.model.encoding import WindowSize, encode_texts, load_tokenizer
    from goldspan.training.artifact.calibrate import calibrate
    from goldspan.training.artifact.outputs import GoldOutputs
    from goldspan.training.config import parse_config
    from goldspan.training.models.device import choose_device
    from goldspan.training.models.fit import TrainingData, fit, load_trained
    from goldspan.training.models.inference import run_network

    config = parse_config(
        {
            "model": {"name": arguments.encoder, "coreference": False},
            "training": {
                "token_budget": arguments.tokens, "threads": arguments.threads, "evaluations": 3, "seed": seed,
                "early_stopping_enabled": False, "device": arguments.device, "max_eval_samples": 150,
            },
        }
    )  # fmt: skip
    held_out = len(samples) // 10
    with tempfile.TemporaryDirectory() as folder:
        record = fit(TrainingData(samples[held_out:], samples[:held_out]), LABELS, config, Path(folder))
        network = load_trained(Path(folder) / "trained")
        tokenizer = load_tokenizer((Path(folder) / "trained" / "tokenizer.json").read_bytes())
    device = choose_device(arguments.device, "auto", arguments.threads)
    network.to(device.kind)

    def run(texts: Sequence[str], gold: Sequence[Annotation]) -> GoldOutputs:
        encoded = encode_texts(tokenizer, texts)
        outputs = run_network(network, encoded, WindowSize(256, 64), device)
        return GoldOutputs(tuple(texts), tuple(gold), tuple(encoded), tuple(outputs), LABELS.bio_table)

    outputs = {source.name: run(source.texts, ()) for source in sources}
    found: Found = {"": {name: one.decode(DecodingOptions()) for name, one in outputs.items()}}
    if arguments.production:
        validation = samples[:held_out]
        calibration = calibrate(run([s.text for s in validation], [s.annotations[0] for s in validation]))
        for recall in (None, 0.95):
            mark = f", recall {recall}" if recall else ""
            try:
                options = calibration.choose(recall)
            except ConfigurationError:
                continue
            decoded = {name: one.decode(options) for name, one in outputs.items()}
            found[f"trained{mark}"] = {s.name: join(find_patterns(s, checked=True), decoded[s.name]) for s in sources}
            found[f"regex+trained{mark}"] = {s.name: join(find_patterns(s), decoded[s.name]) for s in sources}
    return found, float(record["validation"]["f1"] or 0.0)


def find_patterns(source: Source, *, checked: bool = False) -> list[tuple[Entity, ...]]:
    """What the patterns find in each text; `checked`: only values that a check digit or the like confirms."""
    from goldspan.predictors.patterns.candidates import CHECKED

    entities = predict("regex", source)
    return [tuple(e for e in one if not checked or (e.score or 0.0) >= CHECKED) for one in entities]


def predict(name: str, source: Source) -> list[tuple[Entity, ...]]:
    """What a predictor without training finds in each text."""
    from goldspan.predictors.base import LocalPredictor, TextInput
    from goldspan.predictors.registry import open_predictor

    predictor = open_predictor(name, LABELS)
    if not isinstance(predictor, LocalPredictor):
        raise TypeError(f"{name} does not run in this process.")
    return [found.entities for found in predictor.predict_batch([TextInput(text, "en") for text in source.texts])]


def join(first: Sequence[Sequence[Entity]], second: Sequence[Sequence[Entity]]) -> list[tuple[Entity, ...]]:
    """The first's entities, and those of the second that overlap none of them."""
    return [
        (*one, *(e for e in other if not any(e.start < f.end and f.start < e.end for f in one)))
        for one, other in zip(first, second, strict=True)
    ]


def merge(spans: Iterable[tuple[int, int, str]]) -> Spans:
    """Spans in order; neighbours of one group with at most two characters between them are one (an address, a name)."""
    merged: Spans = []
    for start, end, group in sorted(spans):
        if merged and merged[-1][2] == group and start - merged[-1][1] <= 2:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), group)
        else:
            merged.append((start, end, group))
    return merged


def score(source: Source, entities: Sequence[Sequence[Entity]]) -> dict[str, float]:
    """Strict F1 over spans, F2 over characters, shares of entities missed whole and of those that leak."""
    from goldspan.training.artifact.outputs import measure_leakage

    grouped = [[(e.start, e.end, find_group(e.label, LABELS)) for e in one] for one in entities]
    found = [merge(span for span in one if span[2] in source.groups) for one in grouped]
    right = sum(len(set(gold) & set(hits)) for gold, hits in zip(source.gold, found, strict=True))
    wanted, given = sum(map(len, source.gold)), sum(map(len, found))
    hidden = personal = masked = missed = 0
    for gold, hits in zip(source.gold, found, strict=True):
        wanted_places, masks = unite(gold), unite(hits)
        personal += measure_stretches(wanted_places)
        masked += measure_stretches(masks)
        hidden += measure_shared(wanted_places, masks)
        missed += sum(not any(s < end and start < e for s, e in masks) for start, end, _ in gold)
    return {
        "strict_f1": combine_f(divide(right, given) or 0.0, divide(right, wanted) or 0.0),
        "character_f2": combine_f(divide(hidden, masked) or 0.0, divide(hidden, personal) or 0.0, 2.0),
        "missed": missed / wanted,
        "leaked": measure_leakage(source.texts, [[Entity(*span) for span in gold] for gold in source.gold], entities),
    }


def unite(spans: Spans) -> tuple[tuple[int, int], ...]:
    """Stretches of characters that spans cover."""
    stretches: list[tuple[int, int]] = []
    for start, end, _ in sorted(spans):
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return tuple(stretches)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--train", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=500_000)
    parser.add_argument("--encoder", default="rampart")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--only-given", action="store_true")
    parser.add_argument("--production", action="store_true")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    sources = [read_source(path) for path in sorted(arguments.sources.glob("*.jsonl"))]
    sets = {
        name: read_training(Path(file), arguments.samples)
        for name, _, file in (t.partition("=") for t in arguments.train)
    }
    if not arguments.only_given:
        sets["offline"] = list(write_offline(arguments.samples, 11, LANGUAGES, LABELS))
    rows: list[dict[str, Any]] = []

    def report(train: str, found: Mapping[str, Sequence[Sequence[Entity]]], **facts: float) -> None:
        row: dict[str, Any] = {"train": train, **facts}
        row |= {source.name: score(source, found[source.name]) for source in sources}
        rows.append(row)
        cells = (
            f"{s.name} F1 {row[s.name]['strict_f1']:.3f} F2 {row[s.name]['character_f2']:.3f} "
            f"missed {row[s.name]['missed']:.3f} leaked {row[s.name]['leaked']:.3f}"
            for s in sources
        )
        known = ", ".join(f"{name} {value:.3g}" for name, value in facts.items())
        print(f"{train} ({known}): {' | '.join(cells)}", flush=True)

    for name in ("regex", "regex+rampart") if arguments.production else ():
        try:
            report(name, {source.name: predict(name, source) for source in sources})
        except ConfigurationError as error:
            print(error)
    for name, samples in sets.items():
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
            begun = time.process_time()
            found, at_home = train_and_predict(samples, sources, arguments, seed)
            seconds = time.process_time() - begun
            for way, entities in found.items():
                title = f"{name}: {way}" if way else name
                report(title, entities, seed=seed, held_out=at_home, cpu_seconds=seconds)
    if arguments.out:
        arguments.out.write_text(
            json.dumps({"encoder": arguments.encoder, "tokens": arguments.tokens, "rows": rows}, indent=2)
        )


if __name__ == "__main__":
    main()
