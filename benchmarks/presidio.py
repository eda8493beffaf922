"""Presidio's analyzer and anonymizer beside `goldspan.mask` on the same texts: CPU time, and what stays readable.

    python benchmarks/presidio.py --python PYTHON [--texts 100] [--predictor regex]

PYTHON is the interpreter of an environment with presidio-analyzer and presidio-anonymizer. Presidio runs with its
pattern recognisers and spaCy's blank English pipeline: its language models are no packages of an index. Names are
therefore found by neither side with the predictor `regex`. Both run in one process each, one text after the other,
warm, in rounds that alternate. A value counts as left if it stands alone in the masked text.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from statistics import median
from time import process_time

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.annotation.text.words import find_occurrences
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.registry import open_predictor

LABELS = load_labels()
SHARED = ("EMAIL", "PHONENUMBER", "CREDITCARDNUMBER", "IBAN", "IP", "SSN", "URL")
"""Labels that both sides have patterns for."""

PRESIDIO = """
import json, sys, time
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_anonymizer import AnonymizerEngine

class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}
    def load(self):
        pass
    def is_loaded(self):
        return True

analyzer, anonymizer = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"]), AnonymizerEngine()
for line in sys.stdin:
    texts, masked = json.loads(line), []
    begun = time.process_time()
    for text in texts:
        masked.append(anonymizer.anonymize(text=text, analyzer_results=analyzer.analyze(text, language="en")).text)
    print(json.dumps([time.process_time() - begun, masked]), flush=True)
"""


class Presidio:
    """Presidio in a process of its own."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-W", "ignore", "-c", PRESIDIO],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def mask(self, texts: Sequence[str]) -> tuple[float, list[str]]:
        """CPU seconds, and the masked texts."""
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("Presidio has no pipe.")
        self._process.stdin.write(json.dumps(list(texts)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("Presidio did not answer; is it installed for that interpreter?")
        seconds, masked = json.loads(line)
        return seconds, masked


def main() -> None:
    """Alternate rounds, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--predictor", default="regex")
    options = parser.parse_args()
    specs = [draw_spec(9, number, ["en"], LABELS) for number in range(options.texts)]
    documents = [compose_document(spec, LABELS) for spec in specs]
    countries = {document.text: spec.country for document, spec in zip(documents, specs, strict=True)}
    texts = [document.text for document in documents]
    masker = Masker(open_predictor(options.predictor, LABELS), load_policy("pseudonymise"), LABELS)
    presidio = Presidio(options.python)

    def mask_ours(texts: Sequence[str]) -> tuple[float, list[str]]:
        begun = process_time()
        masked = [run_sync(masker.mask(text, "en", countries[text])).text for text in texts]
        return process_time() - begun, masked

    sides = {"goldspan": mask_ours, "presidio": presidio.mask}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    written: dict[str, list[str]] = {}
    for work in sides.values():
        work(texts[:5])
    for number in range(options.rounds):
        for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
            took, written[name] = sides[name](texts)
            seconds[name].append(took)
    planted = Counter(e.label for document in documents for e in document.entities if e.label in SHARED)
    print(
        f"{len(texts)} texts of {sum(map(len, texts)) // len(texts)} characters, {planted.total()} values of {SHARED}"
    )
    for name in sides:
        left: Counter[str] = Counter()
        for document, masked in zip(documents, written[name], strict=True):
            for entity in document.entities:
                value = document.text[entity.start : entity.end]
                if entity.label in SHARED and next(find_occurrences(masked, value), None):
                    left[entity.label] += 1
        milliseconds = 1000 * median(seconds[name]) / len(texts)
        print(f"{name}: {milliseconds:.2f} CPU ms a text, {left.total()} values left {dict(left)}")
    print(f"presidio / goldspan: {median(seconds['presidio']) / median(seconds['goldspan']):.2f} times the CPU time")


if __name__ == "__main__":
    main()
