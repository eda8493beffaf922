"""Thirteen relations between two documents, among 200 unrelated ones: which keep both on one side of a split?

    python benchmarks/relations.py

The documents stand in `tests/annotation/corpus/test_relations.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.annotation.corpus.test_relations import NOT_FOUND, RELATIONS, is_kept_together


def main() -> None:
    """Print the table."""
    print("| relation | grouped | why not |\n|---|---|---|")
    for relation in RELATIONS:
        grouped = is_kept_together(relation)
        print(
            f"| {relation} | {'yes' if grouped else 'no'} | {'' if grouped else NOT_FOUND.get(relation, 'a fault')} |"
        )


if __name__ == "__main__":
    main()
