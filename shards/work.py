"""Work on one shard: the function that every engine calls, as often as it likes."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from time import perf_counter

from goldspan.annotation.errors import DiskFullError, GoldspanError
from goldspan.annotation.files import is_full
from goldspan.annotation.identity import hash_file
from goldspan.annotation.processes import measure_peak
from goldspan.shards.packing import PACKED, pack, strip_packing, unpack
from goldspan.shards.plan import Shard, ShardPlan, open_output
from goldspan.shards.report import ShardReport, find_marker, set_aside, write_marker
from goldspan.shards.storage import Storage, open_storage
from goldspan.shards.tasks.base import ShardTask

SCRATCH = ".shard-"
"""How the names of private folders begin that shards are worked on in."""

_TEMPORARY = re.compile(r"\S*/(?:goldspan-shard-|\.shard-)[^/\s]*/")
"""Folders that a shard is fetched or unpacked to; reasons name the shard's own."""


def run_shard(plan: ShardPlan, task: ShardTask, shard: Shard) -> tuple[ShardReport, bool]:
    """Work on a shard unless that was done: its report, and whether it was skipped.

    The result appears whole, then the marker beside it. A shard that cannot be worked on is set aside with the reason.
    A finished shard is skipped if its marker has the same task, settings, label schema and input, and its result is
    there unchanged.

    Raises:
        DiskFullError: no space is left; what was finished stays.
        StateError: the folder of the results cannot be written.
    """
    output = open_output(plan)
    begun = perf_counter()
    plain = strip_packing(shard.name)
    try:
        with open_storage(shard.folder).fetch(shard.name) as packed:
            digest = hash_file(packed)
            if known := _find_finished(output, plan, shard, digest):
                return known, True
            target = task.name_output(plain) + _find_ending(shard.name)
            with _make_scratch(output) as scratch, unpack(packed, scratch) as source:
                made = scratch / PurePosixPath(strip_packing(target)).name
                counts = task.process(source, made, plain)
                made = pack(made, _find_ending(target)) if _find_ending(target) else made
                result = hash_file(made)
                output.publish(made, target)
    except (GoldspanError, OSError) as error:
        if isinstance(error, DiskFullError) or is_full(error):
            raise DiskFullError(
                f"The disk is full: {output.address} cannot be written. Free some space, and run the same command "
                "again; what was finished is kept."
            ) from None
        said = f"{type(error).__name__}: {error.strerror}" if isinstance(error, OSError) else str(error)
        reason = _TEMPORARY.sub(f"{shard.folder}/", said)
        failed = ShardReport(shard.name, plan.task, plan.fingerprint, error=reason)
        set_aside(output, failed)
        return failed, False
    report = ShardReport(
        shard.name,
        plan.task,
        plan.fingerprint,
        digest,
        target,
        result,
        dict(counts.counts),
        {name: dict(numbers) for name, numbers in counts.tallies.items()},
        tuple(counts.refused),
        round(perf_counter() - begun, 3),
        round(measure_peak(), 1),
    )
    write_marker(output, report)
    return report, False


def _find_finished(output: Storage, plan: ShardPlan, shard: Shard, digest: str) -> ShardReport | None:
    known = find_marker(output, shard.name)
    if known is None or (known.plan, known.input_digest) != (plan.fingerprint, digest):
        return None
    if output.find(known.output) is None:
        return None
    with output.fetch(known.output) as result:
        return known if hash_file(result) == known.output_digest else None


def _find_ending(name: str) -> str:
    return next((ending for ending in PACKED if name.endswith(ending)), "")


@contextmanager
def _make_scratch(output: Storage) -> Iterator[Path]:
    """A private folder, on the disk of the results where that is this machine's."""
    if output.local:
        output.local.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=output.local) as folder:
        yield Path(folder)


def clear_scratch(output: Storage) -> None:
    """Remove what processes that were killed left in a folder of this machine; none may be at work there."""
    for folder in output.local.glob(f"{SCRATCH}*") if output.local else ():
        shutil.rmtree(folder, ignore_errors=True)
