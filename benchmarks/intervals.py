"""Do the 95 % intervals hold? Coverage in simulated corpora of known quality.

    python benchmarks/intervals.py [--draws 1000] [--workers 2]

Each cell: share of intervals that hold the true value, and their mean width, for F1 / precision / recall / masking F2.
The shapes of corpora are explained in `tests/evaluation/scores/interval_simulation.py`. Where whole documents fail so
seldom that the sample shows none of them (shape `failing`), a rule can only allow for it: that shape is the hardest.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.evaluation.scores.interval_simulation import SCORES, SHAPES, Coverage, make_population, measure_coverage

QUALITIES = (0.80, 0.96, 0.99)
CONCENTRATIONS = (1.0, 3.0, 6.0, 30.0)
SIZES = (5, 10, 20, 50, 100, 300)
Setting = tuple[str, float, float]


def measure_setting(setting: Setting, draws: int) -> list[list[Coverage]]:
    """One list of scores for each size."""
    shape, quality, concentration = setting
    population = make_population(quality, concentration, shape)
    return [[measure_coverage(population[name], size, draws) for name in SCORES] for size in SIZES]


def main() -> None:
    """Print a table and its lowest coverage for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    settings: list[Setting] = list(product(SHAPES, QUALITIES, CONCENTRATIONS))
    with ProcessPoolExecutor(given.workers) as pool:
        measured = dict(zip(settings, pool.map(partial(measure_setting, draws=given.draws), settings), strict=True))
    for shape in SHAPES:
        print(f"\nShape {shape}\n\n| recall | concentration | documents | {' | '.join(SCORES)} |")
        print(f"|---|---|---|{'---|' * len(SCORES)}")
        cells = []
        for quality, concentration in product(QUALITIES, CONCENTRATIONS):
            rows = measured[shape, quality, concentration]
            for size, row in zip(SIZES, rows, strict=True):
                cells += row
                shown = " | ".join(f"{cell.covered:.3f} ({cell.width:.3f})" for cell in row)
                print(f"| {quality} | {concentration:g} | {size} | {shown} |")
        lowest, below = min(cell.covered for cell in cells), sum(cell.covered < 0.93 for cell in cells)
        zero_wide = sum(cell.zero_wide for cell in cells)
        print(f"\nLowest coverage {lowest:.3f}; {below} of {len(cells)} below 0.93; {zero_wide} intervals zero wide.")


if __name__ == "__main__":
    main()
