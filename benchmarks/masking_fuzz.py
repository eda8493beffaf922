"""Random and hostile inputs through the masking API and through files.

    python -m benchmarks.masking_fuzz [--count 10000] [--seed 1]

Run from the repository's root. Nine tenths are requests, one tenth damaged files of every format. It prints every
answer that is not sound (an unexpected error, a text with an error, a value left in what is said to be complete) and
ends with exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.testclient import TestClient

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Sample
from goldspan.serving.app import build_app
from goldspan.serving.host import PredictorHost
from goldspan.serving.state import ServerSettings, ServerState
from tests.serving.conftest import Sources
from tests.serving.documents.generated import FORMATS
from tests.serving.fuzz import try_api, try_files


async def keep(sample: Sample) -> str:
    """A sink that forgets."""
    return "Saved."


def main() -> None:
    """Try everything, and tell what was unsound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    labels, files = load_labels(), arguments.count // 10
    host = PredictorHost(labels, {"lexicon": "lexicon"}, opener=Sources().open)
    app = build_app(ServerState(host, ServerSettings(), sink=keep))
    begun = time.process_time()
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        found = try_api(client, arguments.count - files, arguments.seed)
    with TemporaryDirectory() as folder:
        others = tuple(kind for kind in FORMATS if kind != "pdf")
        found += try_files(Path(folder), labels, files, arguments.seed, others)
        found += try_files(Path(folder), labels, max(1, files // 20), arguments.seed, ("pdf",))
    for one in found:
        print(f"input {one.number}: {one.reason}")
    print(f"{arguments.count:,} inputs, {len(found)} unsound answers, {time.process_time() - begun:.0f} CPU seconds")
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
