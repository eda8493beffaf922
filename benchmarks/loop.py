"""What the annotation loop saves: `goldspan loop simulate` on a balanced and on a skewed pool, beside its aims.

    python benchmarks/loop.py [--seeds 5] [--workers 1] [--base regex+rampart] [--output FOLDER]

Each seed and order takes about 45 CPU seconds (10 pools of 300 samples, 8 rounds, crf); with --workers they run beside
each other. `--method token-classifier --orders random --rounds 100 --balanced-only` runs the training backend itself
(about 75 CPU seconds a training with rampart; --encoder tiny for a trial).
Aims: after 100 reviews at least 50 % fewer edits than with the base shown, no promotion that makes things worse; the
queue with its reserve at least 15 % fewer estimated seconds than random order, the interval below 0; on the skewed pool
at least 35 % fewer samples.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.remove(str(Path(__file__).resolve().parent))

from goldspan.training.loop.simulation.report import make_document, write_report
from goldspan.training.loop.simulation.run import Simulation, SimulationSettings, simulate_loop
from goldspan.training.loop.simulation.summary import summarise_orders, summarise_suggestions
from goldspan.training.loop.simulation.truth import TruthSettings


def check_aims(simulation: Simulation) -> None:
    """Print each aim with what was found."""
    s = simulation.settings
    orders = {one.order: one for one in summarise_orders(simulation.replays, s.base, s.target, s.costs)}
    if not s.truth.skewed:
        for row in summarise_suggestions(simulation.replays, s.base, s.target, s.costs):
            if row.name == "own, after 100 reviews":
                print(f"aim: edits after 100 reviews at least 50 % fewer; found {row.fewer_edits}")
    worse, drop = sum(one.worse_promotions for one in orders.values()), max(one.worst_drop for one in orders.values())
    print(f"aim: no promotion that makes things worse; found {worse} that lowered F1, by at most {drop:.3f}")
    if queue := orders.get("queue"):
        unit, aim = ("samples", "35 %") if s.truth.skewed else ("seconds", "15 %")
        print(f"aim: {unit} of the queue at least {aim} fewer than of random order; found {queue.change.get(unit)}")


def main() -> None:
    """Run both pools and print the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--base", default="regex+rampart")
    parser.add_argument("--method", default="crf")
    parser.add_argument("--encoder", default="rampart")
    parser.add_argument("--orders", default="random,uncertainty,queue")
    parser.add_argument("--rounds", default="20,40,60,80,100,130,160,200")
    parser.add_argument("--pool", type=int, default=300)
    parser.add_argument("--balanced-only", action="store_true")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    for skewed in (False,) if given.balanced_only else (False, True):
        settings = SimulationSettings(
            base=given.base,
            method=given.method,
            encoder=given.encoder,
            orders=tuple(given.orders.split(",")),
            seeds=tuple(range(1, given.seeds + 1)),
            rounds=tuple(int(part) for part in given.rounds.split(",")),
            target=0.82 if skewed else 0.84,
            truth=TruthSettings(pool=given.pool, skewed=skewed),
        )
        simulation = simulate_loop(settings, workers=given.workers, report=lambda line: print(line, file=sys.stderr))
        document = make_document(simulation)
        for one in document["tables"]:
            print(one["title"], *one["rows"], one["note"], sep="\n", flush=True)
        check_aims(simulation)
        if given.output:
            write_report(document, given.output / f"loop-{'skewed' if skewed else 'balanced'}.html")


if __name__ == "__main__":
    main()
