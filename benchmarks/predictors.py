"""How well and how fast the predictors read: strict precision and recall per label, CPU a document.

    python benchmarks/predictors.py [PREDICTOR …] [--samples 300] [--seed 77] [--languages en,de,fr,es,nl,da]

Gold are documents of the offline author, whose labels are exact by construction. Rampart knows 15 of the labels; the
line "shared" scores every predictor on those alone. The offline author is not the world: these figures compare
predictors with each other, and say little about other texts.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import platform
import time
from collections import defaultdict
from collections.abc import Sequence

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Entity
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_by_label
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.base import Predictor
from goldspan.predictors.rampart.predictor import LABEL_MAP
from goldspan.predictors.registry import open_predictor

LABELS = load_labels()
SHARED = frozenset(LABEL_MAP.values()) - {""}


class Document:
    """A text with its gold."""

    def __init__(self, seed: int, index: int, languages: Sequence[str]) -> None:
        spec = draw_spec(seed, index, languages, LABELS)
        written = compose_document(spec, LABELS)
        self.text, self.gold = written.text, written.entities
        self.language, self.country = spec.language, spec.country


def show(value: float | None) -> str:
    return "    –" if value is None else f"{value:.3f}"


def add_up(counts: Sequence[SpanCounts]) -> str:
    total = sum(counts, SpanCounts())
    return f"{show(total.precision)} {show(total.recall)} {show(total.measure_f())}"


async def read(predictor: Predictor, documents: Sequence[Document]) -> tuple[list[tuple[Entity, ...]], float]:
    await predictor.predict("warm up", "en", "US")
    begun = time.process_time()
    found = [(await predictor.predict(d.text, d.language, d.country)).annotation.entities for d in documents]
    return found, time.process_time() - begun


def measure(name: str, documents: Sequence[Document]) -> None:
    found, seconds = asyncio.run(read(open_predictor(name, LABELS), documents))
    by_label: defaultdict[str, SpanCounts] = defaultdict(SpanCounts)
    by_language: defaultdict[str, SpanCounts] = defaultdict(SpanCounts)
    for document, entities in zip(documents, found, strict=True):
        for label, counts in count_by_label(match_spans(document.gold, entities), Scheme.STRICT).items():
            by_label[label] += counts
            by_language[document.language] += counts
    print(f"\n{name}: {1000 * seconds / len(documents):.1f} ms CPU a document")
    print(f"{'label':18} precis recall    F1  gold predicted")
    for label, counts in sorted(by_label.items()):
        print(f"{label:18} {add_up([counts])} {counts.gold:5} {counts.predicted:5}")
    print(f"{'all labels':18} {add_up(list(by_label.values()))}")
    print(f"{'shared':18} {add_up([counts for label, counts in by_label.items() if label in SHARED])}")
    print("F1 by language:", ", ".join(f"{k} {show(v.measure_f())}" for k, v in sorted(by_language.items())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictors", nargs="*", default=["regex", "rampart", "regex+rampart"])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--languages", default="en,de,fr,es,nl,da")
    options = parser.parse_args()
    languages = options.languages.split(",")
    documents = [Document(options.seed, index, languages) for index in range(options.samples)]
    digest = hashlib.sha256("".join(d.text for d in documents).encode()).hexdigest()[:12]
    characters = sum(len(d.text) for d in documents) // len(documents)
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    print(f"{len(documents)} documents, {characters} characters each, seed {options.seed}, data {digest}")
    for name in options.predictors or ["regex", "rampart", "regex+rampart"]:
        measure(name, documents)


if __name__ == "__main__":
    main()
