"""`goldspan queue`: which samples to label next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import print_json, print_table, quote, say, warn
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, make_app
from goldspan.cli.shared.outputs import SAMPLES, ForceOption, output_option, refuse_existing
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.corpus.queue import LabelQueue
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.tasks.workspace import Workspace

app = make_app()
_ORDERS = ("next", "disagreement", "label-errors")


@app.command()
def queue(
    size: Annotated[int, typer.Option(min=1, max=1000, help="Samples of the batch; 10 to 50 work best")] = 20,
    seed: Annotated[int, typer.Option(help="Decides the random reserve; keep it for the whole project")] = 0,
    output: Annotated[Path | None, output_option("Write the batch here, for `goldspan studio push`", *SAMPLES)] = None,
    force: ForceOption = False,
    order: Annotated[
        str,
        typer.Option(
            "--order",
            help="next (least certain first), disagreement (of two models), label-errors (open audit findings)",
        ),
    ] = "next",
    seeded: Annotated[
        float,
        typer.Option(
            "--seeded", min=0.0, max=0.2, help="Share of samples with one wrong suggestion, to see whether people look"
        ),
    ] = 0.0,
    include_pushed: Annotated[
        bool, typer.Option("--include-pushed", help="Also rank samples that are in Label Studio already")
    ] = False,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the samples to label next, each with its reasons.

    Ranks unreviewed samples by how unsure the last prediction is, or, where predictions have no scores, by how far
    their labels are from the targets. A fifth of the batch comes from a random reserve, half of it without
    pre-annotations: judge progress by the reserve alone. Samples that are in Label Studio already, or that
    somebody has a draft of, are left out. `--order disagreement` lists what two models disagree on, `--order
    label-errors` the reviewed samples that an audit doubts.
    """
    from goldspan.annotation.corpus.workspace_queue import QueueOrder, build_workspace_queue
    from goldspan.annotation.errors import UnknownNameError
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.push.receipt import read_pushed
    from goldspan.annotation.tasks.workspace import find_workspace

    workspace, schema, refusals = find_workspace(data), load_labels(labels), Refusals()
    exclude = set() if include_pushed else read_pushed(workspace)
    if order not in _ORDERS:
        raise UnknownNameError("order", order, _ORDERS)
    if order == "label-errors":
        found = _find_label_errors(workspace, schema, refusals, size)
    else:
        kind = QueueOrder(order)
        found = build_workspace_queue(workspace, schema, refusals, exclude=exclude, size=size, seed=seed, order=kind)
    if output and found.entries:
        refuse_existing(output, force=force)
        _write(output, found, workspace, schema, seeded, seed)
    if as_json:
        print_json({"waiting": found.waiting, "notes": found.notes, "entries": [asdict(one) for one in found.entries]})
    else:
        _show(found, len(exclude))
    raise typer.Exit(refusals.exit_code)


def _show(found: LabelQueue, excluded: int) -> None:
    if not found.entries and excluded:
        warn(f"No sample waits outside Label Studio; {excluded} were pushed. --include-pushed ranks those too.")
        return
    if not found.entries and found.notes:
        warn(" ".join(found.notes))
        return
    if not found.entries:
        warn("No sample waits for a review. Generate or import some: `goldspan generate start`.")
        return
    rows = [
        (number, one.sample_id, one.language, one.document_type, f"{one.seconds:.0f}", "; ".join(one.reasons))
        for number, one in enumerate(found.entries, start=1)
    ]
    print_table(["", "sample", "language", "type", "seconds", "why"], rows, right=(0, 4))
    minutes = max(1, round(sum(one.seconds for one in found.entries) / 60))
    say(f"{len(rows)} of {found.waiting} unreviewed samples, about {minutes} min of work.")
    for note in found.notes:
        say(note)


def _find_label_errors(workspace: Workspace, labels: LabelSchema, refusals: Refusals, size: int) -> LabelQueue:
    from goldspan.annotation.corpus.workspace_queue import iter_workspace
    from goldspan.evaluation.audit.ledger import find_audit_ledger, read_audit_ledger
    from goldspan.evaluation.audit.queue import queue_label_errors

    ledger = read_audit_ledger(find_audit_ledger(workspace))
    return queue_label_errors(iter_workspace(workspace, labels, refusals), ledger, size=size)


def _write(path: Path, found: LabelQueue, workspace: Workspace, labels: LabelSchema, seeded: float, seed: int) -> None:
    from goldspan.annotation.corpus.seeding import seed_errors
    from goldspan.annotation.corpus.workspace_queue import load_queued, prepare_queued
    from goldspan.annotation.tasks.store import write_samples

    samples = load_queued(workspace, labels, [one.sample_id for one in found.entries], lambda _: None)
    batch = [prepare_queued(samples[one.sample_id], one) for one in found.entries]
    batch = seed_errors(batch, seeded, sorted(labels.entity_codes), seed) if seeded else batch
    write_samples(path, batch, labels)
    say(f"Wrote {format_count(len(batch), 'sample')} to {path}. Push them: goldspan studio push {quote(path)}")
