"""Does a split stay held out while the dataset grows? Twenty versions of a growing corpus, several seeds.

    python benchmarks/split_growth.py [--versions 20] [--start 1000] [--seeds 5]

Each version adds 10 % new samples, removes 3 %, brings back 0.5 %, corrects annotations (2 %) and texts (1 %), varies
2 % and merges groups (0.5 %), in a new order. Printed: samples that were once in test and are in train now, and the
largest deviation of a split from its ratio.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.annotation.growth import grow


def main() -> None:
    """Run the simulation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=20)
    parser.add_argument("--start", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    print("| seed | samples, first to last | test to train | largest deviation |\n|---|---|---|---|")
    for seed in range(given.seeds):
        history = grow(given.versions, given.start, seed)
        sizes = f"{history.sizes[0]} to {history.sizes[-1]}"
        print(f"| {seed} | {sizes} | {max(history.crossings)} | {100 * max(history.deviations):.2f} points |")


if __name__ == "__main__":
    main()
