"""`goldspan samples audit`: find likely errors of gold, and take up what people decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.evaluate.scoring import format_rate, name_refusals
from goldspan.cli.shared.console import out, print_json, print_table, quote, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption
from goldspan.cli.shared.outputs import SAMPLES, output_option
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, open_from_command
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.types import Sample
    from goldspan.evaluation.audit.audit import Audit
    from goldspan.evaluation.audit.ledger import AuditLedger
    from goldspan.predictors.base import Predictor


def audit(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Samples; default: training_samples in the workspace")
    ] = None,
    predictor: Annotated[
        str,
        typer.Option("--predictor", "-p", help=f"The auditor. {PREDICTOR_HELP}"),
    ] = "",
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            min=0,
            help="Fresh models, each trained on the other folds of the gold, alone or on top of --predictor",
        ),
    ] = 0,
    option: OptionsOption = None,
    output: Annotated[
        Path | None, output_option("Queue for review. Default: audit_samples/<auditor>.jsonl", *SAMPLES)
    ] = None,
    min_confidence: Annotated[
        float, typer.Option("--min-confidence", min=0.0, max=1.0, help="Without --folds: leave out findings below it")
    ] = 0.0,
    budget: Annotated[
        int, typer.Option("--budget", min=0, help="Findings to keep. Default: the larger of 50 and 5 % of the spans")
    ] = 0,
    top: Annotated[int, typer.Option("--top", min=0, help="How many findings to show")] = 20,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Concurrent texts")] = 4,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find likely label errors: rank where gold disagrees with a second predictor, with models of other folds, or both.

    Suspicious samples are written as a queue for Label Studio, the audit's suggestion as a prediction: `goldspan studio
    push QUEUE`. A fifth of the queue are random samples: how many of them people correct is the error rate that
    remains. After review and `goldspan studio pull`, run this command without --predictor and --folds: the audit ledger
    takes up the decisions. Gate ([audit] settled) and bundle (--audited-only) can require it.
    """
    from goldspan.annotation.locks import hold_lock
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.evaluation.audit.audit import audit_samples
    from goldspan.evaluation.audit.ledger import find_audit_ledger, read_audit_ledger, write_audit_ledger
    from goldspan.evaluation.matching.annotations import merge_samples

    schema, workspace, refusals = load_labels(labels), find_workspace(data), Refusals()
    samples = merge_samples(read_samples(files or [workspace.training_samples], schema, refusals))
    path = find_audit_ledger(workspace)
    found, target = None, None
    if folds == 1:
        raise InputError("--folds takes 2 or more: each fold is audited by a model of the others.")
    second = open_from_command(predictor, schema, option, workspace, workers) if predictor else None
    if folds:
        found = _run_folds(samples, folds, second, budget, workers, schema)
    elif second:
        found = audit_samples(samples, second, min_confidence=min_confidence, budget=budget, workers=workers)
    if found:
        name_refusals(f"{sample_id} is not audited: {reason}" for sample_id, reason in found.failures)
        target = output or workspace.root / "audit_samples" / f"{found.auditor}.jsonl"
    with hold_lock(f"audit ledger {path.resolve()}"):
        ledger = read_audit_ledger(path).record_decisions(samples)
        if found and target:
            drawn = found.list_random()
            ledger = ledger.record_audit(found.samples, found.findings, found.auditor, random=drawn)
            _write_queue(target, found, schema)
        write_audit_ledger(path, ledger)
    if as_json:
        print_json(_describe(found, target, ledger, samples))
    else:
        _show(found, target, ledger, samples, top)
    failed = bool(found and found.failures)
    raise typer.Exit(Exit.REFUSED_SOME if failed else refusals.exit_code)


def _run_folds(
    samples: list[Sample], folds: int, second: Predictor | None, budget: int, workers: int, labels: LabelSchema
) -> Audit:
    from goldspan.evaluation.audit.audit import Opinions, audit_tokens, list_cautions
    from goldspan.predictors.crf.tagger import CrfTagger
    from goldspan.training.methods.crf import CrfSettings, train_crf
    from goldspan.training.methods.examples import join_examples

    for caution in list_cautions(samples):
        warn(caution)

    def train(rest: Sequence[Sample], opinions: Opinions) -> CrfTagger:
        return CrfTagger(train_crf(join_examples(rest, opinions), CrfSettings(base="", iterations=80, copies=0)).model)

    return audit_tokens(samples, train, labels, folds=folds, second=second, budget=budget, workers=workers)


def _write_queue(target: Path, found: Audit, labels: LabelSchema) -> None:
    from goldspan.annotation.tasks.store import write_samples

    write_samples(target, found.iter_queue(), labels)


def _describe(
    found: Audit | None, target: Path | None, ledger: AuditLedger, samples: list[Sample]
) -> dict[str, object]:
    return {
        "auditor": found.auditor if found else None,
        "audited": len(found.samples) if found else 0,
        "queue": str(target) if target else None,
        "findings": [finding.to_json() for finding in found.findings] if found else [],
        "ranking": found.ranking if found else {},
        "random": list(found.list_random()) if found else [],
        "ledger": ledger.count(),
        "residual_errors": asdict(ledger.measure_residual()),
        "settled": sum(ledger.is_settled(sample) for sample in samples),
        "samples": len(samples),
    }


def _show(found: Audit | None, target: Path | None, ledger: AuditLedger, samples: list[Sample], top: int) -> None:
    if found and found.findings:
        rows = []
        for finding in found.findings[:top]:
            spans = (f"{s.label} {s.start}–{s.end}" if s else "–" for s in (finding.gold, finding.suggested))
            kind = finding.kind.value.replace("_", " ")
            rows.append([finding.sample_id, kind, *spans, format_rate(finding.confidence)])
        print_table(["sample", "gold seems", "gold", "suggested", "confidence"], rows, right=(4,))
        out.print()
    if found:
        say(
            f"{found.auditor} audited {format_count(len(found.samples), 'sample')}: "
            f"{format_count(len(found.findings), 'finding')} in {format_count(len(found.ranking), 'sample')} → {target}"
        )
        if found.findings and target:
            say(f"Next: goldspan studio push {quote(target)}")
    counts = ", ".join(f"{count} {status}" for status, count in ledger.count().items())
    settled = sum(ledger.is_settled(sample) for sample in samples)
    say(f"Audit ledger: {counts}. {settled} of {len(samples)} samples are settled.")
    residual = ledger.measure_residual()
    if residual.interval:
        low, high = residual.interval
        say(
            f"Error rate that remains: {residual.corrected} of {residual.decided} random samples were corrected "
            f"[{low:.0%}, {high:.0%}]."
        )
