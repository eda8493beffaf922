"""The samples that a promotion is decided on: held out, not chosen by priority, and new to every model so far."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.training.bundle.lineage import list_bundles
from goldspan.training.bundle.verify import Bundle, open_bundle

TEST = "test"


def choose_test_samples(
    bundle: Bundle, reviewed: Sequence[Sample], labels: LabelSchema, workspace: Workspace, similarity: float
) -> list[Sample]:
    """The reviewed samples of the test split that a promotion is decided on.

    Left out are those that the queue chose by priority, which are harder than the others, and those that an earlier
    bundle trains on, with their relatives: when a sample of the random reserve turns out to be a relative, they moved
    to the test split, but the model in service knows them.

    Raises:
        RecordError: the test split cannot be read.
    """
    held_out = {sample.sample_id for sample in bundle.read_split(TEST, labels)}
    test = [one for one in reviewed if one.sample_id in held_out]
    known = _list_known(bundle, workspace) & held_out
    if known:
        groups = group_related(outline_samples(test, labels), similarity).tolist()
        told = {group for one, group in zip(test, groups, strict=True) if one.sample_id in known}
        test = [one for one, group in zip(test, groups, strict=True) if group not in told]
    return [one for one in test if not is_priority(one)]


def is_priority(sample: Sample) -> bool:
    """True for a sample that the queue chose by priority: no figure of progress may rest on it."""
    return sample.provenance.get("queue") == "priority"


def _list_known(bundle: Bundle, workspace: Workspace) -> set[str]:
    """Samples that any other bundle of the workspace trains or validates on, as far as it is intact."""
    known: set[str] = set()
    for folder in list_bundles(workspace):
        if folder != bundle.folder:
            with suppress(GoldspanError):
                known |= {sample_id for split, sample_id, _ in open_bundle(folder).iter_texts() if split != TEST}
    return known
