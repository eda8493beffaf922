"""The method `crf`: a linear-chain CRF on top of the predictor in service, trained in seconds on one processor.

It is stacked (Wolpert 1992): what the predictor beneath says of a token is a feature. From few reviews that alone is
not enough, so unreviewed samples with that predictor's own annotations fill the training set up to `least` samples, and
labels with fewer than `seen` examples stay the predictor's: with no reviews it would repeat it.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.configuration import require_least
from goldspan.annotation.corpus.ledger import TRAIN, find_ledger, read_ledger
from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.corpus.workspace_queue import iter_workspace
from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import format_count
from goldspan.predictors.artifact import write_settings
from goldspan.predictors.crf.features import describe_text, tag_tokens
from goldspan.predictors.stacking import open_base
from goldspan.training.bundle.verify import Bundle
from goldspan.training.methods.base import FitContext, Fitted, Method
from goldspan.training.methods.examples import CrfExample, make_examples, swap_values

MODEL = "model.crfsuite"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrfSettings:
    """How to train.

    `base` is the predictor beneath, by name; empty for none. `keep`: labels whose entities of the base all stay where
    they cross none of the CRF's, joined with commas. `c1` and `c2` weight the L1 and L2 penalties. `least` and
    `seen`: see the module. `copies`: of each reviewed sample with other values (see `swap_values`), fewer where that
    makes more than `most` examples.
    """

    base: str = "regex"
    c1: float = 0.1
    c2: float = 0.01
    iterations: int = 40
    least: int = 80
    seen: int = 5
    copies: int = 4
    most: int = 500
    keep: str = ""

    @property
    def kept(self) -> frozenset[str]:
        """The labels that `keep` lists."""
        return frozenset(filter(None, self.keep.split(",")))


@dataclass(frozen=True, slots=True)
class TrainedCrf:
    """A CRFsuite model, and the labels of which all entities of the base stay."""

    model: bytes
    from_base: tuple[str, ...]


class CrfMethod(Method[CrfSettings]):
    """Trains on the training split, and writes the model with the settings of the predictor `crf`."""

    name = "crf"
    title = "A linear-chain CRF on top of another predictor, trained in seconds"
    settings = CrfSettings

    def fit(self, bundle: Bundle, settings: CrfSettings, context: FitContext) -> Fitted:
        """Train; there is nothing to resume."""
        require_least("the CRF", settings, {"c1": 0, "c2": 0, "iterations": 1, "least": 0, "seen": 0})
        if unknown := sorted(settings.kept - context.labels.entity_codes):
            raise UnknownNameError("label", unknown[0], context.labels.entity_codes, "It stands in the option keep.")
        base = open_base(settings.base, context.labels)
        samples = [sample for sample in bundle.read_split("train", context.labels) if sample.best]
        if not any(sample.best and sample.best.entities for sample in samples):
            raise InputError("The training split holds no entity: there is nothing to learn.")
        examples = make_examples(samples, base)
        lacking = settings.least - len(examples)
        pool = _draw_unreviewed(bundle, context, lacking) if base else []
        trained = train_crf(examples, settings, make_examples(pool, base, reviewed=False))
        with explain_disk(context.staging):
            make_private_folder(context.staging)
        write_atomic(context.staging / MODEL, trained.model, mode=0o600)
        options: dict[str, str | Path] = {
            "model": Path(MODEL),
            "sha256": hashlib.sha256(trained.model).hexdigest(),
            "base": settings.base,
            "from_base": ",".join(trained.from_base),
        }
        write_settings(context.staging, "crf", options)
        context.report(
            f"Trained on {format_count(len(examples), 'sample')} of the bundle and {len(pool)} unreviewed ones of "
            "the workspace."
        )
        details = {"reviewed": len(examples), "unreviewed": len(pool), "labels_of_base": list(trained.from_base)}
        return Fitted(context.staging, details=details, documents=len(examples))


def train_crf(
    reviewed: Sequence[CrfExample], settings: CrfSettings, unreviewed: Sequence[CrfExample] = ()
) -> TrainedCrf:
    """Train a CRF on reviewed examples and their copies, and on unreviewed ones with the base's entities as gold.

    Raises:
        ConfigurationError: python-crfsuite is not installed.
    """
    require_packages("models", "pycrfsuite")
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    copies = min(settings.copies, max(0, settings.most // max(1, len(reviewed)) - 1))
    for one in (*reviewed, *swap_values(reviewed, copies), *unreviewed):
        tokens, rows = describe_text(one.text, one.language, one.beneath)
        if tokens:
            trainer.append(rows, tag_tokens(tokens, one.gold))
    trainer.set_params({"c1": settings.c1, "c2": settings.c2, "max_iterations": settings.iterations})
    with tempfile.TemporaryDirectory(prefix="goldspan-") as folder:
        path = Path(folder) / MODEL
        trainer.train(str(path))
        model = path.read_bytes()
    seen = Counter(entity.label for one in reviewed for entity in one.gold)
    offered = {entity.label for one in (*reviewed, *unreviewed) for entity in one.beneath}
    rare = {label for label in offered if seen[label] < settings.seen}
    return TrainedCrf(model, tuple(sorted(rare | settings.kept)))


def _draw_unreviewed(bundle: Bundle, context: FitContext, count: int) -> list[Sample]:
    """Samples without a review; those of the bundle are left out, and those that were ever held out."""
    if count <= 0:
        return []
    splits = bundle.manifest["split"]["sizes"]
    taken = {sample.sample_id for name in splits for sample in bundle.read_split(name, context.labels)}
    ledger = read_ledger(find_ledger(context.workspace)).entries
    taken |= {sample_id for sample_id, entry in ledger.items() if entry.split != TRAIN}
    pool = [
        sample
        for sample in iter_workspace(context.workspace, context.labels, lambda _: None)
        if not sample.reviews and sample.sample_id not in taken
    ]
    return sorted(pool, key=lambda sample: draw_order(sample.sample_id, "crf unreviewed", 0))[:count]
