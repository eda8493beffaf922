"""Does masking keep its promises on annotated texts: nothing left, one person one surrogate, exactly reversible.

    python benchmarks/masking.py FILE.jsonl … [--predictor gold regex MODEL_DIR …] [--policy pseudonymise …]

Files hold samples of ours, or rows of external gold as `goldspan report` takes them. With the predictor `gold` the
annotations of the file are masked: what is left is masking's own fault. With any other, leakage and over-masking count
characters of the gold that stay readable, and others that do not, after thresholds, lists and repeats of the policy.
Times are CPU seconds of this run: compare them with each other only.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.text.words import find_occurrences, fold
from goldspan.annotation.types import Sample
from goldspan.evaluation.scores.masking import MaskingCounts, count_masking
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.keys import draw_key
from goldspan.masking.ledger import PLACEHOLDER
from goldspan.masking.policy import Policy, load_policy
from goldspan.masking.repeats import is_telling
from goldspan.masking.restore import restore_text
from goldspan.predictors.base import Predictor
from goldspan.predictors.registry import open_predictor
from goldspan.training.artifact.external import read_external

LABELS = load_labels()


def measure(policy: Policy, samples: Sequence[Sample], predictor: Predictor | None) -> dict[str, str]:
    """The figures of one policy and predictor; None: the gold itself."""
    key, total = draw_key(), MaskingCounts()
    counts: dict[str, int] = defaultdict(int)
    begun = time.process_time()
    for sample in samples:
        gold = sample.best
        if gold is None:
            continue
        annotation = gold if predictor is None else predictor.predict_sync(sample.text, sample.language, sample.country)
        context = MaskingContext(LABELS, key, sample.language, sample.country)
        masked = mask_annotation(sample.text, annotation, policy, context)
        total += count_masking(len(sample.text), gold.entities, masked.replacements, LABELS, gold.mentions)
        counts["texts"] += 1
        counts["characters"] += len(sample.text)
        values = {sample.text[e.start : e.end] for e in annotation.entities}
        telling = {value for value in values if is_telling(value)}
        left = [value for value in telling if next(find_occurrences(masked.text, value), None)]
        counts["texts with a value left"] += bool(left)
        counts["restored"] += restore_text(masked.text, masked.mapping, key).text == sample.text
        surrogates: dict[tuple[int, str, str], set[str]] = defaultdict(set)
        for one in masked.replacements:
            value = sample.text[one.start : one.end]
            surrogates[one.referent, one.label, value].add(one.replacement)
            counts["replacements"] += 1
            counts["real values"] += fold(one.replacement) in {fold(v) for v in values}
            if one.operator == "fake":
                counts["surrogates"] += 1
                counts["placeholders"] += bool(PLACEHOLDER.fullmatch(one.replacement))
                validator = LABELS[one.label].validator if one.label in LABELS else ""
                if validator and check_value(validator, value, sample.country):
                    counts["checked"] += 1
                    counts["valid"] += check_value(validator, one.replacement, sample.country)
        counts["referent values"] += len(surrogates)
        counts["consistent"] += sum(len(found) == 1 for found in surrogates.values())
    seconds = time.process_time() - begun

    def share(part: str, whole: str) -> str:
        return f"{counts[part] / counts[whole]:.4f} of {counts[whole]}" if counts[whole] else "–"

    def rate(value: float | None) -> str:
        return "–" if value is None else f"{value:.4f}"

    return {
        "leakage (share of gold characters)": rate(total.leakage_rate),
        "documents without a leak": f"{rate(total.zero_leak_rate)} of {total.sensitive}",
        "over-masking (share of other characters)": rate(total.over_masking_rate),
        "texts with a masked value left": f"{counts['texts with a value left']} of {counts['texts']}",
        "restored exactly": share("restored", "texts") if policy.reversible else "–",
        "one replacement for each referent and value": share("consistent", "referent values"),
        "replacements that are a real value of the text": str(counts["real values"]),
        "surrogates valid where the original was": share("valid", "checked"),
        "surrogates that became placeholders": share("placeholders", "surrogates"),
        "CPU ms for 1,000 characters": f"{1_000_000 * seconds / max(counts['characters'], 1):.2f}",
    }


def main() -> None:
    """Measure each policy on the samples of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--predictor", nargs="+", default=["gold"])
    parser.add_argument("--policy", nargs="+", default=["pseudonymise", "surrogates"])
    arguments = parser.parse_args()
    gold = [read_external(file, LABELS) for file in arguments.files]
    for name in arguments.predictor:
        predictor = None if name == "gold" else open_predictor(name, LABELS, defaults={"verify": "warn"})
        for data in gold:
            for policy in arguments.policy:
                print(f"\n{data.name}, {name}, {policy}")
                for figure, value in measure(load_policy(policy), data.samples, predictor).items():
                    print(f"  {figure:48} {value}")


if __name__ == "__main__":
    main()
