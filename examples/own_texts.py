"""Pre-annotate texts of your own and write them as a file that `goldspan studio push` sends to annotators.

python examples/own_texts.py [FILE]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import goldspan

TEXTS = {
    "en": "Please call Ann Lee on +44 20 7946 0018, or write to ann.lee@mail.example.net.",
    "de": "Die Rechnung geht an DE89 3704 0044 0532 0130 00. Fragen an buero@example.de.",
}


def make_samples() -> Iterator[goldspan.Sample]:
    """Your texts, wherever they come from; only text and language are needed."""
    for language, text in TEXTS.items():
        yield goldspan.Sample(text, language)


def main(file: Path) -> None:
    """Annotate, write, and show what was found."""
    labels = goldspan.load_labels()
    predictor = goldspan.open_predictor("regex", labels)
    written = goldspan.write_samples(file, goldspan.annotate(make_samples(), predictor), labels)
    print(f"{written} samples in {file}")
    for sample in goldspan.read_samples(file, labels):
        print(goldspan.render_tagged(sample.text, sample.best.entities))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "own-texts.jsonl"))
