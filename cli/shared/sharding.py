"""The options by which commands work on shards: `--engine NAME --workers N`, and how they show the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.cli.shared.console import print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.outputs import check_output
from goldspan.cli.shared.predictors import parse_options
from goldspan.cli.shared.progress import ProgressBar

if TYPE_CHECKING:
    from goldspan.shards.report import ShardReport, ShardSummary
    from goldspan.shards.run import ShardWork

EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="Work on every file as a shard of its own, with --output a folder: local (processes), datatrove (Slurm, "
        "Ray) or metaflow (Kubernetes, AWS Batch). FILE may then be a folder or an address (s3://…), and .gz or .zst. "
        "Run the command again to go on: finished shards are skipped",
    ),
]
EngineValues = Annotated[
    list[str] | None,
    typer.Option("--engine-option", metavar="KEY=VALUE", help="An option of the engine; may be repeated"),
]
ProcessesOption = Annotated[int, typer.Option("--workers", min=1, help="With --engine: shards worked on at a time")]
_SHOWN = 20
"""Set-aside shards, and refused records, that are shown one by one."""

_LOCAL_SCHEME = re.compile(r"\A([a-z][a-z0-9+.-]*):/(?!/)")


@dataclass(frozen=True, slots=True)
class ShardCommand:
    """What a command line says about shards."""

    sources: tuple[str, ...]
    output: str
    engine: str
    values: tuple[str, ...]
    workers: int
    labels: Path | None

    def run(self, task: str, settings: Mapping[str, Any], *, as_json: bool) -> Exit:
        """Run a task, with one line of progress, and print the merged report."""
        with self.begin() as work:
            summary = work.run(task, settings)
        return show_summary(summary, self.output, as_json=as_json)

    @contextmanager
    def begin(self) -> Iterator[ShardWork]:
        """The work on these shards, with one line of progress while the block runs."""
        from goldspan.shards.engines.base import EngineOptions
        from goldspan.shards.plan import list_shards
        from goldspan.shards.run import ShardWork

        shards = list_shards(self.sources, self.output)
        options = EngineOptions(self.workers, self.values)
        with _ShardBar(len(shards)) as progress:
            yield ShardWork(shards, self.output, self.engine, options, self.labels, progress.note)


def find_shard_command(
    files: Iterable[Path],
    output: Path | None,
    engine: str,
    values: list[str] | None,
    workers: int,
    labels: Path | None,
    *,
    needed: bool | None = None,
) -> ShardCommand | None:
    """The command line of a run over shards; None where the command works on its files itself.

    `needed`: these files need an engine; then `local` is the default. None: they never do, and `workers` is for engines
    only.

    Raises:
        InputError: an option of engines is given without one, there is no --output, it is named as a file, or an
            option is not KEY=VALUE.
    """
    if not engine and not needed:
        if values or (workers > 1 and needed is None):
            option = "--engine-option" if values else "--workers"
            raise InputError(f"{option} is for --engine; name one: --engine local.")
        return None
    if output is None:
        raise InputError("Give --output FOLDER for the results of several files, a folder, a packed file, or --engine.")
    if not is_address(output):
        check_output(output)
    if broken := [value for value in values or () if "=" not in value]:
        raise InputError(f"--engine-option takes KEY=VALUE, not {broken[0][:60]!r}.")
    sources = tuple(restore_address(file) for file in files)
    return ShardCommand(sources, restore_address(output), engine or "local", tuple(values or ()), workers, labels)


def describe_predictor(name: str, options: list[str] | None) -> dict[str, Any]:
    """A predictor in the settings of a task: its name with absolute paths, its options, and digests of its files, so
    that a changed model is not taken for the one that shards were read with.
    """
    from goldspan.shards.storage import digest_tree

    parts = [name] if Path(name).exists() else name.split("+")
    files = [Path(part).resolve() for part in parts if Path(part).exists()]
    named = "+".join(str(Path(part).resolve()) if Path(part).exists() else part for part in parts)
    return {
        "predictor": named,
        "options": parse_options(options),
        "digests": [digest_tree(file) for file in files],
    }


def is_address(path: Path) -> bool:
    """True for what was an address with a scheme before it became a path."""
    return bool(_LOCAL_SCHEME.match(str(path)))


def need_engine(files: Iterable[Path]) -> bool:
    """True if only a run over shards reads these: an address, or a packed file."""
    from goldspan.shards.packing import PACKED

    return any(is_address(file) or file.suffix in PACKED for file in files)


def restore_address(path: Path) -> str:
    """`s3:/bucket/folder`, as a path writes it, as the address that it was."""
    return _LOCAL_SCHEME.sub(r"\1://", str(path))


def show_summary(summary: ShardSummary, output: str, *, as_json: bool) -> Exit:
    """Print a merged report; the exit code says whether a shard is missing, was set aside, or a record refused."""
    if as_json:
        print_json(summary.to_dict())
    else:
        rows = [(name, count) for name, count in summary.counts.items()]
        rows += [(f"{kind}: {name}", n) for kind, numbers in summary.tallies.items() for name, n in numbers.items()]
        print_table(["", "count"], rows, right=(1,))
        for name, reason in islice(summary.failed.items(), _SHOWN):
            warn(f"{name} was set aside: {reason}")
        if len(summary.failed) > _SHOWN:
            warn(f"… {len(summary.failed) - _SHOWN} more shards were set aside; --json names all.")
        for one in summary.refused[:_SHOWN]:
            warn(one["shard"] + (f":{one['line']}" if one["line"] else "") + f": {one['reason']}")
        if summary.counts.get("refused", 0) > _SHOWN:
            warn("… more records are refused; --json names a hundred of them.")
        if summary.others:
            names = ", ".join(summary.others[:3])
            warn(f"{output} also holds results of {len(summary.others)} shards that are not among these: {names}")
        done = f"{summary.finished} of {summary.shards} shards"
        skipped = f", {summary.skipped} of them finished before" if summary.skipped else ""
        say(f"{done}{skipped} → {output}" + (" · run the command again to try the others" if summary.failed else ""))
        if summary.missing:
            say(f"{summary.missing} shards are missing: run the command again, unless a cluster is at work on them.")
    if summary.missing:
        return Exit.WAITING
    return Exit.REFUSED_SOME if summary.failed or summary.counts.get("refused") else Exit.OK


class _ShardBar(ProgressBar):
    """Progress over shards, with the number of samples."""

    def __init__(self, shards: int) -> None:
        super().__init__("shards", shards)
        self._samples = 0

    def note(self, report: ShardReport, skipped: bool) -> None:
        """Count a shard."""
        self._samples += report.counts.get("samples", 0)
        self.update(advance=1, note=f"{self._samples:,} samples")
