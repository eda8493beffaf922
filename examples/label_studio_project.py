"""Send samples to a Label Studio project, and get back what annotators made of them.

Set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or start a server with `goldspan studio up`.

    python examples/label_studio_project.py PROJECT [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import goldspan


def main(project: str, folder: Path) -> None:
    """Push pre-annotated samples, pull reviews, and compare each with its pre-annotation."""
    labels = goldspan.load_labels()
    text = "Write to ann.lee@mail.example.net or call +44 20 7946 0018."
    predictor = goldspan.open_predictor("regex", labels)
    samples = goldspan.annotate([goldspan.Sample(text, "en", "GB")], predictor)

    pushed = goldspan.push(samples, project, labels=labels, data=folder)
    print(f"Project {pushed.project}: {pushed.created} new tasks, {pushed.unchanged} known")
    for refused in pushed.refused:
        print(f"refused {refused.sample_id}: {refused.reason}")

    pulled = goldspan.pull(project, labels=labels, data=folder)
    print(f"{pulled.total} reviewed samples in {pulled.file}")
    for sample in goldspan.read_samples(pulled.file, labels):
        for review in sample.reviews:
            shown = sample.predictions[-1].entities if sample.predictions else ()
            kinds = [pair.kind.value for pair in goldspan.match_spans(review.entities, shown)]
            print(f"{sample.sample_id} by {review.author.name}: {', '.join(kinds)}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "data"))
