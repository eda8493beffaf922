"""Generated documents of every format with values planted in every hiding place: what is left after masking.

    python -m benchmarks.masking_files [--count 40] [--formats pdf docx …] [--seed 7]

Run from the repository's root. The predictor knows the planted values: a value that is left was missed by a reader of
a format, not by a model. The readers that look for it share no code with what is masked.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from tests.masking.lexicon import LexiconPredictor
from tests.serving.documents.generated import FORMATS, find_left, make_document

LABELS = load_labels()


async def measure(kind: str, count: int, seed: int, folder: Path) -> str:
    """One line about a format."""
    counts: Counter[str] = Counter()
    begun = time.process_time()
    for number in range(count):
        data, values = make_document(kind, number, seed)
        source, target = folder / f"{number}.{kind}", folder / f"out-{number}.{kind}"
        source.write_bytes(data)
        masker = Masker(LexiconPredictor(LABELS, values), load_policy("pseudonymise"), LABELS)
        counts["planted"] += len(find_left(kind, data, values))
        try:
            result = await mask_file(source, target, masker, FileSettings())
        except GoldspanError:
            counts["refused"] += 1
            continue
        counts["replaced"] += result.labels.total()
        counts["left"] += len(find_left(kind, target.read_bytes(), values))
        counts["pictures"] += any("0 pages kept" in note for note in result.notes)
    milliseconds = 1000 * (time.process_time() - begun) / count
    return (
        f"{kind:8} {count:4} documents {counts['planted']:5} values {counts['replaced']:6} replaced "
        f"{counts['left']:3} left {counts['refused']:3} refused {counts['pictures']:3} as pictures "
        f"{milliseconds:8.1f} CPU ms each"
    )


def main() -> None:
    """Measure each format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--formats", nargs="+", default=list(FORMATS))
    arguments = parser.parse_args()
    for kind in arguments.formats:
        with TemporaryDirectory() as folder:
            print(asyncio.run(measure(kind, arguments.count, arguments.seed, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
