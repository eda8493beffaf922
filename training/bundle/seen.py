"""Which texts a model has been trained on, as far as its bundle is in the workspace."""

from __future__ import annotations

from collections.abc import Iterable

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.bundle.lineage import find_bundle
from goldspan.training.bundle.verify import open_bundle


def count_training_texts(workspace: Workspace, bundle: str, texts: Iterable[str]) -> int:
    """How many of the texts are in the training split of a bundle; 0 if the workspace has no such bundle.

    Args:
        workspace: where bundles are looked for.
        bundle: the bundle's name.
        texts: verbatim.
    """
    asked = frozenset(texts)
    try:
        found = open_bundle(find_bundle(workspace, bundle))
        seen = {text for split, _, text in found.iter_texts() if split == "train" and text in asked}
    except GoldspanError:
        return 0
    return len(seen)
