"""Does masking keep its promises on annotated texts: nothing left, one person one surrogate, exactly reversible.

    python benchmarks/masking.py FILE.jsonl [--policy pseudonymise surrogates redact]

The annotations of the file are taken as they are: how well a predictor finds entities is a question for
`goldspan evaluate`. Times are CPU seconds of this run: compare them with each other only.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.text.words import find_occurrences, fold
from goldspan.annotation.types import Sample
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.detection import is_telling
from goldspan.masking.keys import draw_key
from goldspan.masking.ledger import PLACEHOLDER
from goldspan.masking.policy import Policy, load_policy
from goldspan.masking.restore import restore_text

LABELS = load_labels()


def measure(policy: Policy, samples: list[Sample]) -> dict[str, str]:
    """The figures of one policy."""
    key = draw_key()
    counts: dict[str, int] = defaultdict(int)
    begun = time.process_time()
    for sample in samples:
        annotation = sample.best
        if annotation is None:
            continue
        context = MaskingContext(LABELS, key, sample.language, sample.country)
        masked = mask_annotation(sample.text, annotation, policy, context)
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

    return {
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
    parser.add_argument("file", type=Path)
    parser.add_argument("--policy", nargs="+", default=["pseudonymise", "surrogates", "redact"])
    arguments = parser.parse_args()
    samples = list(read_samples([arguments.file], LABELS))
    for name in arguments.policy:
        print(f"\n{name}")
        for figure, value in measure(load_policy(name), samples).items():
            print(f"  {figure:48} {value}")


if __name__ == "__main__":
    main()
