"""How fast the offline author writes, and how varied: documents a second of CPU time, and skeletons that repeat.

python benchmarks/offline_author.py [--samples 1000] [--seed 7]

Each language writes as many documents as samples were asked for, specs included. Aim: 300 documents a second and core,
no skeleton above 1 %, at least 97 % of the skeletons unique. The ratio is to parsing the same tagged text.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import time
from collections import Counter

from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.generators.offline.author import write_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.surrogates.world import COUNTRIES

LABELS = load_labels()
AIM = 300


def measure(language: str, samples: int, seed: int) -> dict[str, object]:
    """Figures of one language; the first document, which loads the grammar, is not timed."""
    write_document(draw_spec(seed, samples, [language], LABELS), LABELS)
    started = time.process_time()
    specs = [draw_spec(seed, index, [language], LABELS) for index in range(samples)]
    drawn = time.process_time()
    documents = [write_document(spec, LABELS) for spec in specs]
    written = time.process_time()
    parsed = [parse_tagged(document, LABELS) for document in documents]
    read = time.process_time()
    skeletons = Counter(make_skeleton(tagged.text, tagged.entities) for tagged in parsed)
    openings = Counter(" ".join(tagged.text.split()[:3]) for tagged in parsed)
    lengths = sorted(len(tagged.text) for tagged in parsed)
    return {
        "specs_per_second": round(samples / (drawn - started)),
        "documents_per_second": round(samples / (written - started)),
        "times_parsing": round((written - started) / (read - written), 1),
        "unique_skeletons": round(len(skeletons) / samples, 4),
        "largest_skeleton": round(max(skeletons.values()) / samples, 4),
        "largest_opening": round(max(openings.values()) / samples, 4),
        "characters": {"10 %": lengths[samples // 10], "50 %": lengths[samples // 2], "90 %": lengths[-samples // 10]},
        "fingerprint": hashlib.sha256("".join(documents).encode()).hexdigest()[:12],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    languages = {language: measure(language, arguments.samples, arguments.seed) for language in COUNTRIES}
    slowest = min(int(str(figures["documents_per_second"])) for figures in languages.values())
    result = {
        "machine": f"{platform.machine()} {platform.system()}, Python {platform.python_version()}",
        "samples_per_language": arguments.samples,
        "languages": languages,
        "slowest_times_aim": round(slowest / AIM, 2),
    }
    print(json.dumps(result, indent=2))
    sys.exit(slowest < AIM)


if __name__ == "__main__":
    main()
