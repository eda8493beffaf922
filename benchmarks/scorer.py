"""Scoring of a corpus, strict and under four schemes: ours against nervaluate, seqeval and plain sets, on one input.

    python benchmarks/scorer.py [documents] [--spans 8] [--repeats 3]

Every scorer gets what its users hand it: lists of spans (ours, the set), lists of dictionaries (nervaluate, with
`end - 1`, because it takes ends as inclusive), lists of IOB2 tags (seqeval). Preparing these is not timed; turning
our lists into columns is, and is also shown apart. Memory is the peak of new allocations against the columns.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.schemes import score_schemes
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_matches
from goldspan.evaluation.scores.strict import collect_columns, count_strict, number_labels, score_strict

LABELS = [f"LABEL{number:02}" for number in range(26)]
TOKEN = 6
"""Code points of a token with its space; spans lie on tokens, so that seqeval can read them."""
Corpus = list[list[Span]]


def make_corpus(documents: int, spans: int, seed: int = 0) -> tuple[Corpus, Corpus]:
    """Gold, and a prediction with a tenth missed, a tenth relabelled and a tenth of the ends moved."""
    rng = random.Random(seed)
    golds: Corpus = []
    predictions: Corpus = []
    for _ in range(documents):
        gold, predicted, place = [], [], 0
        for _ in range(spans):
            place += rng.randint(1, 3)
            width = rng.randint(1, 3)
            span = Span(place * TOKEN, (place + width) * TOKEN - 1, rng.choice(LABELS))
            place += width
            gold.append(span)
            dice = rng.random()
            if dice < 0.1:
                continue
            if dice < 0.2:
                span = span._replace(label=rng.choice(LABELS))
            elif dice < 0.3 and width > 1:
                span = span._replace(end=span.end - TOKEN)
            predicted.append(span)
        golds.append(gold)
        predictions.append(predicted)
    return golds, predictions


def intersect_sets(gold: Corpus, predicted: Corpus) -> SpanCounts:
    """The plainest way in Python: one set of tuples a side, and a count of each label."""
    one = {(number, *span) for number, spans in enumerate(gold) for span in spans}
    other = {(number, *span) for number, spans in enumerate(predicted) for span in spans}
    shared = one & other
    Counter(row[3] for row in one), Counter(row[3] for row in other), Counter(row[3] for row in shared)
    return SpanCounts(len(one), len(other), len(shared), len(shared))


def intersect_by_label(gold: Corpus, predicted: Corpus) -> SpanCounts:
    """The plainest way to strict counts of each label: one set of tuples a side and label."""
    sides: list[dict[str, set[tuple[int, int, int]]]] = []
    for corpus in (gold, predicted):
        by_label: dict[str, set[tuple[int, int, int]]] = {}
        for number, spans in enumerate(corpus):
            for span in spans:
                by_label.setdefault(span.label, set()).add((number, span.start, span.end))
        sides.append(by_label)
    one, other = sides
    labels = one.keys() | other.keys()
    counts = [
        (len(one.get(x, ())), len(other.get(x, ())), len(one.get(x, set()) & other.get(x, set()))) for x in labels
    ]
    return sum((SpanCounts(g, p, c, c) for g, p, c in counts), SpanCounts())


def count_four_schemes(gold: Corpus, predicted: Corpus) -> SpanCounts:
    return sum(score_schemes(gold, predicted)[Scheme.STRICT].values(), SpanCounts())


def count_in_columns(gold: Corpus, predicted: Corpus) -> SpanCounts:
    return sum(score_strict(gold, predicted).values(), SpanCounts())


def match_one_by_one(gold: Corpus, predicted: Corpus) -> SpanCounts:
    pairs = zip(gold, predicted, strict=True)
    return sum((count_matches(match_spans(one, other), Scheme.STRICT) for one, other in pairs), SpanCounts())


def prepare_nervaluate(gold: Corpus, predicted: Corpus) -> Callable[[], SpanCounts]:
    from nervaluate import Evaluator

    def convert(corpus: Corpus) -> list[list[dict[str, object]]]:
        return [[{"label": s.label, "start": s.start, "end": s.end - 1} for s in spans] for spans in corpus]

    golds, predictions = convert(gold), convert(predicted)

    def run() -> SpanCounts:
        result = Evaluator(golds, predictions, tags=LABELS, loader="dict").evaluate()["overall"]["strict"]
        return SpanCounts(result.possible, result.actual, result.correct, result.correct)

    return run


def prepare_seqeval(gold: Corpus, predicted: Corpus) -> Callable[[], SpanCounts]:
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2

    lengths = [max(s.end for s in spans) // TOKEN + 1 for spans in gold]

    def convert(corpus: Corpus) -> list[list[str]]:
        rows = []
        for spans, length in zip(corpus, lengths, strict=True):
            tags = ["O"] * length
            for span in spans:
                first, last = span.start // TOKEN, span.end // TOKEN
                tags[first : last + 1] = [f"B-{span.label}"] + [f"I-{span.label}"] * (last - first)
            rows.append(tags)
        return rows

    golds, predictions = convert(gold), convert(predicted)
    amount = sum(map(len, gold)), sum(map(len, predicted))

    def run() -> SpanCounts:
        precision, *_ = precision_recall_fscore_support(golds, predictions, average="micro", scheme=IOB2)
        correct = round(float(precision) * amount[1])
        return SpanCounts(*amount, correct, correct)

    return run


def measure(run: Callable[[], SpanCounts], repeats: int) -> tuple[float, SpanCounts]:
    """The fastest of some runs, in seconds."""
    seconds = []
    for _ in range(repeats):
        begun = time.perf_counter()
        counts = run()
        seconds.append(time.perf_counter() - begun)
    return min(seconds), counts


def measure_memory(gold: Corpus, predicted: Corpus) -> tuple[int, dict[str, int]]:
    """Bytes of the columns, and the peak of what each way of counting allocates on top of its input."""
    numbers = number_labels(gold, predicted)
    one, other = collect_columns(gold, numbers), collect_columns(predicted, numbers)
    size = sum(getattr(side, name).nbytes for side in (one, other) for name in ("document", "start", "end", "label"))
    peaks: dict[str, int] = {}
    for name, run in {
        "strict, columns given": lambda: count_strict(one, other, documents=len(gold), labels=len(numbers)),
        "strict from lists": lambda: score_strict(gold, predicted),
        "four schemes from lists": lambda: score_schemes(gold, predicted),
    }.items():
        tracemalloc.start()
        run()
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return size, peaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--spans", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}")
    for documents in options.documents:
        gold, predicted = make_corpus(documents, options.spans)
        print(f"\n{documents:,} documents x {options.spans} spans, data {fingerprint(gold, predicted)}")
        report(gold, predicted, options.repeats)


def fingerprint(gold: Corpus, predicted: Corpus) -> str:
    return hashlib.sha256(repr((gold, predicted)).encode()).hexdigest()[:12]


def report(gold: Corpus, predicted: Corpus, repeats: int) -> None:
    numbers = number_labels(gold, predicted)
    one, other = collect_columns(gold, numbers), collect_columns(predicted, numbers)
    size, documents = len(numbers), len(gold)
    slow = max(1, repeats // 3)
    runs = {
        "goldspan, columns given": (
            repeats,
            lambda: count_strict(one, other, documents=documents, labels=size).micro,
        ),
        "goldspan, from lists": (repeats, lambda: count_in_columns(gold, predicted)),
        "goldspan, four schemes from lists": (repeats, lambda: count_four_schemes(gold, predicted)),
        "plain sets, one a label": (repeats, lambda: intersect_by_label(gold, predicted)),
        "plain set intersection": (repeats, lambda: intersect_sets(gold, predicted)),
        "goldspan, every pair and error kind": (repeats, lambda: match_one_by_one(gold, predicted)),
        f"seqeval {version('seqeval')}, strict IOB2": (slow, prepare_seqeval(gold, predicted)),
        f"nervaluate {version('nervaluate')}": (slow, prepare_nervaluate(gold, predicted)),
    }
    results = {name: measure(run, times) for name, (times, run) in runs.items()}
    expected = results["goldspan, from lists"][1]
    slowest = results[f"nervaluate {version('nervaluate')}"][0]
    for name, (seconds, counts) in results.items():
        agrees = "same counts" if counts == expected else f"OTHER COUNTS {counts}"
        print(f"  {name:38} {seconds:9.4f} s   nervaluate takes {slowest / seconds:7.1f} x   {agrees}")
    by_label = results["plain sets, one a label"][0]
    print(
        f"  strict from lists takes {results['goldspan, from lists'][0] / by_label:.2f} x the plain sets of each label"
    )
    columns, peaks = measure_memory(gold, predicted)
    shown = ", ".join(f"{name} {peak / 1e6:.1f} MB ({peak / columns:.2f} x)" for name, peak in peaks.items())
    print(f"  memory: columns {columns / 1e6:.1f} MB; on top of the input: {shown}")


if __name__ == "__main__":
    main()
