"""How well does an audit find label errors? Documents of the offline author, 5 % of their spans corrupted in five ways.

    python benchmarks/audit.py [documents] [--share 0.05]
    python benchmarks/audit.py 240 --folds 3 --seeds 5              # fresh models of other folds, mean over seeds
    python benchmarks/audit.py 240 --folds 3 --second regex         # on top of a second predictor
    python benchmarks/audit.py 240 --folds 3 --whole-words          # wrong borders fall between words only

Corrupted: spans dropped, invented, given another label, cut and extended. The auditors are the predictor `regex` (which
judges its own labels only) and simulated annotators that err on a share of the true spans, as a second model would.
Printed for each: precision of the first 20, 50, 100 and 200 findings, the share of the errors found at all, and the
share of the errors in the first 10 % of the samples, in the order of the audit and in random order. With `regex`,
errors of labels that it cannot give cannot be found.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.evaluation.audit.audit import Audit, Opinions, audit_samples, audit_tokens
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.crf.tagger import CrfTagger
from goldspan.predictors.registry import open_predictor
from goldspan.training.methods.crf import CrfSettings, train_crf
from goldspan.training.methods.examples import join_examples
from tests.evaluation.audit.corruption import corrupt

LABELS = load_labels()
LANGUAGES = ("en", "de", "fr", "es", "nl", "da")
CUTS = (20, 50, 100, 200)


class SimulatedAnnotator(LocalPredictor):
    """Annotates as the true gold says, except for a share of the spans that it corrupts in its own way."""

    labels = LABELS.entity_codes

    def __init__(self, truth: Sequence[Sample], error_rate: float) -> None:
        self.name = f"simulated, {error_rate:.0%} errors"
        read, _ = corrupt(truth, error_rate, seed=77)
        self._entities = {sample.text: sample.best.entities for sample in read if sample.best}

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """What it was made to say."""
        return [Annotation(Author.model(self.model_version), self._entities[text.text]) for text in texts]


def make_truth(documents: int, languages: Sequence[str] = LANGUAGES, seed: int = 5) -> list[Sample]:
    """Documents of the offline author, exact by construction; each text once."""
    samples: dict[str, Sample] = {}
    for index in range(documents):
        spec = draw_spec(seed, index, languages, LABELS)
        document = compose_document(spec, LABELS)
        author = Annotation(Author.model("offline"), document.entities)
        samples[document.text] = Sample(
            document.text, spec.language, spec.country, annotations=(author,), sample_id=f"{index:05}"
        )
    return list(samples.values())


def measure(audit: Audit, places: dict[str, set[int]], samples: Sequence[Sample]) -> str:
    """One row of the table."""
    errors = sum(map(len, places.values()))
    hits = []
    found: set[tuple[str, int]] = set()
    for finding in audit.findings:
        starts = {entity.start for entity in (finding.gold, finding.suggested) if entity}
        touched = starts & places.get(finding.sample_id, set())
        hits.append(bool(touched))
        found |= {(finding.sample_id, start) for start in touched}
    precisions = " | ".join(f"{sum(hits[:cut]) / max(len(hits[:cut]), 1):.2f}" for cut in CUTS)
    rest = [sample.sample_id for sample in samples if sample.sample_id not in audit.ranking]
    tenth = len(samples) // 10
    first, shuffled = [*audit.ranking, *rest][:tenth], random.Random(1).sample([s.sample_id for s in samples], tenth)
    shares = [sum(len(places.get(name, ())) for name in order) / errors for order in (first, shuffled)]
    return (
        f"{audit.auditor} | {len(hits)} | {precisions} | {len(found) / errors:.0%} | {shares[0]:.0%} | {shares[1]:.0%}"
    )


FoldScores = tuple[float, float, float, float, float]
"""Precision of the first 50; share found in as many findings as there are errors, in twice as many, and in all of
them; average precision over samples."""


def audit_by_folds(seed: int, documents: int, share: float, folds: int, second: str, whole_words: bool) -> FoldScores:
    """How well token probabilities of a CRF of the other folds find the errors."""
    gold, places = corrupt(make_truth(documents, ("en",), seed), share, seed=seed, whole_words=whole_words)
    errors = sum(map(len, places.values()))

    def train(rest: Sequence[Sample], opinions: Opinions) -> CrfTagger:
        return CrfTagger(train_crf(join_examples(rest, opinions), CrfSettings(base="", iterations=80, copies=0)).model)

    reader = open_predictor(second, LABELS) if second else None
    audit = audit_tokens(gold, train, LABELS, folds=folds, second=reader, budget=10**6)
    hits = []
    for finding in audit.findings:
        starts = {entity.start for entity in (finding.gold, finding.suggested) if entity}
        hits.append(frozenset((finding.sample_id, start) for start in starts & places.get(finding.sample_id, set())))
    found = [len(frozenset().union(*hits[:cut])) / errors for cut in (errors, 2 * errors, len(hits))]
    ranking = [name in places for name in audit.ranking]
    precisions = [sum(ranking[: n + 1]) / (n + 1) for n, right in enumerate(ranking) if right]
    return (sum(map(bool, hits[:50])) / 50, *found, sum(precisions) / len(places))


def compare_folds(given: argparse.Namespace) -> None:
    """Print the scores of every seed and their means."""
    measure_seed = partial(
        audit_by_folds,
        documents=given.documents,
        share=given.share,
        folds=given.folds,
        second=given.second,
        whole_words=given.whole_words,
    )
    print("| seed | P@50 | found in E findings | in 2 E | in all | average precision of samples |")
    print("|---|---|---|---|---|---|")
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    with ProcessPoolExecutor(given.workers) as pool:
        rows = list(pool.map(measure_seed, seeds))
    means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    for name, row in [*zip(seeds, rows, strict=True), ("mean", means)]:
        print(f"| {name} | {' | '.join(f'{score:.2f}' for score in row)} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="?", type=int, default=2000)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--second", default="")
    parser.add_argument("--whole-words", action="store_true")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.folds:
        compare_folds(given)
        return
    truth = make_truth(given.documents)
    gold, places = corrupt(truth, given.share, seed=1)
    spans = sum(len(sample.best.entities) for sample in truth if sample.best)
    print(
        f"{len(truth)} documents, {spans} spans, {sum(map(len, places.values()))} errors in {len(places)} documents.\n"
    )
    print("| auditor | findings | P@20 | P@50 | P@100 | P@200 | errors found | in first 10 % | in random 10 % |")
    print("|---|---|---|---|---|---|---|---|---|")
    auditors = [*(SimulatedAnnotator(truth, rate) for rate in (0.02, 0.1, 0.2, 0.4)), open_predictor("regex", LABELS)]
    for auditor in auditors:
        print(f"| {measure(audit_samples(gold, auditor, budget=10**6), places, gold)} |", flush=True)
    patterns = open_predictor("regex", LABELS)
    narrow, where = corrupt([_keep(sample, patterns.labels) for sample in truth], given.share, seed=2)
    print(f"| its labels only: {measure(audit_samples(narrow, patterns, budget=10**6), where, narrow)} |")


def _keep(sample: Sample, labels: frozenset[str]) -> Sample:
    annotations = (
        replace(one, entities=tuple(entity for entity in one.entities if entity.label in labels))
        for one in sample.annotations
    )
    return replace(sample, annotations=tuple(annotations))


if __name__ == "__main__":
    main()
