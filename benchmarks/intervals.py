"""Do the 95 % intervals hold? Coverage in simulated corpora of known quality.

    python benchmarks/intervals.py [--draws 1000]

Each cell: share of intervals that hold the true value, and their mean width, for F1 / precision / recall / masking F2.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.evaluation.scores.interval_simulation import SCORES, make_population, measure_coverage

QUALITIES = (0.80, 0.96, 0.99)
CONCENTRATIONS = (1.0, 3.0, 6.0, 30.0)
SIZES = (5, 10, 50, 300)


def main() -> None:
    """Print the table, then the lowest coverage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print(f"| recall | concentration | documents | {' | '.join(SCORES)} |")
    print(f"|---|---|---|{'---|' * len(SCORES)}")
    lowest, zero_wide = 1.0, 0
    for quality in QUALITIES:
        for concentration in CONCENTRATIONS:
            population = make_population(quality, concentration)
            for size in SIZES:
                cells = [measure_coverage(population[name], size, draws) for name in SCORES]
                lowest = min(lowest, *(cell.covered for cell in cells))
                zero_wide += sum(cell.zero_wide for cell in cells)
                shown = " | ".join(f"{cell.covered:.3f} ({cell.width:.3f})" for cell in cells)
                print(f"| {quality} | {concentration:g} | {size} | {shown} |", flush=True)
    print(f"\nLowest coverage {lowest:.3f}; {zero_wide} intervals are zero wide.")


if __name__ == "__main__":
    main()
