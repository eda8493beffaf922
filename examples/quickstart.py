"""Write samples offline, check them, and measure what the pattern predictor finds in them. Needs no key.

python examples/quickstart.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import goldspan


def main(folder: Path) -> None:
    """Generate, check, evaluate; everything is written to the folder."""
    labels = goldspan.load_labels()
    settings = goldspan.RunSettings("offline", samples=20, languages=("en", "de"), seed=7)
    summary = goldspan.generate(settings, data=folder)
    samples = list(goldspan.read_samples(summary.samples, labels))
    print(f"{len(samples)} samples in {summary.samples}")

    first = samples[0]
    print(goldspan.render_tagged(first.text, first.best.entities, first.best.mentions), end="\n\n")

    issues = [
        issue
        for sample in samples
        for issue in goldspan.check_annotation(sample.text, sample.best, labels, sample.language, sample.country)
    ]
    print(f"{sum(issue.severity == 'error' for issue in issues)} errors, {len(issues)} issues in all")

    result = goldspan.evaluate(summary.samples, goldspan.open_predictor("regex", labels), labels=labels)
    print(f"{result.model_name}: F1 {result.metrics['f1_score']:.3f}, {result.masking['leakage_rate']:.0%} leaked")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
