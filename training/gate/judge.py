"""The gate: may this data go to training?

Thresholds come from `gate.toml`. The verdict is a list of criteria, each with the value that was found, the bound, and
the command that fixes it. The dashboard, `goldspan gate` and the bundle's manifest show this same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

from goldspan.annotation.corpus.coverage import count_workspace_coverage
from goldspan.annotation.corpus.ledger import SplitLedger, find_ledger, read_ledger
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.evaluation.audit.ledger import AuditLedger, find_audit_ledger, read_audit_ledger
from goldspan.training.gate.commands import Commands, find_commands
from goldspan.training.gate.coverage import Best
from goldspan.training.gate.criteria import CHECKS, Evidence, count_facts
from goldspan.training.gate.reviewed import ReviewedSamples
from goldspan.training.gate.thresholds import Thresholds, load_thresholds
from goldspan.training.gate.verdict import GateVerdict


def judge_workspace(
    workspace: Workspace,
    labels: LabelSchema,
    label_file: Path | None = None,
    find_best: Callable[[], Best] | None = None,
) -> GateVerdict:
    """The verdict over the reviewed samples of the workspace's `training_samples`.

    `label_file` is named in the commands. `find_best` counts the entities of the best annotations of all samples, for
    callers that have counted them already; it is called only when a label has too few reviewed ones.

    Raises:
        SchemaError: `gate.toml` is broken.
        RecordError: the split ledger or the audit ledger is broken.
    """
    return judge_samples(
        ReviewedSamples(workspace, labels),
        labels,
        load_thresholds(workspace),
        find_commands(workspace, label_file),
        find_best or (lambda: count_workspace_coverage(workspace, labels)),
        read_ledger(find_ledger(workspace)),
        read_audit_ledger(find_audit_ledger(workspace)),
    )


def judge_samples(
    samples: Iterable[Sample],
    labels: LabelSchema,
    thresholds: Thresholds,
    commands: Commands | None = None,
    find_best: Callable[[], Best] = dict,
    ledger: SplitLedger | None = None,
    audits: AuditLedger | None = None,
) -> GateVerdict:
    """The verdict over reviewed samples; `samples` is gone through several times.

    Leakage is that of the split that the next bundle would have, with the `ledger` of the project; `audits` says which
    samples were audited.
    """
    facts = count_facts(samples, labels)
    evidence = Evidence(samples, labels, facts, commands or Commands(), find_best, ledger, audits or AuditLedger())
    asked = (check(thresholds[section], evidence) for section, check in CHECKS.items() if section in thresholds)
    return GateVerdict(tuple(chain.from_iterable(asked)), facts.reviewed)
