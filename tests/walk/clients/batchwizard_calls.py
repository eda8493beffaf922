"""Commands of batchwizard in one process: `python batchwizard_calls.py COMMAND [ARGUMENTS] [-- COMMAND …]…`.

A word `BATCH` stands for the id of the only batch in its store. Prints what the commands print.
"""

from __future__ import annotations

import sys

from batchwizard.cli import app
from batchwizard.config import config
from batchwizard.store import JobStore


def main(words: list[str]) -> None:
    while words:
        end = words.index("--") if "--" in words else len(words)
        command, words = words[:end], words[end + 1 :]
        if "BATCH" in command:
            (job,) = JobStore(config.db_file).list()
            command = [job.batch_id if word == "BATCH" else word for word in command]
        app(command, standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1:])
